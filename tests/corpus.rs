//! Replays every fuzz corpus in the ordinary build: nothing in it may panic, hang, or be forgotten by a target.

use std::{fs, path::Path};

use preau::enforce::proxy::{
    client_hello,
    http::{Chunked, Framing, read_request},
};

/// Runs `target` on each file of `fuzz/corpus/<name>/`, at least one.
fn replay(name: &str, target: impl Fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(&dir).unwrap_or_else(|error| panic!("cannot read {}: {error}", dir.display())) {
        target(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} is empty", dir.display());
}

#[test]
fn rules() {
    replay("rules", |bytes| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = preau::policy::RuleFile::parse(text);
        }
    });
}

#[test]
fn client_hello() {
    replay("client_hello", |bytes| {
        let _ = client_hello::read(bytes);
    });
}

#[test]
fn http_head() {
    replay("http_head", |bytes| {
        if let Ok(Some((head, length))) = read_request(bytes)
            && head.framing == Framing::Chunked
        {
            let _ = Chunked::default().read(&bytes[length..]);
        }
    });
}
