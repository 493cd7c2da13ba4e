"""What a server of HTTP/2 must refuse and how, and what it must overlook: h2spec's books `http2` and `hpack`."""
from frames import *

@rule('http2/3.5', 'another preface ends the connection', begun=False)
def _(c):
    c.send(b'INVALID CONNECTION PREFACE\r\n\r\n')
    c.refused(PROTOCOL)


@rule('http2/3.5', 'a preface without settings ends the connection', begun=False)
def _(c):
    c.send(PREFACE + frame(PING, 0, 0, bytes(8)))
    c.refused(PROTOCOL)


@rule('http2/4.1', 'a frame of an unknown kind is overlooked')
def _(c):
    c.send(frame(0xff, 0, 0, bytes(8)))
    c.lives()


@rule('http2/4.1', 'flags that nobody knows are overlooked')
def _(c):
    c.send(frame(PING, 0x16, 0, b'12345678'))
    c.read_one(lambda kind, flags, _, payload: kind == PING and flags & ACK and payload == b'12345678')


@rule('http2/4.1', 'the reserved bit of a stream\'s number is overlooked')
def _(c):
    c.send(frame(PING, 0, 0x80000000, b'12345678'))
    c.read_one(lambda kind, flags, _, payload: kind == PING and flags & ACK and payload == b'12345678')


@rule('http2/4.2', 'a frame of 16,384 bytes is taken')
def _(c):
    c.post(1)
    c.send(frame(DATA, END_STREAM, 1, bytes(16384)))
    c.answered(1)


@rule('http2/4.2', 'a body\'s frame longer than the server takes is refused')
def _(c):
    c.post(1)
    c.send(frame(DATA, END_STREAM, 1, bytes(c.settings.get(5, 16384) + 1)))
    c.refused(SIZE)


@rule('http2/4.2', 'a head\'s frame longer than the server takes is refused')
def _(c):
    octets = c.fields() + block(('x-long', 'a' * 100)) * 200
    c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, octets[:c.settings.get(5, 16384) + 1].ljust(16385, b'a')))
    c.refused(SIZE)


@rule('http2/4.3', 'a head that cannot be read ends the connection')
def _(c):
    c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, b'\x00\xff\xff\xff\xff\xff'))
    c.refused(COMPRESSION)


for number_of, name in (('http2/4.3', 'a priority'), ('http2/6.2', 'a priority of the same stream')):
    @rule(number_of, f'{name} between the parts of a head is refused')
    def _(c, other=1 if 'same' in name else 3):
        c.send(frame(HEADERS, END_STREAM, 1, c.fields()) + frame(PRIORITY, 0, other, number(0) + b'\x0a'))
        c.send(frame(CONTINUATION, END_HEADERS, 1, block(('x-test', 'ok'))))
        c.refused(PROTOCOL)


for number_of in ('http2/4.3', 'http2/6.2'):
    @rule(number_of, 'another stream\'s head between the parts of a head is refused' + (' on an open stream' if '6' in number_of else ''))
    def _(c, opens='6' in number_of):
        if opens:
            c.post(1)
        first = 3 if opens else 1
        c.send(frame(HEADERS, END_STREAM, first, c.fields()) + frame(HEADERS, END_STREAM | END_HEADERS, first + 2, c.fields()))
        c.refused(PROTOCOL)


IDLE = (('a body', DATA, END_STREAM, b'test'), ('a reset', RST, 0, number(CANCEL)), ('a window update', WINDOW, 0, number(100)),
        ('the rest of a head', CONTINUATION, END_HEADERS, block(('x-test', 'ok'))))
for name, kind, flags, payload in IDLE:
    @rule('http2/5.1', f'{name} of a stream that was never opened is refused')
    def _(c, kind=kind, flags=flags, payload=payload):
        c.send(frame(kind, flags, 1, payload))
        c.refused(PROTOCOL)

LATE = (('a body', DATA, END_STREAM), ('a head', HEADERS, END_STREAM | END_HEADERS), ('the rest of a head', CONTINUATION, END_HEADERS))
for name, kind, flags in LATE:
    @rule('http2/5.1', f'{name} after the stream\'s end is refused')
    def _(c, kind=kind, flags=flags):
        c.get(1)
        c.send(frame(kind, flags, 1, b'test' if kind == DATA else c.fields()))
        c.refused(CLOSED, PROTOCOL)

    @rule('http2/5.1', f'{name} after the stream\'s reset is refused')
    def _(c, kind=kind, flags=flags):
        c.post(1)
        c.send(frame(RST, 0, 1, number(CANCEL)))
        c.send(frame(kind, flags, 1, b'test' if kind == DATA else c.fields()))
        c.refused(CLOSED, PROTOCOL)

    @rule('http2/5.1', f'{name} after both sides have ended the stream is refused')
    def _(c, kind=kind, flags=flags):
        c.get(1)
        c.answered_whole(1)
        c.send(frame(kind, flags, 1, b'test' if kind == DATA else c.fields()))
        c.refused(CLOSED, PROTOCOL)


@rule('http2/5.1.1', 'a client opens no stream with an even number')
def _(c):
    c.get(2)
    c.refused(PROTOCOL)


@rule('http2/5.1.1', 'a stream\'s number is higher than those before it')
def _(c):
    c.get(5)
    c.get(3)
    c.refused(PROTOCOL, CLOSED)


@rule('http2/5.1.2', 'more streams than the server takes at once are refused', begun=False)
def _(c):
    c.begin(setting(4, 0))
    for at in range(c.settings[3] + 1):
        c.get(1 + 2 * at)
    c.refused(PROTOCOL, REFUSED)


@rule('http2/5.3.1', 'a head that names its own stream as its parent is refused, or its priority not looked at')
def _(c):
    c.send(frame(HEADERS, END_STREAM | END_HEADERS | PRIORITISED, 1, number(1) + b'\xff' + c.fields()))
    either(c, PROTOCOL)


@rule('http2/5.3.1', 'a priority that names its own stream as its parent is refused, or not looked at')
def _(c):
    c.send(frame(PRIORITY, 0, 1, number(1) + b'\xff'))
    c.get(1)
    either(c, PROTOCOL)


def either(c, *codes):
    """RFC 9113 section 5.3 took priorities out: both are kept by a server of that standard."""
    try:
        c.answered(1)
    except Broken as broken:
        if not any(f' {code} of' in str(broken) for code in codes) and 'connection ended' not in str(broken):
            raise


@rule('http2/5.4.1', 'an error of the connection ends it')
def _(c):
    c.send(frame(PING, 0, 3, bytes(8)))
    c.refused(PROTOCOL)
    while c.read() is not None:
        pass


@rule('http2/5.4.1', 'an error of the connection is told before it ends')
def _(c):
    c.send(frame(PING, 0, 0, bytes(6)))
    while True:
        got = c.read()
        if got is None:
            raise Broken('it ended without a word')
        if got[0] == GOAWAY:
            return


@rule('http2/5.5', 'an extension\'s frame is overlooked')
def _(c):
    c.send(frame(0x16, 0, 0, b'12345678'))
    c.lives()


@rule('http2/5.5', 'an extension\'s frame between the parts of a head is refused')
def _(c):
    c.send(frame(HEADERS, END_STREAM, 1, c.fields()) + frame(0x16, 0, 1, b'12345678'))
    c.send(frame(CONTINUATION, END_HEADERS, 1, block(('x-test', 'ok'))))
    c.refused(PROTOCOL)


OF_THE_CONNECTION = (('http2/6.1', 'a body', DATA, END_STREAM, b'test'), ('http2/6.2', 'a head', HEADERS, END_STREAM | END_HEADERS, None),
                     ('http2/6.3', 'a priority', PRIORITY, 0, number(0) + b'\x0a'), ('http2/6.4', 'a reset', RST, 0, number(CANCEL)),
                     ('http2/6.10', 'the rest of a head', CONTINUATION, END_HEADERS, None))
for number_of, name, kind, flags, payload in OF_THE_CONNECTION:
    @rule(number_of, f'{name} on the connection itself is refused')
    def _(c, kind=kind, flags=flags, payload=payload):
        c.send(frame(kind, flags, 0, c.fields() if payload is None else payload))
        c.refused(PROTOCOL)


@rule('http2/6.1', 'a body of a stream that its client has ended is refused')
def _(c):
    c.get(1)
    c.send(frame(DATA, END_STREAM, 1, b'test'))
    c.refused(CLOSED)


@rule('http2/6.1', 'a body with more padding than bytes is refused')
def _(c):
    c.post(1)
    c.send(frame(DATA, END_STREAM | PADDED, 1, b'\x06test'))
    c.refused(PROTOCOL)


@rule('http2/6.2', 'a head with more padding than bytes is refused')
def _(c):
    octets = c.fields()
    c.send(frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, bytes([len(octets) + 1]) + octets))
    c.refused(PROTOCOL)


@rule('http2/6.3', 'a priority of another length than five bytes is refused')
def _(c):
    c.post(1)
    c.send(frame(PRIORITY, 0, 1, bytes(4)))
    c.refused(SIZE)


@rule('http2/6.4', 'a reset of another length than four bytes is refused')
def _(c):
    c.post(1)
    c.send(frame(RST, 0, 1, bytes(3)))
    c.refused(SIZE)


@rule('http2/6.4', 'a reset of a stream that was never opened is refused')
def _(c):
    c.send(frame(RST, 0, 7, number(CANCEL)))
    c.refused(PROTOCOL)


for number_of, name, octets, code in (
    ('http2/6.5', 'an acknowledgement of settings with settings', frame(SETTINGS, ACK, 0, bytes(6)), SIZE),
    ('http2/6.5', 'settings of a stream', frame(SETTINGS, 0, 1, setting(3, 100)), PROTOCOL),
    ('http2/6.5', 'settings of a broken length', frame(SETTINGS, 0, 0, bytes(3)), SIZE),
    ('http2/6.5.2', 'a setting of ENABLE_PUSH to 2', frame(SETTINGS, 0, 0, setting(2, 2)), PROTOCOL),
    ('http2/6.5.2', 'a setting of INITIAL_WINDOW_SIZE to 2^31', frame(SETTINGS, 0, 0, setting(4, 2**31)), FLOW),
    ('http2/6.5.2', 'a setting of MAX_FRAME_SIZE below 2^14', frame(SETTINGS, 0, 0, setting(5, 16383)), PROTOCOL),
    ('http2/6.5.2', 'a setting of MAX_FRAME_SIZE to 2^24', frame(SETTINGS, 0, 0, setting(5, 2**24)), PROTOCOL),
    ('http2/6.7', 'a ping of a stream', frame(PING, 0, 1, bytes(8)), PROTOCOL),
    ('http2/6.7', 'a ping of six bytes', frame(PING, 0, 0, bytes(6)), SIZE),
    ('http2/6.8', 'a goodbye of a stream', frame(GOAWAY, 0, 1, number(0) + number(NO_ERROR)), PROTOCOL),
    ('http2/6.9', 'a window update of nothing', frame(WINDOW, 0, 0, number(0)), PROTOCOL),
    ('http2/6.9', 'a window update of three bytes', frame(WINDOW, 0, 0, bytes(3)), SIZE),
    ('http2/6.9.1', 'a window of the connection beyond 2^31', frame(WINDOW, 0, 0, number(WINDOW_SIZE_MAX)) * 2, FLOW),
    ('http2/6.9.2', 'a window of all streams beyond 2^31', frame(SETTINGS, 0, 0, setting(4, 2**31 + 5)), FLOW),
    ('http2/8.2', 'a promise by a client', frame(PUSH, END_HEADERS, 1, number(2) + b'\x82'), PROTOCOL),
):
    @rule(number_of, f'{name} is refused')
    def _(c, octets=octets, code=code):
        c.send(octets)
        c.refused(code)


@rule('http2/6.5.2', 'a setting that nobody knows is overlooked')
def _(c):
    c.send(frame(SETTINGS, 0, 0, setting(0xff, 1)))
    c.lives()


@rule('http2/6.5.3', 'of a setting said twice, the last counts', begun=False)
def _(c):
    c.begin(setting(4, 100) + setting(4, 1))
    c.get(1)
    c.data_of(1, 1)


@rule('http2/6.5.3', 'settings are acknowledged one after the other')
def _(c):
    c.send(frame(SETTINGS, 0, 0, setting(4, 100)) + frame(SETTINGS, 0, 0, setting(4, 200)))
    for _ in range(2):
        c.read_one(lambda kind, flags, *_: kind == SETTINGS and flags & ACK)


@rule('http2/6.7', 'an answer to a ping that was never sent is not answered')
def _(c):
    c.send(frame(PING, ACK, 0, b'nobody  ') + frame(PING, 0, 0, b'somebody'))
    got = c.read_one(lambda kind, *_: kind == PING)
    if got[3] != b'somebody':
        raise Broken('it was answered')


@rule('http2/6.9', 'a window update of nothing on a stream is refused')
def _(c):
    c.post(1)
    c.send(frame(WINDOW, 0, 1, number(0)))
    c.refused(PROTOCOL)


@rule('http2/6.9.1', 'no more is sent than the window takes', begun=False)
def _(c):
    c.begin(setting(4, 1))
    c.get(1)
    c.data_of(1, 1)


@rule('http2/6.9.1', 'a window of a stream beyond 2^31 is refused')
def _(c):
    c.post(1)
    c.send(frame(WINDOW, 0, 1, number(WINDOW_SIZE_MAX)) * 2)
    c.refused(FLOW)


@rule('http2/6.9.2', 'a window that settings open lets an answer go on', begun=False)
def _(c):
    c.begin(setting(4, 0))
    c.get(1)
    c.answered(1)
    c.send(frame(SETTINGS, 0, 0, setting(4, 1)))
    c.data_of(1, 1)


@rule('http2/6.9.2', 'a window that settings took below nothing is filled again before bytes go', begun=False)
def _(c):
    c.begin(setting(4, 3))
    c.get(1)
    c.data_of(1, 3)
    c.send(frame(SETTINGS, 0, 0, setting(4, 2)))
    c.read_one(lambda kind, flags, *_: kind == SETTINGS and flags & ACK)
    c.send(frame(WINDOW, 0, 1, number(2)))
    c.data_of(1, 1)


@rule('http2/6.10', 'a head in many parts is taken')
def _(c):
    octets = c.fields()
    c.send(frame(HEADERS, END_STREAM, 1, octets[:1]))
    for at in range(1, 5):
        c.send(frame(CONTINUATION, 0, 1, octets[at:at + 1]))
    c.send(frame(CONTINUATION, END_HEADERS, 1, octets[5:]))
    c.answered(1)


@rule('http2/6.10', 'a body between the parts of a head is refused')
def _(c):
    c.send(frame(HEADERS, 0, 1, c.fields('POST')) + frame(DATA, END_STREAM, 1, b'test'))
    c.refused(PROTOCOL)


@rule('http2/6.10', 'the rest of a head that was whole is refused')
def _(c):
    c.post(1)
    c.send(frame(CONTINUATION, END_HEADERS, 1, block(('x-test', 'ok'))))
    c.refused(PROTOCOL)


@rule('http2/6.10', 'the rest of a head that its last part ended is refused')
def _(c):
    c.send(frame(HEADERS, 0, 1, c.fields('POST')) + frame(CONTINUATION, END_HEADERS, 1, block(('x-test', 'ok'))))
    c.send(frame(CONTINUATION, END_HEADERS, 1, block(('x-test', 'ok'))))
    c.refused(PROTOCOL)


@rule('http2/6.10', 'the rest of a head after a body is refused')
def _(c):
    c.post(1)
    c.send(frame(DATA, 0, 1, b'test') + frame(CONTINUATION, END_HEADERS, 1, block(('x-test', 'ok'))))
    c.refused(PROTOCOL)


@rule('http2/7', 'a goodbye with an unknown reason is taken')
def _(c):
    c.send(frame(GOAWAY, 0, 0, number(0) + number(0xff)))
    try:
        c.lives()
    except Broken as broken:
        # RFC 9113 section 6.8: whoever got it may end the connection, without an error of its own.
        if 'connection ended' not in str(broken) and 'GOAWAY 0' not in str(broken):
            raise


@rule('http2/7', 'a reset with an unknown reason is taken')
def _(c):
    c.post(1)
    c.send(frame(RST, 0, 1, number(0xff)))
    c.lives()


@rule('http2/8.1', 'a second head that does not end the stream is refused')
def _(c):
    c.post(1)
    c.send(frame(HEADERS, END_HEADERS, 1, block(('x-test', 'ok'))))
    c.malformed(1)


GET = ((':method', 'GET'), (':scheme', 'https'), (':path', None), (':authority', None))
for number_of, fact, fields in (
    ('http2/8.1.2', 'a name in capitals', GET + (('X-TEST', 'ok'),)),
    ('http2/8.1.2', 'a blank in a name', GET + (('x test', 'ok'),)),
    ('http2/8.1.2', 'a line break in a value', GET + (('x-test', 'a\r\nb: c'),)),
    ('http2/8.1.2', 'a zero byte in a value', GET + (('x-test', 'a\0b'),)),
    ('http2/8.1.2.1', 'an unknown pseudo-field', GET + ((':test', 'ok'),)),
    ('http2/8.1.2.1', 'a pseudo-field of answers', GET + ((':status', '200'),)),
    ('http2/8.1.2.1', 'a pseudo-field after another field', GET[:3] + (('x-test', 'ok'), GET[3])),
    ('http2/8.1.2.2', 'a field of HTTP/1.1 connections', GET + (('connection', 'keep-alive'),)),
    ('http2/8.1.2.2', 'transfer codings', GET + (('transfer-encoding', 'chunked'),)),
    ('http2/8.1.2.2', 'TE with more than trailers', GET + (('te', 'trailers, deflate'),)),
    ('http2/8.1.2.3', 'an empty path', (GET[0], GET[1], (':path', ''), GET[3])),
    ('http2/8.1.2.3', 'no method', GET[1:]),
    ('http2/8.1.2.3', 'no scheme', (GET[0],) + GET[2:]),
    ('http2/8.1.2.3', 'no path', GET[:2] + GET[3:]),
    ('http2/8.1.2.3', 'two methods', (GET[0],) + GET),
    ('http2/8.1.2.3', 'two schemes', GET[:2] + GET[1:]),
    ('http2/8.1.2.3', 'two paths', GET[:3] + GET[2:]),
    ('http2/8.1.2.3', 'two authorities', GET + GET[3:]),
):
    @rule(number_of, f'a request with {fact} is refused')
    def _(c, fields=fields):
        own = {':path': c.path, ':authority': c.name}
        fields = [(name, own[name] if value is None else value) for name, value in fields]
        c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, block(*fields)))
        c.malformed(1)


@rule('http2/8.1.2.1', 'a pseudo-field in trailers is refused')
def _(c):
    c.post(1)
    c.send(frame(DATA, 0, 1, b'test') + frame(HEADERS, END_STREAM | END_HEADERS, 1, block((':method', 'POST'))))
    c.malformed(1)


for count, name in ((1, 'one frame'), (2, 'two frames')):
    @rule('http2/8.1.2.6', f'a body in {name} of another length than was said is refused')
    def _(c, count=count):
        c.post(1, ('content-length', '1'))
        for left in reversed(range(count)):
            c.send(frame(DATA, 0 if left else END_STREAM, 1, b'test'))
        c.malformed(1)


@rule('http2/8.3', 'a connection\'s name and the request\'s may not differ')
def _(c):
    c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, block((':method', 'GET'), (':scheme', 'https'), (':path', c.path),
                                                             (':authority', 'autre.exemple.fr'))))
    c.malformed(1)


@rule('http2/10.5', 'a head without end is not gathered for ever')
def _(c):
    c.send(frame(HEADERS, END_STREAM, 1, c.fields()))
    for at in range(400):
        c.send(frame(CONTINUATION, 0, 1, block(('x-more', 'a' * 8000))))
    c.refused(PROTOCOL, COMPRESSION, SIZE, REFUSED, INTERNAL, 11)


@rule('http2/10.5', 'who opens and resets streams without end is sent away')
def _(c):
    for at in range(20_000):
        c.send(c.reset_pair(1 + 2 * at))
    c.refused(PROTOCOL, 11)


def reset_pair(self, stream):
    return frame(HEADERS, END_STREAM | END_HEADERS, stream, self.fields()) + frame(RST, 0, stream, number(CANCEL))


Connection.reset_pair = reset_pair


# -- hpack ---------------------------------------------------------------------------------------------------------------------

for number_of, fact, octets, is_behind in (
    ('hpack/2.3.3', 'a field of the table that is not there', b'\xc6', True),
    ('hpack/2.3.3', 'a literal under a name of the table that is not there', b'\x7f\x08' + text('a'), True),
    ('hpack/4.2', 'a change of the table\'s size at the end of a head', b'\x21', True),
    ('hpack/5.2', 'a Huffman-coded string with more than seven bits behind its end', b'\x00\x89' + bytes.fromhex('25a849e95ba97d7fff') + text('a'), True),
    ('hpack/5.2', 'a Huffman-coded string with zeros behind its end', b'\x00\x81\x18' + text('a'), True),
    ('hpack/5.2', 'a Huffman-coded string with the end in its middle', b'\x00\x84\xff\xff\xff\xff' + text('a'), True),
    ('hpack/6.1', 'the field with number zero', b'\x80', True),
    ('hpack/6.3', 'a table larger than the server allows', b'\x3f\xe1\xff\x7f', False),
):
    @rule(number_of, f'{fact} ends the connection')
    def _(c, octets=octets, is_behind=is_behind):
        head = c.fields()
        c.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, head + octets if is_behind else octets + head))
        c.refused(COMPRESSION)
