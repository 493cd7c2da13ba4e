"""Shows a concentrator a first message of WireGuard that bears the time of 2099, as a box does whose clock was there.

handshake.py PRIVATE-KEY CONCENTRATORS-PUBLIC-KEY ADDRESS

Says `answered` where an answer comes within five seconds. After the white paper of WireGuard, section 5.4.2; X25519 is of
RFC 7748, ChaCha20 and Poly1305 of RFC 8439. Nothing here takes care of secrets: it is for the lab alone.
"""

import base64, hashlib, hmac, os, socket, struct, sys

P = 2**255 - 19


def x25519(scalar, point):
    bits = bytearray(scalar)
    bits[0] &= 248
    bits[31] = bits[31] & 127 | 64
    k = int.from_bytes(bits, "little")
    u = int.from_bytes(point, "little") & (1 << 255) - 1
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for place in reversed(range(255)):
        bit = k >> place & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % P, b * b % P, d * a % P, c * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, u * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")


def chacha20_block(key, counter, nonce):
    begin = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter) + nonce))
    s = begin[:]

    def turn(a, b, c, d):
        for one, other, third, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[one] = s[one] + s[other] & 0xFFFFFFFF
            x = s[third] ^ s[one]
            s[third] = (x << by | x >> 32 - by) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            turn(column, column + 4, column + 8, column + 12)
        for row in range(4):
            turn(row, 4 + (row + 1) % 4, 8 + (row + 2) % 4, 12 + (row + 3) % 4)
    return struct.pack("<16I", *(x + y & 0xFFFFFFFF for x, y in zip(s, begin)))


def seal(key, text, beside):
    """AEAD_CHACHA20_POLY1305 with the nonce 0, for a text of 64 bytes at most."""
    nonce = bytes(12)
    stream = chacha20_block(key, 1, nonce)
    sealed = bytes(x ^ y for x, y in zip(text, stream))
    once = chacha20_block(key, 0, nonce)[:32]
    r = int.from_bytes(once[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    padded = lambda part: part + bytes(-len(part) % 16)
    whole = padded(beside) + padded(sealed) + struct.pack("<QQ", len(beside), len(sealed))
    sum_ = 0
    for begin in range(0, len(whole), 16):
        sum_ = (sum_ + int.from_bytes(whole[begin : begin + 16] + b"\1", "little")) * r % (2**130 - 5)
    return sealed + ((sum_ + int.from_bytes(once[16:], "little")) & 2**128 - 1).to_bytes(16, "little")


def digest(*parts):
    return hashlib.blake2s(b"".join(parts)).digest()


def derive(key, text):
    """Two keys by HKDF."""
    drawn = hmac.new(key, text, hashlib.blake2s).digest()
    first = hmac.new(drawn, b"\1", hashlib.blake2s).digest()
    return first, hmac.new(drawn, first + b"\2", hashlib.blake2s).digest()


own, theirs = (base64.b64decode(text) for text in sys.argv[1:3])
base = (9).to_bytes(32, "little")
once = os.urandom(32)
once_public, own_public = x25519(once, base), x25519(own, base)
chain = digest(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
seen = digest(digest(chain, b"WireGuard v1 zx2c4 Jason@zx2c4.com"), theirs)
chain, _ = derive(chain, once_public)
seen = digest(seen, once_public)
chain, key = derive(chain, x25519(once, theirs))
sealed_key = seal(key, own_public, seen)
seen = digest(seen, sealed_key)
chain, key = derive(chain, x25519(own, theirs))
IN_2099 = 4070908800
sealed_time = seal(key, struct.pack(">QI", 2**62 + 10 + IN_2099, 0), seen)
message = b"\1\0\0\0" + os.urandom(4) + once_public + sealed_key + sealed_time
mac = hashlib.blake2s(message, digest_size=16, key=digest(b"mac1----", theirs)).digest()
talk = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
talk.settimeout(5)
talk.sendto(message + mac + bytes(16), (sys.argv[3], 51820))
answer = talk.recv(200)
print("answered" if len(answer) == 92 and answer[0] == 2 else "something else came")
