// The origin of the public suite for HTTP caches, on loopback alone and on a port that the system chooses.
//
//   node origin.mjs SUITE
//
// SUITE is the folder of the npm package `http-cache-tests`, whose own server listens on every address of the machine.
// Prints its port once it listens; ends when its standard input does.

import http from 'node:http'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const suite = path.resolve(process.argv[2])
const part = async file => (await import(pathToFileURL(path.join(suite, 'server', file)))).default
const parts = {
  config: await part('handle-config.mjs'),
  test: await part('handle-test.mjs'),
  state: await part('handle-state.mjs')
}

// The suite's own notes of what it was asked belong to nobody's standard output.
console.log = () => {}

const server = http.createServer((request, response) => {
  const [, first, ...rest] = new URL(request.url, 'http://origin/').pathname.split('/')
  const answer = parts[first]
  if (answer) return answer(rest, request, response)
  response.writeHead(404).end()
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`))
process.stdin.resume().on('end', () => process.exit(0))
