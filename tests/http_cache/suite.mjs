// Runs the public suite for HTTP caches against one cache, and prints what came of each test as JSON.
//
//   node suite.mjs SUITE FETCH BASE [ID]
//
// SUITE is the folder of the npm package `http-cache-tests`, FETCH that of `node-fetch`, which it asks with; BASE is the
// URL of the cache, without a slash at its end. With ID, that one test alone, and all its messages on standard error.
// The result is a list of { id, kind, group, outcome: "pass" | "fail" | "setup" | "dependency", said }: the outcomes are
// those of the suite's own page, where a test counts only if those that it builds upon have passed.

import { createRequire } from 'node:module'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

const [, , suiteDir, fetchDir, base, only] = process.argv
const load = file => import(pathToFileURL(path.resolve(suiteDir, file)))
const fetch = createRequire(import.meta.url)(path.resolve(fetchDir))

const groups = [...(await load('tests/index.mjs')).default, (await load('tests/surrogate-control.mjs')).default]
const { runTests, getResults } = await load('client/runner.mjs')

const known = new Map()
for (const group of groups) {
  for (const test of group.tests) {
    if (!test.browser_only) known.set(test.id, { ...test, group: group.id })
  }
}

const say = console.log
console.log = (...words) => console.error(...words)
const asked = only
  ? groups.map(group => ({ ...group, tests: group.tests.filter(test => test.id === only) }))
  : groups
if (only) asked.forEach(group => group.tests.forEach(test => { test.dump = true }))
await runTests(asked, fetch, false, base, 60)
const results = getResults()

function outcome (id, alone) {
  const result = results[id]
  if (result === undefined) return 'dependency'
  const needed = alone ? [] : known.get(id).depends_on ?? []
  if (needed.some(other => outcome(other, false) !== 'pass')) return 'dependency'
  if (result === true) return 'pass'
  return result[0] === 'Setup' ? 'setup' : 'fail'
}

const list = []
for (const [id, test] of known) {
  if (only && id !== only) continue
  const said = results[id] === true ? '' : (results[id] ?? []).join(': ')
  list.push({ id, kind: test.kind ?? 'required', group: test.group, outcome: outcome(id, Boolean(only)), said })
}
say(JSON.stringify(list, null, 1))
