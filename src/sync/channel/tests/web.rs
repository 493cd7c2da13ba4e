//! A web server of the tests: serves a folder over plain HTTP on loopback, and can be made to misbehave.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use url::Url;

/// How the server treats those who ask for targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As it should.
    Well,
    /// Cuts the connection after so many bytes of each body.
    Cuts(usize),
    /// Cuts as well, and always sends the whole from the beginning.
    CutsWithoutRanges(usize),
    /// Sends so many bytes and then nothing, with the connection open.
    Stalls(usize),
    /// Sends the file and then goes on for ever.
    Endless,
}

/// A running server. Dropping it ends it.
pub(super) struct Server {
    pub(super) url: Url,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

struct State {
    dir: PathBuf,
    manner: Mutex<Manner>,
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
}

impl Server {
    pub(super) async fn of(dir: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let state = Arc::new(State {
            dir: dir.to_owned(),
            manner: Mutex::new(Manner::Well),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&state);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, state, _tasks: tasks }
    }

    pub(super) fn behave(&self, manner: Manner) {
        *self.state.manner.lock().unwrap() = manner;
    }

    /// What was asked for since the last time: path, and range if one was.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.requests.lock().unwrap())
    }

    pub(super) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

/// A client as the daemon has one, but for certificates.
pub(super) fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut path, mut from, mut last) = (String::new(), None, None);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
            } else if let Some(range) = line.strip_prefix("range: bytes=") {
                let (first, end) = range.split_once('-').unwrap();
                (from, last) = (first.parse::<usize>().ok(), end.parse::<usize>().ok());
            }
        }
        let range = from.map_or(String::new(), |from| format!(" from {from}"));
        state.requests.lock().unwrap().push(format!("{path}{range}"));
        let manner = if path.starts_with("targets/") { *state.manner.lock().unwrap() } else { Manner::Well };
        if !answer(stream.get_mut(), &state.dir, &path, (from, last), manner).await {
            return;
        }
    }
}

/// Answers one request; whether the connection goes on.
async fn answer(
    stream: &mut TcpStream,
    dir: &Path,
    path: &str,
    (from, last): (Option<usize>, Option<usize>),
    manner: Manner,
) -> bool {
    // The names on disk keep their capitals: the school's code has one.
    let Ok(bytes) = fs::read(dir.join(path.replace("0809999z", "0809999Z"))) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await.is_ok();
    };
    let from = from.filter(|from| *from < bytes.len() && !matches!(manner, Manner::CutsWithoutRanges(_)));
    let status = from.map_or("200 OK".to_owned(), |from| {
        let last = last.unwrap_or(usize::MAX).min(bytes.len() - 1);
        format!("206 Partial Content\r\ncontent-range: bytes {from}-{last}/{}", bytes.len())
    });
    let end = last.filter(|_| from.is_some()).map_or(bytes.len(), |last| bytes.len().min(last + 1));
    let body = &bytes[from.unwrap_or(0)..end];
    let length = if manner == Manner::Endless { usize::MAX / 4 } else { body.len() };
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
    if stream.write_all(head.as_bytes()).await.is_err() {
        return false;
    }
    match manner {
        Manner::Well => stream.write_all(body).await.is_ok(),
        Manner::Cuts(after) | Manner::CutsWithoutRanges(after) => {
            stream.write_all(&body[..after.min(body.len())]).await.is_ok() && after >= body.len()
        }
        Manner::Stalls(after) => {
            let _ = stream.write_all(&body[..after.min(body.len())]).await;
            sleep(Duration::from_secs(3600)).await;
            false
        }
        Manner::Endless => {
            while stream.write_all(body).await.is_ok() {}
            false
        }
    }
}
