"""Makes Préau a contestant of the transparent SNI filters: `snibench.py --with benches/peers/preau_sni.py`.

The whole box runs in the gateway's namespace: packet filter, resolver, portal, journal. The runner's list becomes a
category table, and one rule refuses every category of it. `PREAU` names the program (target/release/preau unless set).

Two things differ from the other contestants. The sites answer at a public address as well, with a resolver that says so:
the box takes a public name at a private address for an attack (DNS rebinding). And a refused name is answered by a TLS
alert, so the runner counts it as `bad_passed`: it takes any byte for the site's.
"""
import atexit

PREAU = os.environ.get('PREAU') or os.path.abspath('target/release/preau')


class Preau(C):
    name = 'preau'
    redirect = False

    def prepare(s):
        sh('ip -n bS addr replace 192.0.2.2/32 dev s0; ip -n bG route replace 192.0.2.2/32 via 10.99.2.2')
        s.w('unbound.conf', f'''server:
 interface: 127.0.0.2
 do-daemonize: no
 username: ""
 chroot: ""
 pidfile: {s.d}/unbound.pid
 use-syslog: no
 logfile: {s.d}/unbound.log
 local-zone: "." redirect
 local-data: ". 3600 IN A 192.0.2.2"
remote-control:
 control-enable: no
''')
        resolver = subprocess.Popen(['ip', 'netns', 'exec', 'bG', 'unbound', '-d', '-c', s.d + '/unbound.conf'])
        atexit.register(resolver.terminate)
        lists = s.a.list + '/blacklists'
        table = s.a.work + '/preau.table'
        sh(f'{PREAU} lists build {lists} --out {table}')
        white = ('liste_bu', 'examen_pix', 'child', 'liste_blanche', 'translation', 'cleaning')
        names = [n for n in sorted(os.listdir(lists)) if os.path.isfile(f'{lists}/{n}/domains') and n not in white]
        s.w('rules.toml', f'''version = 1
level = "academie"
name = "Banc"

[[rule]]
id = "listes"
effect = "block"
categories = {json.dumps(names)}
reason = "Ce site est dans une liste."
''')
        s.w('accounts.csv', 'id,login,name,role,classes,password\n')
        sh(f'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {s.d}/portal.key '
           f'-out {s.d}/portal.pem -days 30 -subj /CN=portail.exemple -addext subjectAltName=DNS:portail.exemple')
        # Not in the name of the one who measures: the mode that the box asks of a key.
        os.chmod(f'{s.d}/portal.key', 0o600)
        os.makedirs(f'{s.d}/state', mode=0o700)
        s.w('preau.toml', f'''version = 1
state_dir = "{s.d}/state"

[school]
name = "Banc de mesure"
uai = "0809999Z"

[line]
interface = "g1"
resolvers = ["127.0.0.2"]

[portal]
name = "portail.exemple"
certificate = "portal.pem"
key = "portal.key"

[accounts]
file = "accounts.csv"
session_hours = 12

[policy]
rules = ["rules.toml"]
categories = "{table}"

[[zone]]
name = "banc"
kind = "equipements"
interface = "g0"
ipv4 = "10.99.1.1/24"
ipv6 = "fd99:1::1/64"
sign_in = "not-asked"
default = "allow"
services = []
''')

    def argv(s):
        return [PREAU, 'run', '--config', s.d + '/preau.toml']


ALL.append(Preau)
