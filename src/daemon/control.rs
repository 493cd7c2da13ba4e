//! The control socket: one JSON line with the daemon's [`Status`] to whoever may open it.
//!
//! It stands in the state directory with mode 0600, so only the daemon's own user and root can ask.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Status;

/// How long the asker waits: it is when a machine is in trouble and slow that somebody asks.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);

/// How long the daemon waits for an asker to read, who holds up the next one.
const READ_WAIT_MAX: Duration = Duration::from_secs(2);

/// An answer larger than this is not ours, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// Where the control socket of a daemon with this state directory stands.
#[must_use]
pub fn control_path(state_dir: &Path) -> PathBuf {
    state_dir.join("control.sock")
}

/// Asks the daemon at `path` for its status.
///
/// # Errors
/// When no daemon answers there.
pub async fn ask_status(path: &Path) -> anyhow::Result<Status> {
    let shown = path.display();
    let answer = async {
        let stream = UnixStream::connect(path).await.map_err(|error| no_answer(path, error))?;
        let mut text = String::new();
        let mut reading = stream.take(ANSWER_BYTES_MAX);
        reading.read_to_string(&mut text).await.with_context(|| format!("cannot read from `{shown}`"))?;
        anyhow::Ok(text)
    };
    let text = tokio::time::timeout(ANSWER_WAIT_MAX, answer).await.with_context(|| {
        format!("the daemon at `{shown}` does not answer within {} s", ANSWER_WAIT_MAX.as_secs())
    })??;
    serde_json::from_str(&text).context("cannot read the daemon's answer; is it of another version")
}

/// Why nobody can be asked at `path`, and what to do.
fn no_answer(path: &Path, error: io::Error) -> anyhow::Error {
    let shown = path.display();
    match error.kind() {
        io::ErrorKind::NotFound => anyhow!(
            "no daemon keeps its state here: there is no `{shown}`; start one with `systemctl start preau`"
        ),
        io::ErrorKind::ConnectionRefused => {
            anyhow!("the daemon that made `{shown}` has ended; start it with `systemctl start preau`")
        }
        io::ErrorKind::PermissionDenied => anyhow!("no right to ask at `{shown}`; ask as root"),
        _ => anyhow::Error::new(error).context(format!("cannot ask at `{shown}`")),
    }
}

/// A listening control socket.
#[derive(Debug)]
pub(super) struct Control {
    listener: UnixListener,
}

impl Control {
    /// Listens at `path`; a socket left by a daemon that was killed is replaced.
    pub(super) fn bind(path: &Path) -> anyhow::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot replace `{}`", path.display()));
            }
            _ => {}
        }
        let listener =
            UnixListener::bind(path).with_context(|| format!("cannot listen on `{}`", path.display()))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
            .with_context(|| format!("cannot restrict `{}`", path.display()))?;
        Ok(Self { listener })
    }

    /// Answers one asker after the other with what `status` says.
    pub(super) async fn serve(
        self,
        status: impl Fn() -> Status + Send,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                accepted = self.listener.accept() => accepted,
            };
            let answered = async {
                let (mut stream, _) = accepted.context("cannot accept")?;
                let text = serde_json::to_vec(&status()).context("cannot write the status")?;
                tokio::time::timeout(READ_WAIT_MAX, stream.write_all(&text))
                    .await
                    .context("the asker does not read")??;
                anyhow::Ok(())
            };
            // A failed asker is the asker's trouble; the next one is served.
            if let Err(error) = answered.await {
                debug!(cause = format!("{error:#}"), "control socket");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::DirectoryStatus;

    fn status() -> Status {
        Status {
            version: "0".to_owned(),
            started: String::new(),
            school: "Collège d'Exemple".to_owned(),
            gate_open: true,
            journal_open: true,
            clock_in_doubt: None,
            sessions: 3,
            leases: 4,
            tunnels_held: 0,
            machines_doubled: 0,
            ent_answers: None,
            central: crate::daemon::CentralStatus::default(),
            tunnel: None,
            directory: DirectoryStatus::default(),
            rules: Vec::new(),
            configured: String::new(),
            reload_refused: None,
            certificate: None,
            warm: None,
        }
    }

    #[tokio::test]
    async fn the_status_crosses_the_socket_and_a_stale_socket_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = control_path(dir.path());
        drop(Control::bind(&path).unwrap());
        let control = Control::bind(&path).unwrap();
        let stop = CancellationToken::new();
        let (served, asked) = tokio::join!(control.serve(status, stop.clone()), async {
            let answer = ask_status(&path).await;
            stop.cancel();
            answer
        });
        served.unwrap();
        assert_eq!(asked.unwrap(), status());
    }

    #[tokio::test]
    async fn a_daemon_that_never_ran_and_one_that_ended_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = control_path(dir.path());
        let error = ask_status(&path).await.unwrap_err();
        assert!(error.to_string().contains("no daemon keeps its state here"), "{error:#}");
        drop(Control::bind(&path).unwrap());
        let error = ask_status(&path).await.unwrap_err();
        assert!(error.to_string().contains("has ended"), "{error:#}");
    }
}
