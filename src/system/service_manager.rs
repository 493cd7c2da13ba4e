//! What the daemon tells systemd: that it is ready, alive, reloading, stopping, and how it is. Without systemd
//! (no `NOTIFY_SOCKET` in the environment) all of it does nothing.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use systemd::daemon::{self, STATE_READY, STATE_RELOADING, STATE_STATUS, STATE_STOPPING, STATE_WATCHDOG};
use tracing::debug;

/// Bytes of a status text that systemd is given; it shows one line.
const STATUS_BYTES_MAX: usize = 256;

/// Says that the daemon serves. Also ends [`reloading`].
pub fn ready() {
    notify(&[(STATE_READY, "1".to_owned())]);
}

/// Says that the configuration is being read again; [`ready`] ends that state, also after a failed reload.
pub fn reloading() {
    let now = clock_gettime(ClockId::Monotonic);
    // `Type=notify-reload` wants the time, to tell this reload from an older one.
    let microseconds = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1000);
    notify(&[(STATE_RELOADING, "1".to_owned()), ("MONOTONIC_USEC", microseconds.to_string())]);
}

/// Says that the daemon is on its way out.
pub fn stopping() {
    notify(&[(STATE_STOPPING, "1".to_owned())]);
}

/// Shows `text` in `systemctl status`: one line about the machine, never about people. What does not fit is cut.
pub fn status(text: &str) {
    notify(&[(STATE_STATUS, one_line(text))]);
}

/// How often [`ping`] must be called; `None` when systemd does not watch. It is half of systemd's own limit, so that one
/// late call is no death.
#[must_use]
pub fn watchdog_interval() -> Option<Duration> {
    match daemon::watchdog_enabled() {
        Ok(0) | Err(_) => None,
        Ok(microseconds) => Some(Duration::from_micros(microseconds) / 2),
    }
}

/// Says that the daemon is alive.
pub fn ping() {
    notify(&[(STATE_WATCHDOG, "1".to_owned())]);
}

fn notify(state: &[(&str, String)]) {
    if let Err(cause) = daemon::notify(state.iter()) {
        debug!(%cause, "systemd cannot be told");
    }
}

/// `text` on one line: a line end would begin another message, a NUL would end it.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        let character = if character.is_control() { ' ' } else { character };
        if line.len() + character.len_utf8() > STATUS_BYTES_MAX {
            break;
        }
        line.push(character);
    }
    line
}

#[cfg(test)]
mod tests {
    use std::{env, os::unix::net::UnixDatagram, process::Command};

    use super::*;

    #[test]
    fn a_status_is_one_short_line() {
        assert_eq!(one_line("gate open\nREADY=1\0"), "gate open READY=1 ");
        assert_eq!(one_line(&"é".repeat(300)).len(), STATUS_BYTES_MAX);
    }

    /// Runs itself again with a stand-in for systemd, for the environment of a whole process is what counts.
    #[test]
    fn systemd_hears_everything_and_without_it_nothing_happens() {
        let watchdog = watchdog_interval();
        reloading();
        status("gate open");
        ready();
        ping();
        stopping();
        if env::var_os("NOTIFY_SOCKET").is_some() {
            assert_eq!(watchdog, Some(Duration::from_secs(5)));
            return;
        }
        assert_eq!(watchdog, None);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let systemd = UnixDatagram::bind(&path).unwrap();
        systemd.set_nonblocking(true).unwrap();
        let name = concat!(module_path!(), "::systemd_hears_everything_and_without_it_nothing_happens");
        let (_, name) = name.split_once("::").unwrap();
        let mut again = Command::new(env::current_exe().unwrap());
        again.args(["--exact", name]).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "10000000");
        assert!(again.output().unwrap().status.success());
        let mut heard = Vec::new();
        let mut message = [0; 512];
        while let Ok(length) = systemd.recv(&mut message) {
            heard.push(String::from_utf8_lossy(&message[..length]).into_owned());
        }
        assert!(heard[0].starts_with("RELOADING=1\nMONOTONIC_USEC="), "{heard:?}");
        assert_eq!(heard[1..], ["STATUS=gate open", "READY=1", "WATCHDOG=1", "STOPPING=1"]);
    }
}
