//! How the stories start their schools and ask in them.

use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

use preau_lab::{
    Lab, Output, internet,
    plan::{BOX, PORTAL},
    wait_for,
};
use serde_json::Value;

/// A site everybody may read.
pub(crate) const OPEN: &str = "fr.vikidia.example";
/// A site pupils may not.
pub(crate) const CLOSED: &str = "jeux-en-ligne.example";
/// What the rule says that closes it.
pub(crate) const REASON: &str = "Les jeux en ligne sont fermés aux élèves.";
/// What curl says of the alert with which the box ends a TLS connection it refuses.
pub(crate) const ALERT: &str = "unrecognized name";
/// The certificate authority of the lab's Internet.
pub(crate) const AUTHORITY: &str = "labo";

/// The machine that all stories share. A story that needs all of it keeps the others from beginning, or they would fail by
/// its load and not by what they tell of.
static MACHINE: RwLock<()> = RwLock::new(());

/// Waits until no story needs the machine alone, and lets none begin that does, as long as what is returned lasts.
pub(crate) fn beside_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

/// The school for stories that only look: two pupils, a teacher and the office have signed in.
pub(crate) fn signed_in() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    drop(beside_others());
    LAB.get_or_init(|| {
        let lab = Lab::start().expect("the lab must start");
        for who in ["eleve", "eleve2", "enseignant", "bureau"] {
            lab.sign_in_user(who).expect("the machine's user must be able to sign in");
        }
        lab
    })
}

/// A school for stories that change it, one after the other.
pub(crate) struct Stage(Mutex<Option<Lab>>);

impl Stage {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Plays a story in the school, whose box runs with its usual rules and the pupil `eleve` signed in.
    pub(crate) fn play(&self, story: impl FnOnce(&mut Lab)) {
        let stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _shared = beside_others();
        Self::raise(stage, story);
    }

    /// The same with no other story beside it.
    pub(crate) fn play_alone(&self, story: impl FnOnce(&mut Lab)) {
        let stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _whole = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
        Self::raise(stage, story);
    }

    fn raise(mut stage: MutexGuard<'_, Option<Lab>>, story: impl FnOnce(&mut Lab)) {
        // A story that failed leaves the school as it was then: the next one gets another.
        let mut lab = stage.take().unwrap_or_else(|| {
            let lab = Lab::start().expect("the lab must start");
            lab.sign_in_user("eleve").expect("the pupil must be able to sign in");
            lab
        });
        story(&mut lab);
        *stage = Some(lab);
    }
}

/// A page by curl, as the machine's user would get it; 8 s at most unless `more` says otherwise.
pub(crate) fn get(lab: &Lab, who: &str, url: &str, more: &[&str]) -> Output {
    let usual = ["curl", "--silent", "--show-error", "--max-time", "8"];
    lab.run(who, &[&usual, more, &[url]].concat()).expect("curl must run")
}

/// The page at `url`.
#[track_caller]
pub(crate) fn page(lab: &Lab, who: &str, url: &str, more: &[&str]) -> String {
    get(lab, who, url, more).checked().expect("the page must come")
}

/// The status and the place it redirects to, such as `302 https://…`.
#[track_caller]
pub(crate) fn status(lab: &Lab, who: &str, url: &str, more: &[&str]) -> String {
    let shown = ["--output", "/dev/null", "--write-out", "%{http_code} %{redirect_url}"];
    page(lab, who, url, &[&shown, more].concat())
}

/// What a program on the machine wrote.
#[track_caller]
pub(crate) fn run(lab: &Lab, who: &str, arguments: &[&str]) -> String {
    lab.run(who, arguments).and_then(Output::checked).expect("the command must succeed")
}

/// What dig shows in short.
#[track_caller]
pub(crate) fn dig(lab: &Lab, who: &str, arguments: &[&str]) -> String {
    let usual = ["dig", "+short", "+time=3", "+tries=1"];
    run(lab, who, &[&usual, arguments].concat()).trim().to_owned()
}

/// The addresses of `name` on the lab's Internet as curl wants them: IPv4, then IPv6 in brackets.
pub(crate) fn places(name: &str) -> [String; 2] {
    let (v4, v6) = internet::names::addresses(name);
    [v4.to_string(), format!("[{v6}]")]
}

/// The setting that makes curl go to `place` for `name`.
pub(crate) fn resolve(name: &str, port: u16, place: &str) -> String {
    format!("{name}:{port}:{place}")
}

/// Sends `bytes` (as bash's `printf %b` writes them) to TCP `port` at `address` and says what came back within 8 s.
pub(crate) fn exchange(lab: &Lab, who: &str, address: &str, port: u16, bytes: &str) -> String {
    let script = "exec 3<>/dev/tcp/$0/$1 && printf %b \"$2\" >&3 && timeout 8 cat <&3";
    let address = address.trim_matches(['[', ']']);
    let output = lab.run(who, &["bash", "-c", script, address, &port.to_string(), bytes]);
    output.expect("bash must run").stdout
}

/// Whether the machine opens a TCP connection to `port` at `address` within 2 s, and the other side keeps it for a
/// moment.
pub(crate) fn connects(lab: &Lab, who: &str, address: &str, port: u16) -> bool {
    let script = "exec 3<>/dev/tcp/$0/$1";
    let address = address.trim_matches(['[', ']']);
    let arguments = ["timeout", "2", "bash", "-c", script, address, &port.to_string()];
    lab.run(who, &arguments).expect("bash must run").succeeded()
}

/// Whether an echo comes back from `port` at `address` over `protocol` (`tcp` or `udp`) within 2 s.
pub(crate) fn echoes(lab: &Lab, who: &str, protocol: &str, address: &str, port: u16) -> bool {
    let script = "exec 3<>/dev/$0/$1/$2 && echo bonjour >&3 && timeout 2 head -n 1 <&3";
    let address = address.trim_matches(['[', ']']);
    let arguments = ["timeout", "3", "bash", "-c", script, protocol, address, &port.to_string()];
    lab.run(who, &arguments).expect("bash must run").stdout == "bonjour\n"
}

/// What the box says of itself.
#[track_caller]
pub(crate) fn box_status(lab: &Lab) -> Value {
    let text = lab.preau(&["status", "--json"]).and_then(Output::checked).expect("the box must answer");
    serde_json::from_str(&text).expect("the box's status is JSON")
}

/// Waits until `seen` is true, which takes `seconds` at most where nothing else runs, and three times as long where the machine
/// stands still for a moment.
#[track_caller]
pub(crate) fn until(seconds: u64, what: &str, mut seen: impl FnMut() -> bool) {
    let found = wait_for(Duration::from_secs(3 * seconds), || seen().then_some(()));
    assert!(found.is_some(), "{what}: not within three times {seconds} s");
}

/// Signs the person at `who` out, as the portal's button does.
#[track_caller]
pub(crate) fn sign_out(lab: &Lab, who: &str) {
    let answer = status(lab, who, &format!("https://{PORTAL}/deconnexion"), &["--request", "POST"]);
    assert!(answer.starts_with("303 "), "{answer}");
}

/// The text of a command on the box itself.
#[track_caller]
pub(crate) fn on_the_box(lab: &Lab, script: &str) -> String {
    run(lab, BOX, &["sh", "-c", script])
}
