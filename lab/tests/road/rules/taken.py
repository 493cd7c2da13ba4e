"""What a server of HTTP/2 must take: h2spec's book `generic`."""
from frames import *

@rule('use/1', 'a connection begins with the preface and settings', begun=False)
def _(c):
    c.begin()
    c.lives()


@rule('use/2.1', 'a priority of a stream that is not open yet is taken')
def _(c):
    c.send(frame(PRIORITY, 0, 1, number(0) + b'\xff'))
    c.get(1)
    c.answered(1)


for kind, name, payload in ((WINDOW, 'a window update', number(100)), (PRIORITY, 'a priority', number(0) + b'\x0a'),
                            (RST, 'a reset', number(CANCEL))):
    @rule('use/2.2', f'{name} of a stream that this side has closed is taken')
    def _(c, kind=kind, payload=payload):
        c.get(1)
        c.send(frame(kind, 0, 1, payload))
        c.lives()
        c.get(3)
        c.answered(3)


@rule('use/2.3', 'a priority of a stream that both sides have closed is taken')
def _(c):
    c.get(1)
    c.answered_whole(1)
    c.send(frame(PRIORITY, 0, 1, number(0) + b'\x0a'))
    c.lives()


for count, name in ((1, 'one frame'), (3, 'several frames')):
    @rule('use/3.1', f'a body in {name} is taken')
    def _(c, count=count):
        c.post(1)
        for left in reversed(range(count)):
            c.send(frame(DATA, 0 if left else END_STREAM, 1, b'test'))
        c.answered(1)


@rule('use/3.1', 'a padded body is taken')
def _(c):
    c.post(1)
    c.send(frame(DATA, END_STREAM | PADDED, 1, b'\x06test' + bytes(6)))
    c.answered(1)


@rule('use/3.2', 'a head in one frame is taken')
def _(c):
    c.get(1)
    c.answered(1)


@rule('use/3.2', 'a padded head is taken')
def _(c):
    c.send(frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, b'\x06' + c.fields() + bytes(6)))
    c.answered(1)


@rule('use/3.2', 'a head with a priority is taken')
def _(c):
    c.send(frame(HEADERS, END_STREAM | END_HEADERS | PRIORITISED, 1, number(0) + b'\x00' + c.fields()))
    c.answered(1)


for name, payload in (('the least weight', number(0) + b'\x00'), ('the greatest weight', number(0) + b'\xff'),
                      ('a parent', number(3) + b'\x0a'), ('a parent for itself alone', number(0x80000003) + b'\x0a')):
    @rule('use/3.3', f'a priority with {name} is taken')
    def _(c, payload=payload):
        c.send(frame(PRIORITY, 0, 1, payload))
        c.get(1)
        c.answered(1)


@rule('use/3.3', 'a priority of a later stream closes no earlier one')
def _(c):
    c.send(frame(PRIORITY, 0, 99, number(0) + b'\x0a'))
    c.get(1)
    c.answered(1)


@rule('use/3.4', 'a stream is reset and the connection goes on')
def _(c):
    c.post(1)
    c.send(frame(RST, 0, 1, number(CANCEL)))
    c.lives()


@rule('use/3.5', 'settings are acknowledged')
def _(c):
    c.send(frame(SETTINGS, 0, 0, setting(3, 100)))
    c.read_one(lambda kind, flags, *_: kind == SETTINGS and flags & ACK)


@rule('use/3.7', 'a ping is answered with its bytes')
def _(c):
    c.lives()


@rule('use/3.8', 'who says goodbye still gets what was asked')
def _(c):
    c.get(1)
    c.send(frame(GOAWAY, 0, 0, number(0) + number(NO_ERROR)))
    c.answered_whole(1)


for stream, name in ((0, 'the connection'), (1, 'a stream')):
    @rule('use/3.9', f'a window update of {name} is taken')
    def _(c, stream=stream):
        c.post(1)
        c.send(frame(WINDOW, 0, stream, number(1)) + frame(DATA, END_STREAM, 1, b'test'))
        c.answered(1)


for count in (1, 3):
    @rule('use/3.10', f'a head that goes on in {count} more frames is taken')
    def _(c, count=count):
        head = c.fields()
        c.send(frame(HEADERS, END_STREAM, 1, head))
        for left in reversed(range(count)):
            c.send(frame(CONTINUATION, 0 if left else END_HEADERS, 1, block((f'x-more-{left}', 'a' * 100))))
        c.answered(1)


for method in ('GET', 'HEAD', 'OPTIONS'):
    @rule('use/4', f'{method} is answered')
    def _(c, method=method):
        c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, c.fields(method)))
        c.answered_whole(1)


@rule('use/4', 'HEAD is answered without a body')
def _(c):
    c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, c.fields('HEAD')))
    kind, _, _, payload = c.read_one(lambda kind, flags, of, _: of == 1 and kind in (HEADERS, DATA) and flags & END_STREAM)
    if kind == DATA and payload:
        raise Broken(f'{len(payload)} bytes of a body came')


@rule('use/4', 'POST is answered')
def _(c):
    c.post(1, ('content-length', '4'))
    c.send(frame(DATA, END_STREAM, 1, b'test'))
    c.answered(1)


@rule('use/4', 'POST with trailers is answered')
def _(c):
    c.post(1, ('trailer', 'x-test'))
    c.send(frame(DATA, 0, 1, b'test') + frame(HEADERS, END_STREAM | END_HEADERS, 1, block(('x-test', 'ok'))))
    c.answered(1)


HUFFMAN_NAME, HUFFMAN_VALUE = b'\x88' + bytes.fromhex('25a849e95ba97d7f'), b'\x89' + bytes.fromhex('25a849e95bb8e8b4bf')
PLAIN_NAME, PLAIN_VALUE = text('custom-key'), text('custom-value')
for form, octets in (
    ('an indexed field', b'\x90'),
    ('a literal with indexing under a known name', b'\x7a' + PLAIN_VALUE),
    ('a Huffman-coded literal with indexing under a known name', b'\x7a' + HUFFMAN_VALUE),
    ('a literal with indexing under its own name', b'\x40' + PLAIN_NAME + PLAIN_VALUE),
    ('a Huffman-coded literal with indexing under its own name', b'\x40' + HUFFMAN_NAME + HUFFMAN_VALUE),
    ('a literal without indexing under a known name', b'\x0f\x2b' + PLAIN_VALUE),
    ('a Huffman-coded literal without indexing under a known name', b'\x0f\x2b' + HUFFMAN_VALUE),
    ('a literal without indexing under its own name', b'\x00' + PLAIN_NAME + PLAIN_VALUE),
    ('a Huffman-coded literal without indexing under its own name', b'\x00' + HUFFMAN_NAME + HUFFMAN_VALUE),
    ('a literal never to be indexed under a known name', b'\x1f\x2b' + PLAIN_VALUE),
    ('a Huffman-coded literal never to be indexed under a known name', b'\x1f\x2b' + HUFFMAN_VALUE),
    ('a literal never to be indexed under its own name', b'\x10' + PLAIN_NAME + PLAIN_VALUE),
    ('a Huffman-coded literal never to be indexed under its own name', b'\x10' + HUFFMAN_NAME + HUFFMAN_VALUE),
):
    @rule('use/5', f'{form} is read')
    def _(c, octets=octets):
        c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, c.fields() + octets))
        c.answered(1)


for name, octets in (('one change', b'\x20'), ('two changes', b'\x20\x3f\x61')):
    @rule('use/5', f'{name} of the table\'s size at the beginning of a head is read')
    def _(c, octets=octets):
        c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, octets + c.fields()))
        c.answered(1)


@rule('use/5', 'a field put into the table is known in the next head')
def _(c):
    c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, c.fields() + b'\x40' + PLAIN_NAME + PLAIN_VALUE))
    c.answered_whole(1)
    c.send(frame(HEADERS, END_STREAM | END_HEADERS, 3, c.fields() + b'\xbe'))
    c.answered(3)
