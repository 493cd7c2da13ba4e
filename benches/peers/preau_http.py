"""Makes Préau two contestants of the HTTP cache runner: `httpbench.py --with benches/peers/preau_http.py`, in a namespace
of its own.

`preau` is the whole box (PREAU names the program, target/release/preau unless set): packet filter, journal and portal, one
zone behind a pair of interfaces in whose other end, a namespace of this file's own, the load runs as a machine of that zone.
It fronts one site in TLS and fetches it from the runner's origin. Every connection is asked of the gate and written down;
every request is one of that site. The handshakes it counts are those of people who come in by their zone.

`preau-front` is the same cache on a plain listener of loopback (ENT_FRONT names the program that `cargo bench --bench
ent_front --no-run` builds): the box shows its sites in TLS alone.

Both answer for `lecons.banc.exemple`; a `wrk` that says so is put before the real one.
"""
import atexit

PREAU = os.environ.get('PREAU') or os.path.abspath('target/release/preau')
ENT_FRONT = os.environ.get('ENT_FRONT')
NAME = 'lecons.banc.exemple'
ADDRESS = '10.10.0.1'
LOAD = 'preau-banc'


def wrk_for(folder, port, tls_port):
    """Puts a `wrk` into the path that asks the contestants of this file by their site's name."""
    os.makedirs(f'{folder}/bin', exist_ok=True)
    with open(f'{folder}/bin/wrk', 'w') as shim:
        shim.write(f'''#!/bin/bash
url="${{@: -1}}"; options=("${{@:1:$#-1}}")
case "$url" in
  http://127.0.0.1:{port}/*) exec /usr/bin/wrk -H 'Host: {NAME}' "${{options[@]}}" "$url" ;;
  https://127.0.0.1:{tls_port}/*) exec ip netns exec {LOAD} /usr/bin/wrk "${{options[@]}}" "https://{NAME}/${{url##*/}}" ;;
  *) exec /usr/bin/wrk "${{options[@]}}" "$url" ;;
esac
''')
    os.chmod(f'{folder}/bin/wrk', 0o755)
    os.environ['PATH'] = f'{folder}/bin:' + os.environ['PATH']


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


class PreauFront(C):
    name = 'preau-front'
    port = 8111

    def prepare(s):
        wrk_for(s.d, s.port, 443)

    def argv(s):
        return [ENT_FRONT, '--bench', str(s.port), str(OP)]


class Preau(C):
    name = 'preau'
    port = None
    tls_port = 443

    def prepare(s):
        wrk_for(s.d, 8111, s.tls_port)
        subprocess.run(['ip', 'netns', 'add', LOAD], check=True)
        atexit.register(subprocess.run, ['ip', 'netns', 'del', LOAD])
        run('ip', 'link', 'add', 'zone0', 'type', 'veth', 'peer', 'name', 'load0', 'netns', LOAD)
        run('ip', 'link', 'add', 'wan0', 'type', 'veth', 'peer', 'name', 'wan0-far')
        for interface in ('zone0', 'wan0', 'wan0-far'):
            run('ip', 'link', 'set', interface, 'up')
        for words in ('link set lo up', 'link set load0 up', 'address add 10.10.0.2/16 dev load0'):
            run('ip', '-n', LOAD, *words.split())
        os.makedirs(f'/etc/netns/{LOAD}', exist_ok=True)
        with open(f'/etc/netns/{LOAD}/hosts', 'w') as hosts:
            hosts.write(f'{ADDRESS} {NAME}\n')
        atexit.register(subprocess.run, ['rm', '-r', f'/etc/netns/{LOAD}'])
        for name, site in (('portal', 'portail.banc.exemple'), ('lecons', NAME)):
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days',
                '30', '-subj', f'/CN={site}', '-addext', f'subjectAltName=DNS:{site}', '-keyout', f'{s.d}/{name}.key', '-out',
                f'{s.d}/{name}.pem'], check=True, stderr=subprocess.DEVNULL)
            os.chmod(f'{s.d}/{name}.key', 0o600)
        os.chmod(s.d, 0o755)
        os.makedirs(f'{s.d}/state', mode=0o700)
        s.w('accounts.csv', 'id,login,name,role,classes,password\n')
        s.w('rules.toml', 'version = 1\nlevel = "academie"\nname = "Banc"\n')
        s.w('preau.toml', f'''version = 1
state_dir = "{s.d}/state"

[school]
name = "Banc"
uai = "0809999Z"

[line]
interface = "wan0"
resolvers = ["127.0.0.1:5300"]

[portal]
name = "portail.banc.exemple"
certificate = "portal.pem"
key = "portal.key"

[accounts]
file = "accounts.csv"

[policy]
rules = ["rules.toml"]

[cache]
quota_gb = 1

[[cache.origin]]
name = "{NAME}"
certificate = "lecons.pem"
key = "lecons.key"
upstream = "http://127.0.0.1:{OP}"

[[zone]]
name = "banc"
kind = "equipements"
interface = "zone0"
ipv4 = "{ADDRESS}/16"
ipv6 = "fd00:10::1/64"
sign_in = "not-asked"
default = "allow"
''')

    def argv(s):
        return [PREAU, 'run', '--config', f'{s.d}/preau.toml']


if ENT_FRONT:
    ALL.append(PreauFront)
ALL.append(Preau)
