//! A server that speaks S3, in memory: moto, from the folder of `target/` that `.ci/install` puts it into.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use preau_central::bucket::{Bucket, Location};

/// The server; it ends with its standard input, which ends with this or with the test.
pub(crate) struct Server {
    port: u16,
    process: Child,
}

impl Server {
    /// Starts it with an empty bucket named `repository`.
    pub(crate) fn start() -> Self {
        let python = target_dir().join("clients/s3/bin/python");
        assert!(python.exists(), "moto is needed in target/clients/s3: .ci/install puts it there");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/s3/serve.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let server = Self { port: port.trim().parse().unwrap(), process: process };
        server.make_bucket();
        server
    }

    /// The bucket, below the prefix `prefix`.
    pub(crate) fn bucket(&self, prefix: &str) -> Bucket {
        let location = Location::Bucket { bucket: "repository".into(), prefix: prefix.into() };
        Bucket::open_in(&location, self.environment()).unwrap()
    }

    /// The environment that leads to it.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    fn make_bucket(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let request = "PUT /repository HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 "), "{answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// `target/`, which the test itself lies in.
fn target_dir() -> PathBuf {
    let test_path = std::env::current_exe().unwrap();
    test_path.ancestors().nth(3).unwrap().to_owned()
}
