"""Holds a listener to RFC 9113 and RFC 7541, frame by frame.

    python3 http2.py ADDRESS PORT NAME PATH [BEGINNING]

Each rule has a connection of its own, on which it writes frames byte by byte and looks at what comes back; nothing here knows how
the server is made. The rules are those that h2spec asks (its numbers are sections of RFC 7540, which RFC 9113 kept), in three
books: `use` says what a server must take, `http2` and `hpack` what it must refuse and how. A rule about an error is kept by a
GOAWAY or RST_STREAM with a code it allows, or by the end of the connection; PROTOCOL_ERROR in place of the code that says more is
counted apart and shown as `GENERAL`. PATH must be a page of some bytes. With BEGINNING, only rules whose numbers begin so are
played. The last line counts; the program fails where a rule is broken.
"""
import sys

# Each enters its rules.
import refused
import taken
from frames import RULES, Broken, Connection

# What the library beneath does not keep, with why it harms nobody here; a rule that is kept after all breaks as well.
KNOWN = {
    ('http2/3.5', 'a preface without settings ends the connection'): 'the connection goes on with the settings that hold without any',
    ('http2/8.1.2.1', 'a pseudo-field in trailers is refused'): 'trailers end at the box: nobody reads them',
}


def main():
    address, port, name, path = sys.argv[1:5]
    beginning = sys.argv[5] if len(sys.argv) > 5 else ''
    played = broken = general = known = 0
    for number_of, fact, begun, play in RULES:
        if not number_of.startswith(beginning):
            continue
        played += 1
        try:
            connection = Connection(address, int(port), name, path)
            if begun:
                connection.begin()
            play(connection)
            connection.stream.close()
            if connection.is_general:
                general += 1
                print(f'GENERAL {number_of} {fact}', flush=True)
            if (number_of, fact) in KNOWN:
                raise Broken('this rule is kept: take it out of KNOWN')
        except (Broken, OSError) as why:
            if (number_of, fact) in KNOWN and 'KNOWN' not in str(why):
                known += 1
                continue
            broken += 1
            print(f'BROKEN {number_of} {fact}: {why}', flush=True)
    print(f'{played} rules, {broken} broken, {known} known not to be kept, {general} kept by a general code')
    sys.exit(broken > 0)


main()
