//! The socket by which wg(8) asks and tells: WireGuard's cross-platform interface (wireguard.com/xplatform).

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use anyhow::Context as _;
use gotatun::device::{self, Device, DeviceTransports, uapi::command::Request};
use rustix::io::Errno;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{sleep, timeout},
};
use tracing::warn;

use super::{
    account::{Handshakes, account},
    changes::{Refused, apply},
};

/// Where wg(8) looks for it.
const DIR: &str = "/var/run/wireguard";

/// The most that one connection may say, in bytes: some ten thousand peers.
const ASKED_BYTES_MAX: u64 = 4 << 20;

/// Connections at a time.
const CONNECTIONS_MAX: usize = 32;

/// By then whoever asked has heard why this will end.
const HEARD_WITHIN: Duration = Duration::from_millis(100);

/// How long one connection may last.
const CONNECTION_MAX: Duration = Duration::from_secs(10);

/// The socket; its file goes with it.
pub(super) struct Control {
    path: PathBuf,
    questions: mpsc::Receiver<Question>,
}

/// Something that wg(8) asks, or wants otherwise.
pub(super) struct Question {
    request: Request,
    answer: oneshot::Sender<String>,
}

impl Control {
    /// Listens for the interface of this name, in one of `tasks`.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub(super) fn open(name: &str, tasks: &mut JoinSet<()>) -> anyhow::Result<Self> {
        let path = Path::new(DIR).join(format!("{name}.sock"));
        let listener = listen(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        let (asks, questions) = mpsc::channel(1);
        tasks.spawn(listen_to_all(listener, asks));
        Ok(Self { path, questions })
    }

    /// The next question; `None` once nobody listens any more.
    pub(super) async fn next(&mut self) -> Option<Question> {
        self.questions.recv().await
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(DIR)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    UnixListener::bind(path)
}

async fn listen_to_all(listener: UnixListener, asks: mpsc::Sender<Question>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        if connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        while connections.try_join_next().is_some() {}
        connections.spawn(timeout(CONNECTION_MAX, listen_to(stream, asks.clone())));
    }
}

/// Passes on what one connection asks: requests that end with an empty line.
async fn listen_to(stream: UnixStream, asks: mpsc::Sender<Question>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader.take(ASKED_BYTES_MAX)).lines();
    let mut text = String::new();
    while let Some(line) = lines.next_line().await? {
        if !line.is_empty() {
            text.push_str(&line);
            text.push('\n');
            continue;
        }
        let said = match Request::from_str(&std::mem::take(&mut text)) {
            Ok(request) => {
                let (answer, answered) = oneshot::channel();
                // Where nobody is asked any more, nobody answers either.
                let _ = asks.send(Question { request, answer }).await;
                answered.await.unwrap_or_else(|_| errno(Errno::IO.raw_os_error()))
            }
            Err(_) => errno(Errno::INVAL.raw_os_error()),
        };
        writer.write_all(said.as_bytes()).await?;
    }
    Ok(())
}

/// The end of an answer, with 0 or the number of an error; wg(8) takes those below zero, as the kernel gives them.
fn errno(number: i32) -> String {
    format!("errno={}\n\n", -number)
}

impl Question {
    /// Answers, and makes it so where it is a wish.
    ///
    /// # Errors
    /// When the device has lost its socket.
    pub(super) async fn answer<T: DeviceTransports>(
        self,
        wireguard: &Device<T>,
        handshakes: &mut Handshakes,
    ) -> Result<(), device::Error> {
        let failed = match self.request {
            Request::Get(_) => {
                let _ = self.answer.send(account(wireguard, handshakes).await + &errno(0));
                return Ok(());
            }
            Request::Set(wanted) => apply(wireguard, wanted).await.err(),
        };
        let _ = self.answer.send(errno(failed.as_ref().map_or(0, Refused::number)));
        match failed {
            Some(Refused::Socket(error)) => {
                sleep(HEARD_WITHIN).await;
                Err(error)
            }
            Some(Refused::Nonsense(why)) => {
                warn!(why, "WireGuard does not take what it is told");
                Ok(())
            }
            None => Ok(()),
        }
    }
}
