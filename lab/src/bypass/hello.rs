//! A TLS client that cuts its hello as no browser does, dresses it up, or encrypts it: what programs sold against school
//! filters do.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, Stream,
    client::{EchConfig, EchGreaseConfig, EchMode},
    crypto::{
        aws_lc_rs::{default_provider, hpke::DH_KEM_X25519_HKDF_SHA256_AES_128, kx_group},
        hpke::Hpke,
    },
};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};

/// The longest page read, in bytes.
const PAGE_BYTES_MAX: u64 = 1 << 20;
/// How long the other side may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(4);
/// Bytes of a TLS record's head.
const RECORD_HEAD: usize = 5;
/// The outer name of encrypted hellos: the one of the Internet's largest server of them.
pub const OUTER_NAME: &str = "cloudflare-ech.com";

/// What rustls says when the server called [`OUTER_NAME`] answered in its own name, its certificate verified.
const REJECTED: &str = "ServerRejectedEncryptedClientHello";

/// How the hello goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Cut {
    /// As it is.
    Whole,
    /// A byte a packet.
    Bytes,
    /// Two packets, cut in the middle of the name, half a second apart.
    Name,
    /// TLS records of a few bytes each.
    Records,
    /// Two TLS records, cut in the middle of the name.
    NameRecords,
    /// Two packets at once, cut in the middle of the name; with a filter on the way that loses the first, they arrive in
    /// the wrong order.
    Swapped,
}

/// What the hello is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dress {
    /// An ordinary one.
    Plain,
    /// With a post-quantum key share: more than a packet.
    PostQuantum,
    /// With so many protocols offered that it fills most of the largest record.
    Large,
    /// With an extension that only pretends to be an encrypted hello.
    Grease,
    /// Really encrypted: the name seen is [`OUTER_NAME`]. Servers of the lab do not read such hellos; that one answers,
    /// with a certificate of that name, shows that the hello reached it.
    Encrypted,
}

/// Fetches `/` of `name` at `to` and returns the page.
///
/// # Errors
/// When the connection ends or stays silent before the page is there.
pub fn fetch(to: SocketAddr, name: &str, cut: Cut, dress: Dress) -> anyhow::Result<String> {
    let settings = Arc::new(settings(dress)?);
    let server = ServerName::try_from(name.to_owned()).context("not a name")?;
    let mut connection = ClientConnection::new(settings, server).context("cannot make a hello")?;
    let mut hello = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut hello).context("cannot write the hello")?;
    }
    let mut socket = TcpStream::connect_timeout(&to, SILENCE_MAX).context("cannot connect")?;
    socket.set_nodelay(true).context("cannot send small packets")?;
    socket.set_read_timeout(Some(SILENCE_MAX)).context("cannot set a time limit")?;
    send(&mut socket, &hello, name, cut)?;
    let page = ask(&mut Stream::new(&mut connection, &mut socket), name);
    match page {
        Err(cause) if dress == Dress::Encrypted && cause.to_string().contains(REJECTED) => {
            Ok(format!("{OUTER_NAME} got the hello\n"))
        }
        page => page.context("no page"),
    }
}

fn ask(stream: &mut Stream<'_, ClientConnection, TcpStream>, name: &str) -> std::io::Result<String> {
    write!(stream, "GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n")?;
    let mut page = Vec::new();
    let read = stream.take(PAGE_BYTES_MAX).read_to_end(&mut page);
    if page.is_empty() {
        read?;
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn settings(dress: Dress) -> anyhow::Result<ClientConfig> {
    let mut provider = default_provider();
    let post_quantum = dress == Dress::PostQuantum;
    provider.kx_groups = if post_quantum { vec![kx_group::X25519MLKEM768] } else { vec![kx_group::X25519] };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider));
    let hpke = DH_KEM_X25519_HKDF_SHA256_AES_128;
    let (public_key, _) = hpke.generate_key_pair().context("cannot make a key")?;
    let builder = match dress {
        Dress::Grease => builder.with_ech(EchMode::Grease(EchGreaseConfig::new(hpke, public_key))),
        Dress::Encrypted => {
            let list = encrypted_hello_configuration(&public_key.0)?;
            let configuration = EchConfig::new(list.into(), &[hpke]).context("cannot encrypt a hello")?;
            builder.with_ech(EchMode::Enable(configuration))
        }
        Dress::Plain | Dress::PostQuantum | Dress::Large => builder.with_safe_default_protocol_versions(),
    };
    let path = std::env::var("SSL_CERT_FILE").context("no trusted authority is named")?;
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(path).context("cannot read the authority")?)
        .context("cannot trust the authority")?;
    let builder = builder.context("cannot set the versions")?;
    let mut settings = builder.with_root_certificates(roots).with_no_client_auth();
    settings.alpn_protocols = vec![b"http/1.1".to_vec()];
    if dress == Dress::Large {
        settings.alpn_protocols.extend((0..60_u8).map(|number| vec![b'a' + number % 26; 240]));
    }
    Ok(settings)
}

/// An ECHConfigList (RFC 9849 section 4) of one configuration for [`OUTER_NAME`].
fn encrypted_hello_configuration(public_key: &[u8]) -> anyhow::Result<Vec<u8>> {
    // Configuration 7, DHKEM(X25519), its key, one suite: HKDF-SHA256 with AES-128-GCM.
    let mut contents = vec![7, 0, 0x20];
    contents.extend(u16::try_from(public_key.len())?.to_be_bytes());
    contents.extend(public_key);
    contents.extend([0, 4, 0, 1, 0, 1]);
    // Names of up to 64 bytes, the outer name, no extensions.
    contents.push(64);
    contents.push(u8::try_from(OUTER_NAME.len())?);
    contents.extend(OUTER_NAME.bytes());
    contents.extend([0, 0]);
    let mut configuration = vec![0xfe, 0x0d];
    configuration.extend(u16::try_from(contents.len())?.to_be_bytes());
    configuration.extend(contents);
    let mut list = u16::try_from(configuration.len())?.to_be_bytes().to_vec();
    list.extend(configuration);
    Ok(list)
}

fn send(socket: &mut TcpStream, hello: &[u8], name: &str, cut: Cut) -> anyhow::Result<()> {
    let place = hello.windows(name.len()).position(|window| window == name.as_bytes());
    let middle = place.map_or(hello.len() / 2, |place| place + name.len() / 2);
    match cut {
        Cut::Whole => socket.write_all(hello)?,
        Cut::Bytes => {
            for byte in hello.chunks(1) {
                socket.write_all(byte)?;
                thread::sleep(Duration::from_micros(500));
            }
        }
        Cut::Name | Cut::Swapped => {
            let (first, second) = hello.split_at(middle);
            socket.write_all(first)?;
            thread::sleep(Duration::from_millis(if cut == Cut::Name { 500 } else { 5 }));
            socket.write_all(second)?;
        }
        Cut::Records => socket.write_all(&records(hello, 20)?)?,
        Cut::NameRecords => socket.write_all(&records(hello, middle - RECORD_HEAD)?)?,
    }
    Ok(())
}

/// The handshake of the record `hello`, in records of at most `size` bytes.
fn records(hello: &[u8], size: usize) -> anyhow::Result<Vec<u8>> {
    let (head, handshake) = hello.split_at_checked(RECORD_HEAD).context("no hello was made")?;
    let [kind, major, minor, ..] = head else { bail!("no record was made") };
    let mut cut = Vec::with_capacity(hello.len() * 2);
    for part in handshake.chunks(size.max(1)) {
        cut.extend([kind, major, minor]);
        cut.extend(u16::try_from(part.len())?.to_be_bytes());
        cut.extend(part);
    }
    Ok(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_hold_the_same_handshake_in_pieces() {
        let hello = [&[22, 3, 1, 0, 7][..], b"bonjour"].concat();
        assert_eq!(records(&hello, 4).unwrap(), b"\x16\x03\x01\x00\x04bonj\x16\x03\x01\x00\x03our");
        assert_eq!(records(&hello, 100).unwrap(), hello);
    }

    #[test]
    fn an_encrypted_hello_has_a_configuration_that_rustls_takes() {
        let hpke = DH_KEM_X25519_HKDF_SHA256_AES_128;
        let (public_key, _) = hpke.generate_key_pair().unwrap();
        let list = encrypted_hello_configuration(&public_key.0).unwrap();
        assert!(EchConfig::new(list.into(), &[hpke]).is_ok());
    }
}
