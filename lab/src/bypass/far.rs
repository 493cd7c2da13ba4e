//! The far end: the machine on the Internet where a pupil's friend runs servers, and what runs there.

use std::time::Duration;

use super::{Scene, program::Program};
use crate::{
    gateway::program_path,
    plan::{FAR, FAR_ADDRESSES},
    process::{Output, Running, run},
};

/// How much of the far end's page is noise, in letters of six bits each.
const PAGE_BYTES: usize = 64 * 1024;
/// How long one command there may take.
const COMMAND_WAIT_MAX: Duration = Duration::from_secs(15);

impl Scene<'_> {
    /// Starts a program at the far end; it is killed when the value is dropped.
    pub(super) fn start_far(&self, name: &str, arguments: &[&str]) -> anyhow::Result<Program> {
        Ok(Program::new(Running::start(self.lab.door(), FAR, name, arguments)?))
    }

    /// As [`Scene::start_far`], and waits until it listens on `port` (`tcp` or `udp`).
    pub(super) fn serve_far(
        &self,
        name: &str,
        arguments: &[&str],
        protocol: &str,
        port: u16,
    ) -> anyhow::Result<Program> {
        let running = self.start_far(name, arguments)?;
        self.wait_until_listening(FAR, running, protocol, port)
    }

    /// Runs a shell script at the far end; `$0`, `$1`… are `words`.
    pub(super) fn script_far(&self, text: &str, words: &[&str]) -> anyhow::Result<Output> {
        run(self.lab.door(), FAR, &[&["bash", "-c", text], words].concat(), COMMAND_WAIT_MAX)
    }

    /// A web server at the far end that shows the forbidden page whoever asks, on `port` in both families.
    pub(super) fn serve_far_page(&self, port: u16) -> anyhow::Result<Program> {
        self.write(FAR, "page.http", &page())?;
        let listen = format!("TCP6-LISTEN:{port},fork,reuseaddr,ipv6only=0");
        self.serve_far("far-page", &["socat", &listen, ANSWER], "tcp", port)
    }

    /// A server at the far end that sends every datagram back, on `port`.
    pub(super) fn serve_far_echo(&self, port: u16) -> anyhow::Result<Program> {
        let program = program_path("preau-lab")?;
        let address = format!("{}:{port}", FAR_ADDRESSES[0]);
        let echo = [&program.to_string_lossy(), "load", "echo", "--address", &address];
        self.serve_far("far-echo", &echo, "udp", port)
    }

    /// As [`Scene::serve_far_page`], over TLS, with a certificate that nobody trusts.
    pub(super) fn serve_far_page_over_tls(&self, port: u16) -> anyhow::Result<Program> {
        self.write(FAR, "page.http", &page())?;
        self.certify_far()?;
        let listen = format!("OPENSSL-LISTEN:{port},fork,reuseaddr,cert=far.pem,key=far.key,verify=0");
        self.serve_far("far-page-tls", &["socat", &listen, ANSWER], "tcp", port)
    }

    /// Makes the far end's key and certificate, `far.key` and `far.pem`, unless they are there.
    pub(super) fn certify_far(&self) -> anyhow::Result<()> {
        let script = "test -e far.pem || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
                      -days 30 -subj /CN=far -keyout far.key -out far.pem";
        self.script_far(script, &[])?.checked().map(drop)
    }
}

/// Reads a request's first line and answers with the page.
const ANSWER: &str = "SYSTEM:read line; cat page.http; sleep 1";

/// The forbidden page, as the far end sends it: 64 KiB that no tunnel makes smaller than 48 and whose last line counts,
/// so that a tunnel must carry all of it.
fn page() -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // A linear congruence (Knuth's MMIX) of which the upper bits are taken: the same page each time, and no pattern.
    let mut state: u64 = 1;
    let long: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[usize::try_from(state >> 58).expect("six bits are a number of a letter")])
    })
    .take(PAGE_BYTES)
    .collect();
    let body = format!(
        "<title>Miroir</title><!--{long}--><p>{}, tout de suite, sans fin.</p>\n",
        super::scene::SECRET
    );
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
