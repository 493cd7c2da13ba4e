"""A client of HTTP/2 that writes its frames byte by byte and looks at what comes back, and the list of rules (`http2.py`)."""
import socket
import ssl
import struct

WAIT_SECONDS = 6
PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITISED = 0x1, 0x1, 0x4, 0x8, 0x20
NO_ERROR, PROTOCOL, INTERNAL, FLOW, SETTINGS_TIMEOUT, CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION = range(10)
WINDOW_SIZE_MAX = 2**31 - 1

RULES = []


class Broken(Exception):
    """What was seen where the rule wanted something else."""


def rule(number, fact, begun=True):
    """Enters a rule; the function gets a connection, with its settings exchanged if `begun`."""
    return lambda play: RULES.append((number, fact, begun, play))


def frame(kind, flags, stream, payload=b''):
    return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload


def setting(number, value):
    return struct.pack('>HI', number, value)


def number(value):
    return struct.pack('>I', value)


def text(value):
    """A string of HPACK, not Huffman-coded, of at most 126 bytes or with a length of several bytes."""
    value = value.encode('latin-1') if isinstance(value, str) else value
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, length = len(value) - 127, b'\x7f'
    while rest >= 128:
        length, rest = length + bytes([rest % 128 + 128]), rest // 128
    return length + bytes([rest]) + value


def block(*fields):
    """A header block of literal fields without indexing (RFC 7541 section 6.2.2)."""
    return b''.join(b'\x00' + text(name) + text(value) for name, value in fields)


class Connection:
    def __init__(self, address, port, name, path):
        self.name, self.path = name, path
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(['h2'])
        stream = socket.create_connection((address, port), WAIT_SECONDS)
        self.stream = context.wrap_socket(stream, server_hostname=name)
        if self.stream.selected_alpn_protocol() != 'h2':
            raise Broken('the listener does not choose h2')
        self.bytes, self.settings, self.is_general = b'', {}, False

    def begin(self, settings=b''):
        """Exchanges settings."""
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))
        kind, flags, _, payload = self.read_one(lambda kind, flags, *_: kind == SETTINGS and not flags & ACK)
        for at in range(0, len(payload), 6):
            name, value = struct.unpack('>HI', payload[at:at + 6])
            self.settings[name] = value
        self.send(frame(SETTINGS, ACK, 0))

    def send(self, octets):
        try:
            self.stream.sendall(octets)
        except OSError:
            pass  # The server may have closed already: what it said before that is read.

    def read(self):
        """The next frame; none where the connection is over."""
        while len(self.bytes) < 9 or len(self.bytes) < 9 + int.from_bytes(self.bytes[:3], 'big'):
            try:
                more = self.stream.recv(65536)
            except TimeoutError:
                raise Broken('nothing more came')
            except OSError:
                more = b''
            if not more:
                return None
            self.bytes += more
        length = int.from_bytes(self.bytes[:3], 'big')
        kind, flags, stream = struct.unpack('>BBI', self.bytes[3:9])
        payload, self.bytes = self.bytes[9:9 + length], self.bytes[9 + length:]
        return kind, flags, stream & WINDOW_SIZE_MAX, payload

    def read_one(self, wanted):
        """The first frame that is `wanted`; an error before it breaks the rule."""
        seen = []
        while True:
            try:
                got = self.read()
            except Broken as broken:
                raise Broken(f'{broken} after {seen}')
            if got is None:
                raise Broken(f'the connection ended after {seen}')
            if wanted(*got):
                return got
            kind, _, stream, payload = got
            if kind in (GOAWAY, RST):
                raise Broken(f'{said(got)} after {seen}')
            seen.append((kind, stream))

    def fields(self, method='GET', *more, path=None):
        return block((':method', method), (':scheme', 'https'), (':path', path or self.path), (':authority', self.name), *more)

    def get(self, stream, flags=END_STREAM | END_HEADERS):
        self.send(frame(HEADERS, flags, stream, self.fields()))

    def post(self, stream, *more, flags=END_HEADERS):
        self.send(frame(HEADERS, flags, stream, self.fields('POST', *more)))

    def answered(self, stream):
        """Waits for the head of an answer."""
        return self.read_one(lambda kind, _, of, __: kind == HEADERS and of == stream)

    def answered_whole(self, stream):
        self.read_one(lambda kind, flags, of, _: of == stream and kind in (HEADERS, DATA) and flags & END_STREAM)

    def data_of(self, stream, length):
        """Waits for bytes, which must be so many."""
        got = self.read_one(lambda kind, _, of, payload: kind == DATA and of == stream and payload)
        if len(got[3]) != length:
            raise Broken(f'{len(got[3])} bytes came, not {length}')

    def lives(self):
        """The connection still answers."""
        self.send(frame(PING, 0, 0, b'  lives '))
        self.read_one(lambda kind, flags, _, payload: kind == PING and flags & ACK and payload == b'  lives ')

    def refused(self, *codes):
        """Waits for an error with one of `codes`, of the stream or of the connection, or for the connection's end."""
        seen = []
        while True:
            try:
                got = self.read()
            except Broken as broken:
                raise Broken(f'{broken} after {seen}')
            if got is None:
                return
            kind, _, stream, payload = got
            if kind in (GOAWAY, RST):
                code = int.from_bytes(payload[4:8] if kind == GOAWAY else payload[:4], 'big')
                self.is_general = code == PROTOCOL and code not in codes
                if code in codes or self.is_general:
                    return
                if not (kind == RST and code == NO_ERROR):
                    raise Broken(said(got))
            seen.append((kind, stream))

    def malformed(self, stream):
        """A request that means nothing: an error of its stream, or an answer that says so."""
        while True:
            got = self.read()
            if got is None:
                return
            kind, _, of, payload = got
            if kind in (GOAWAY, RST):
                code = int.from_bytes(payload[4:8] if kind == GOAWAY else payload[:4], 'big')
                if code != PROTOCOL:
                    raise Broken(said(got))
                return
            if kind == HEADERS and of == stream:
                if is_4xx(payload):
                    return
                raise Broken(f'it is answered: {payload[:8].hex()}')


def is_4xx(head):
    """Whether a header block begins with a :status of 4xx: entries 12 and 13 of the static table, or a literal of entry 8."""
    if head[0] in (0x8c, 0x8d):
        return True
    is_literal, is_huffman = head[0] in (0x48, 0x08, 0x18), head[1] & 0x80
    return is_literal and (head[2] >> 2 == 0x1a if is_huffman else head[2:3] == b'4')


def said(got):
    kind, _, stream, payload = got
    name, at = ('GOAWAY', 4) if kind == GOAWAY else ('RST_STREAM', 0)
    return f'{name} {int.from_bytes(payload[at:at + 4], "big")} of stream {stream}'
