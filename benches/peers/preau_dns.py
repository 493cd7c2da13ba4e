"""Makes Préau a contestant of the DNS runner: dnsbench.py --with benches/peers/preau_dns.py, in a namespace of its own.

The program is target/release/preau of this tree, or what the variable PREAU names. The whole box runs, with packet filter,
journal and portal, in the runner's namespace: one zone where nobody signs in, the runner's upstream as its resolver, every
category of the list blocked by one rule. The machine that asks is in a namespace of its own at the other end of the zone's
cable, as a school's are, and asks the box's address there, port 53. What is blocked is answered with that address, which
counts as blocked.
Processor time is that of the daemon with its journal's writer, and of dnsmasq, which idles. ALL is run in order: once this
contestant is prepared, the functions below serve it and those behind it.

The others run before the box has loaded its packet filter. It stays when the box ends, so two of them run a second time behind
it, asked from the same machine: `udp-echo-behind` (work/udpecho-any, udpecho.c with INADDR_ANY) and `dnsdist-cdb-behind`.
"""
import contextlib, ctypes
PREAU = os.environ.get('PREAU') or os.path.join(os.path.dirname(os.path.abspath(a.extra)), '../../target/release/preau')


PUPIL = 'preau-pupil'


@contextlib.contextmanager
def at_the_pupils():
    """What is started and opened inside is so in the pupil's namespace, once there is one."""
    def enter(path):
        with open(path) as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000):
                raise OSError(ctypes.get_errno(), path)
    if not Preau.prepared:
        yield
        return
    with open('/proc/thread-self/ns/net') as own:
        enter(f'/run/netns/{PUPIL}')
        try:
            yield
        finally:
            enter(f'/proc/self/fd/{own.fileno()}')


class Preau(C):
    name = 'preau'
    port = 53
    address = '10.10.0.1'
    prepared = False

    def prepare(self, threads):
        Preau.prepared = True
        for left_over in ('link del zone0', 'link del wan0', f'netns del {PUPIL}'):
            subprocess.run(['ip', *left_over.split()], stderr=subprocess.DEVNULL)
        for interface in ('zone0', 'wan0'):
            far = interface + '-far'
            subprocess.run(['ip', 'link', 'add', interface, 'type', 'veth', 'peer', 'name', far], stderr=subprocess.DEVNULL)
            for end in (interface, far):
                subprocess.run(['ip', 'link', 'set', end, 'up'], check=True)
        for command in (f'netns add {PUPIL}', f'link set zone0-far netns {PUPIL}', f'-n {PUPIL} link set lo up',
                        f'-n {PUPIL} link set zone0-far up', f'-n {PUPIL} addr add 10.10.0.2/16 dev zone0-far'):
            subprocess.run(['ip', *command.split()], check=True)
        self.folder = f'{self.d}/blacklists'
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(f'{self.a.list}/blacklists', self.folder, symlinks=True)
        shutil.rmtree(f'{self.d}/state', ignore_errors=True)
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=portail.banc.example',
            '-addext', 'subjectAltName=DNS:portail.banc.example', '-keyout', f'{self.d}/portal.key', '-out', f'{self.d}/portal.pem'],
            check=True, stderr=subprocess.DEVNULL)
        self.w('accounts.csv', 'id,login,name,role,classes,password\n')
        categories = sorted(os.listdir(self.folder))
        self.w('rules.toml', f'''version = 1
level = "academie"
name = "Banc"
[[rule]]
id = "listes"
effect = "block"
categories = {json.dumps(categories)}
reason = "Ce site est sur une liste."
''')
        self.w('preau.toml', f'''version = 1
state_dir = "state"
[school]
name = "Banc"
uai = "0809999Z"
[line]
interface = "wan0"
resolvers = ["127.0.0.1:{UP}"]
[portal]
name = "portail.banc.example"
certificate = "portal.pem"
key = "portal.key"
[accounts]
file = "accounts.csv"
[policy]
rules = ["rules.toml"]
categories = "categories.table"
[[zone]]
name = "banc"
kind = "equipements"
interface = "zone0"
ipv4 = "{self.address}/16"
ipv6 = "fd00:10::1/64"
sign_in = "not-asked"
default = "allow"
''')

    def build(self):
        return [PREAU, 'lists', 'build', self.folder, '--out', f'{self.d}/categories.table']

    def argv(self, threads):
        subprocess.run(self.build(), check=True, stdout=subprocess.DEVNULL)
        return [PREAU, 'run', '--config', f'{self.d}/preau.toml']

    def add_marker(self, name):
        with open(f'{self.folder}/adult/domains', 'a') as lines:
            lines.write(name + '\n')

    def reload(self):
        return self.build()


loopback_load, loopback_ask = load, ask


def load(a, *args, cpus=None):
    """What the runner's load does, towards the box once it is prepared."""
    towards = ('-s', Preau.address, '-p', Preau.port) if Preau.prepared else ()
    with at_the_pupils():
        return loopback_load(a, *towards, *args, cpus=cpus)


def ask(port, name, tmo=.3):
    """What the runner's ask does: 3 for what is blocked, which here has the box's own address."""
    if not Preau.prepared:
        return loopback_ask(port, name, tmo)
    with at_the_pupils(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(tmo)
        try:
            asker.sendto(wire(name), (Preau.address, port))
            answer = asker.recv(1500)
        except OSError:
            return None
    return 3 if answer[7] and answer[-4:] == socket.inet_aton(Preau.address) else answer[3] & 15


class EchoBehind(Echo):
    name = 'udp-echo-behind'
    port = Preau.port

    def prepare(self, threads):
        assert Preau.prepared, 'preau runs first, and leaves its packet filter'

    def argv(self, threads):
        return [self.a.work + '/udpecho-any', str(self.port), str(threads), '32']


class DnsdistBehind(DnsdistCDB):
    name = 'dnsdist-cdb-behind'
    port = Preau.port

    def prepare(self, threads):
        assert Preau.prepared, 'preau runs first, and leaves its packet filter'
        super().prepare(threads)

    def conf(self, threads, extra):
        super().conf(threads, extra)
        with open(f'{self.d}/d.conf') as written:
            text = written.read()
        self.w('d.conf', text.replace(f'"127.0.0.1:{self.port}"', f'"{Preau.address}:{self.port}"'))


ALL += [Preau, EchoBehind, DnsdistBehind]
