"""Holds a listener to RFC 9112, byte by byte.

    python3 http1.py ADDRESS PORT NAME PATH plain|tls [BEGINNING]

Each rule has a connection of its own, writes a request as it stands here and looks at what comes back; numbers are sections of
RFC 9112. Rules know nothing of what a page says: a listener that redirects everybody keeps them as well. In requests, `{host}` is
NAME and `{path}` is PATH. With BEGINNING, only rules whose numbers begin so are played. The last line counts; the program fails
where a rule is broken.

| verdict | the rule is kept by |
|---|---|
| taken | one answer that does not take the request for a broken one |
| refused | an answer that does (4xx, 5xx) and the connection's end, or its end without one |
| refuses | an answer that does, or the connection's end |
| either | any answer, or the connection's end |
| alone | at most one answer, then the end, or silence where a body is still waited for: bytes behind the request were not taken for another |
| first | an answer, to a request after which the connection may go on |
| two | two answers, or one that says `close` and the end; behind a body, which may be refused unread, one and the end |
| ends | one answer that is no refusal, and the end |
| says close | an answer that says so |
| waits | an answer, once 100 was said and the body sent or without either |
"""
import socket
import ssl
import sys

WAIT_SECONDS = 8
BROKEN = {400, 411, 414, 417, 431, 500, 501, 505}
HIDDEN = 'GET {path}?hidden HTTP/1.1\r\nHost: {host}\r\n\r\n'
RULES = []


class Broken(Exception):
    """What was seen where the rule wanted something else."""


class Silent(Broken):
    """Nothing at all was seen."""


def rule(number, fact, verdict, request):
    RULES.append((number, fact, verdict, request))


def get(*lines, line='GET {path} HTTP/1.1', host='Host: {host}'):
    return '\r\n'.join([line, *([host] if host else []), *lines, '', ''])


def post(*lines, body=''):
    return get(*lines, line='POST {path} HTTP/1.1') + body


def chunked(body, *lines):
    return post('Transfer-Encoding: chunked', *lines, body=body)


# -- 2: messages ---------------------------------------------------------------------------------------------------------------

rule('2.2', 'an empty line before a request is overlooked', 'taken', '\r\n' + get())
rule('2.2', 'lines that end without a return are one request or none', 'either', get().replace('\r\n', '\n'))
rule('2.2', 'a return alone ends no line', 'refused', get('X-A: b\rX-C: d'))
rule('2.2', 'a blank before the first field is refused or not read', 'either', 'GET {path} HTTP/1.1\r\n X-A: b\r\nHost: {host}\r\n\r\n')
rule('2.2', 'what is no HTTP is refused', 'refused', 'SSH-2.0-OpenSSH_9.2\r\n\r\n')
rule('2.3', 'HTTP/1.0 is answered and the connection ends', 'ends', get(line='GET {path} HTTP/1.0'))
rule('2.3', 'HTTP/1.0 without a host is answered somehow and ends', 'alone', get(line='GET {path} HTTP/1.0', host=None))
for version in ('HTTP/2.0', 'HTTP/3.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1', 'HTTP/1.1.1', 'HTTP/01.1', 'HTTP/ 1.1', 'HTP/1.1'):
    rule('2.3', f'version `{version}` is refused', 'refused', get(line='GET {path} ' + version))
rule('2.3', 'a request without a version is refused', 'refused', 'GET {path}\r\n\r\n')

# -- 3: the request line ---------------------------------------------------------------------------------------------------------

for fact, line in (
    ('two blanks before the target', 'GET  {path} HTTP/1.1'), ('a blank before the method', ' GET {path} HTTP/1.1'),
    ('a blank in the target', 'GET {path} a HTTP/1.1'), ('tabs in place of blanks', 'GET\t{path}\tHTTP/1.1'),
    ('no target', 'GET HTTP/1.1'), ('a method with a bracket', 'GE(T {path} HTTP/1.1'), ('no method', '{path} HTTP/1.1'),
    ('a zero byte in the target', 'GET {path}\0 HTTP/1.1'), ('a form feed in the target', 'GET {path}\x0c HTTP/1.1'),
    ('a target without its slash', 'GET a HTTP/1.1'),
    ('CONNECT', 'CONNECT {host}:443 HTTP/1.1'),
):
    can_be_read = line.startswith(('CONNECT', 'GET a'))
    rule('3', f'{fact} is refused', 'refuses' if can_be_read else 'refused', get(line=line))
rule('3', 'a star with GET is refused, or the root', 'first', get(line='GET * HTTP/1.1'))
rule('3', 'a method nobody knows is refused, or the origin\'s affair', 'first', get(line='PIEGE {path} HTTP/1.1'))
rule('3', 'a target of 100 kB is refused', 'refused', get(line='GET {path}?' + 'a' * 100_000 + ' HTTP/1.1'))
rule('3.2.2', 'a target with scheme and host is taken', 'taken', get(line='GET {scheme}://{host}{path} HTTP/1.1'))
rule('3.2.2', 'another host in the target than in its field is refused or the target\'s', 'first',
     get(line='GET {scheme}://autre.exemple.fr{path} HTTP/1.1'))
rule('3.2.4', 'OPTIONS of the server is answered', 'first', get(line='OPTIONS * HTTP/1.1'))

# -- 3.2: Host -------------------------------------------------------------------------------------------------------------------

rule('3.2', 'a request of HTTP/1.1 without a host is refused', 'refuses', get(host=None))
rule('3.2', 'two hosts are refused', 'refuses', get('Host: {host}'))
rule('3.2', 'two different hosts are refused', 'refuses', get('Host: autre.exemple.fr'))
for host in ('{host} a', '{host},autre.exemple.fr', '{host}/a', 'a@{host}', '{host}:port', '[::1', 'a b'):
    rule('3.2', f'host `{host}` is refused', 'refuses', get(host='Host: ' + host))
rule('3.2', 'a host with its port and in capitals is the same', 'taken', get(host='HOST: {HOST}:{port}'))

# -- 5: fields -------------------------------------------------------------------------------------------------------------------

for fact, line in (
    ('a blank before the colon', 'X-A : b'), ('a tab before the colon', 'X-A\t: b'), ('a line without a colon', 'X-A'),
    ('a field without a name', ': b'), ('a blank in a name', 'X A: b'), ('a bracket in a name', 'X(A: b'),
    ('a zero byte in a name', 'X\0A: b'), ('a letter above ASCII in a name', 'X-\xe9: b'), ('a delete in a name', 'X\x7fA: b'),
    ('a zero byte in a value', 'X-A: b\0c'), ('a bell in a value', 'X-A: b\x07c'), ('a delete in a value', 'X-A: b\x7fc'),
):
    rule('5', f'{fact} is refused', 'refused', get(line))
rule('5.1', 'blanks around a value are none of it', 'taken', get('X-A: \t b \t'))
rule('5.1', 'a field without a value is taken', 'taken', get('X-A:'))
rule('5.1', 'a value above ASCII is taken', 'taken', get('X-A: \xe9\xff'))
rule('5.2', 'a folded line is refused, or one line', 'either', get('X-A: b', ' c'))
rule('5.2', 'a folded line hides no length', 'alone', get('X-A: b', ' Transfer-Encoding: chunked', 'Connection: close') + '0\r\n\r\n' + HIDDEN)
rule('5.4', 'a head of 200 kB is refused', 'refused', get(*(f'X-{at}: ' + 'a' * 2000 for at in range(100))))
rule('5.4', 'a head of 2,000 fields is refused', 'refused', get(*(f'X-{at}: a' for at in range(2000))))

# -- 6: where a message ends -----------------------------------------------------------------------------------------------------

for fact, lines in (
    ('a length and chunks', ('Content-Length: 4', 'Transfer-Encoding: chunked')),
    ('chunks and a length', ('Transfer-Encoding: chunked', 'Content-Length: 4')),
):
    rule('6.1', f'after {fact} the connection ends', 'alone', post(*lines, body='0\r\n\r\n' + HIDDEN))
for coding in ('xchunked', 'identity', 'chunked, identity', 'gzip, chunked', 'chunked, gzip', 'chunked, chunked', 'chunked;a=b', '"chunked"',
               '\x0bchunked', 'chunked\0', ''):
    rule('6.1', f'coding `{ascii(coding)[1:-1]}` does not hide a request', 'alone',
         post('Transfer-Encoding: ' + coding, 'Connection: close', body='0\r\n\r\n' + HIDDEN))
rule('6.1', 'codings in two lines do not hide a request', 'alone',
     post('Transfer-Encoding: chunked', 'Transfer-Encoding: identity', 'Connection: close', body='0\r\n\r\n' + HIDDEN))
rule('6.1', 'chunks in HTTP/1.0 end the connection', 'alone',
     'POST {path} HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n' + HIDDEN)
for length in ('a', '+4', '-4', '4 4', '0x4', '4.0', '4;', '4, 5', '', '18446744073709551616', '99999999999999999999', '\x0b4', '4\xa0'):
    rule('6.3', f'length `{ascii(length)[1:-1]}` is refused', 'refused', post('Content-Length: ' + length, body='test'))
rule('6.3', 'two different lengths are refused', 'refused', post('Content-Length: 4', 'Content-Length: 5', body='test'))
rule('6.3', 'the same length twice is one or refused', 'either', post('Content-Length: 4', 'Content-Length: 4', body='test'))
rule('6.3', 'a length with zeros before it is that length', 'two', post('Content-Length: 0004', body='test') + get('Connection: close'))
rule('6.3', 'a request without a length has no body', 'two', get() + get('Connection: close'))
rule('6.3', 'what follows a body by its length is the next request', 'two', post('Content-Length: 4', body='test') + get('Connection: close'))

# -- 7: chunks -------------------------------------------------------------------------------------------------------------------

for fact, body in (
    ('one chunk', '4\r\ntest\r\n0\r\n\r\n'), ('two chunks', '4\r\ntest\r\n3\r\nabc\r\n0\r\n\r\n'),
    ('a size in capitals', 'A\r\n0123456789\r\n0\r\n\r\n'), ('a size with zeros before it', '0004\r\ntest\r\n0\r\n\r\n'),
    ('an extension', '4;a=b\r\ntest\r\n0\r\n\r\n'), ('an extension in quotes', '4;a="b;c"\r\ntest\r\n0;d\r\n\r\n'),
    ('a trailer', '4\r\ntest\r\n0\r\nX-A: b\r\n\r\n'), ('no bytes', '0\r\n\r\n'),
):
    rule('7.1', f'what follows a body with {fact} is the next request', 'two', chunked(body) + get('Connection: close'))
for fact, body in (
    ('a size that is no number', 'g\r\ntest\r\n0\r\n\r\n'), ('a size with a prefix', '0x4\r\ntest\r\n0\r\n\r\n'),
    ('a size below zero', '-1\r\ntest\r\n0\r\n\r\n'), ('a size beyond 2^64', '10000000000000004\r\ntest\r\n0\r\n\r\n'),
    ('a size of 2^64 - 1', 'ffffffffffffffff\r\ntest\r\n0\r\n\r\n'), ('no size', '\r\ntest\r\n0\r\n\r\n'),
    ('more bytes than its size', '3\r\ntest\r\n0\r\n\r\n'), ('a chunk without a line\'s end', '4\r\ntest0\r\n\r\n'),
    ('a size that ends with a line feed alone', '4\ntest\r\n0\r\n\r\n'), ('a blank before the size', ' 4\r\ntest\r\n0\r\n\r\n'),
    ('a line feed in an extension', '4;a\nb\r\ntest\r\n0\r\n\r\n'), ('an extension of 100 kB', '4;' + 'a' * 100_000 + '\r\ntest\r\n0\r\n\r\n'),
    ('trailers of 200 kB', '0\r\n' + 'X-A: ' + 'b' * 200_000 + '\r\n\r\n'), ('a trailer without a colon', '0\r\nX-A\r\n\r\n'),
):
    rule('7.1', f'behind a body with {fact} nothing is a request', 'alone', chunked(body) + HIDDEN)

# -- 9: connections --------------------------------------------------------------------------------------------------------------

rule('9.3', 'two requests at once are answered one after the other', 'two', get() + get('Connection: close'))
rule('9.3', 'HEAD is answered without a body', 'two', get(line='HEAD {path} HTTP/1.1') + get('Connection: close'))
for value in ('close', 'CLOSE', 'a, close', 'close, a'):
    rule('9.6', f'`Connection: {value}` ends the connection', 'ends', get('Connection: ' + value) + HIDDEN)
rule('9.6', 'a connection\'s end is said before', 'says close', get('Connection: close'))
rule('9.7', 'fields that Connection names harm nobody', 'taken', get('Connection: host, x-a', 'X-A: b'))
for lines in (('Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA', 'Connection: Upgrade, HTTP2-Settings'),
              ('Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='),
              ('Upgrade: TLS/1.0', 'Connection: Upgrade')):
    rule('9.9', f'`{lines[0]}` changes no protocol', 'taken', get(*lines))
rule('10.1.1 of RFC 9110', 'a client that waits for 100 gets it or an answer', 'waits', post('Content-Length: 4', 'Expect: 100-continue'))
rule('10.1.1 of RFC 9110', 'another expectation is refused or overlooked', 'first', get('Expect: a'))


class Connection:
    def __init__(self, address, port, name, is_secure):
        self.stream = socket.create_connection((address, port), WAIT_SECONDS)
        if is_secure:
            context = ssl._create_unverified_context()
            context.set_alpn_protocols(['http/1.1'])
            self.stream = context.wrap_socket(self.stream, server_hostname=name)
        self.bytes = b''

    def send(self, octets):
        try:
            self.stream.sendall(octets)
        except OSError:
            pass  # The server may have closed already: what it said before that is read.

    def more(self):
        """Reads; whether there was anything before the connection's end."""
        try:
            more = self.stream.recv(65536)
        except TimeoutError:
            raise Broken(f'nothing more came after {self.bytes[:60]!r}') if self.bytes else Silent('nothing came')
        except OSError:
            return False
        self.bytes += more
        return bool(more)

    def take(self, count):
        while len(self.bytes) < count:
            if not self.more():
                raise Broken('the connection ended in a body')
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def line(self):
        while b'\r\n' not in self.bytes:
            if not self.more():
                raise Broken('the connection ended in a line')
        line, self.bytes = self.bytes.split(b'\r\n', 1)
        return line

    def answer(self, to_head=False):
        """The next answer: its code and fields; none where the connection is over."""
        while b'\r\n\r\n' not in self.bytes:
            if not self.more():
                if self.bytes:
                    raise Broken(f'half an answer: {self.bytes[:60]!r}')
                return None
        head, self.bytes = self.bytes.split(b'\r\n\r\n', 1)
        first, *lines = head.decode('latin-1').split('\r\n')
        version, code = first.split(' ')[:2]
        if version not in ('HTTP/1.1', 'HTTP/1.0'):
            raise Broken(f'no answer: {first!r}')
        fields = {}
        for line in lines:
            name, value = line.split(':', 1)
            fields.setdefault(name.lower(), []).append(value.strip())
        code = int(code)
        if 'content-length' in fields and 'transfer-encoding' in fields:
            raise Broken('an answer with a length and chunks')
        if code >= 200 and code not in (204, 304) and not to_head:
            self.body(fields)
        return code, fields

    def body(self, fields):
        if 'transfer-encoding' in fields:
            while size := int(self.line().split(b';')[0], 16):
                self.take(size + 2)
            while self.line():
                pass
        elif 'content-length' in fields:
            self.take(int(fields['content-length'][0]))
        else:
            while self.more():
                pass
            self.bytes = b''

    def ended(self):
        """The connection is over and nothing came before its end."""
        got = self.answer()
        if got is not None:
            raise Broken(f'another answer: {got[0]}')


def final(connection, to_head=False):
    """The first answer that is no interim one."""
    while (got := connection.answer(to_head)) and got[0] < 200:
        if got[0] == 101:
            raise Broken('the protocol was changed')
    return got


def judge(connection, verdict, request):
    to_head = request.startswith(b'HEAD')
    try:
        got = final(connection, to_head)
    except Silent:
        if verdict == 'alone':
            return
        raise
    code, fields = got or (None, {})
    is_refused = code is None or code in BROKEN
    says_close = 'close' in ','.join(fields.get('connection', [])).lower()
    if verdict == 'taken' and (code is None or code in BROKEN):
        raise Broken(f'it is answered {code}')
    if verdict in ('refused', 'refuses') and code is not None and code < 400:
        raise Broken(f'it is answered {code}')
    if verdict == 'first' and code is None:
        raise Broken('it is not answered')
    if verdict == 'refused' or verdict == 'alone':
        connection.ended()
    if verdict == 'ends':
        if is_refused:
            raise Broken(f'it is answered {code}')
        connection.ended()
    if verdict == 'says close' and not says_close:
        raise Broken('the answer does not say so')
    if verdict == 'two':
        if is_refused:
            raise Broken(f'the first is answered {code}')
        second = connection.answer()
        if second is None and not says_close and not request.startswith(b'POST'):
            raise Broken('the second is not answered')
        if second and second[0] in BROKEN:
            raise Broken(f'the second is answered {second[0]}')


def waits(connection):
    """The body is sent once the server says so."""
    got = connection.answer()
    if got and got[0] == 100:
        connection.send(b'test')
        got = final(connection)
    if got is None:
        raise Broken('it is not answered')


def main():
    address, port, name, path, way = sys.argv[1:6]
    beginning = sys.argv[6] if len(sys.argv) > 6 else ''
    words = {'{host}': name, '{HOST}': name.upper(), '{path}': path, '{port}': port, '{scheme}': 'https' if way == 'tls' else 'http'}
    played = broken = 0
    for number, fact, verdict, request in RULES:
        if not number.startswith(beginning):
            continue
        for word, value in words.items():
            request = request.replace(word, value)
        request = request.encode('latin-1')
        played += 1
        try:
            connection = Connection(address, int(port), name, way == 'tls')
            connection.send(request)
            waits(connection) if verdict == 'waits' else judge(connection, verdict, request)
            connection.stream.close()
        except (Broken, OSError, ValueError) as why:
            broken += 1
            print(f'BROKEN {number} {fact}: {why}', flush=True)
    print(f'{played} rules, {broken} broken')
    sys.exit(broken > 0)


main()
