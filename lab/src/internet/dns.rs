//! The resolvers of the lab's Internet, over UDP, TCP and TLS; each question is written to a file that tests read.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use domain::{
    base::{
        Message, MessageBuilder, Name, Rtype,
        iana::{Class, Rcode},
        message_builder::{AnswerBuilder, PushError},
        rdata::UnknownRecordData,
    },
    rdata::Soa,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, UdpSocket},
    task::JoinSet,
    time::timeout,
};

use super::names::{Answer, Entry, answer, delay};
use crate::{
    authority::NamedServers,
    plan::{FAR_ADDRESSES, FAR_ZONE},
};

/// Questions and connections in work at once; more wait.
const AT_ONCE_MAX: usize = 4096;
/// The file of questions stops growing here, in bytes.
const RECORD_BYTES_MAX: u64 = 16 << 20;
/// How long a connection may be idle.
const IDLE_MAX: Duration = Duration::from_secs(10);
/// How long the resolver of a delegated zone may take: tunnels inside DNS let questions wait.
const DELEGATE_WAIT_MAX: Duration = Duration::from_secs(5);
/// The size of answers to askers that state none (RFC 1035 section 4.2.1).
const UDP_BYTES_DEFAULT: u16 = 512;

/// How a question came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
    Tls,
    Https,
}

impl Transport {
    const fn word(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Https => "https",
        }
    }
}

/// The file of questions asked: one line each, `udp www.exemple.fr AAAA`, in the order of arrival.
pub(super) struct Record {
    path: PathBuf,
    file: Mutex<File>,
}

impl Record {
    /// Starts an empty file at `path`.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).context("cannot write the file of questions")?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    fn write(&self, transport: Transport, name: &str, record_type: Rtype) {
        let full = fs::metadata(&self.path).is_ok_and(|file| file.len() >= RECORD_BYTES_MAX);
        if !full {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            // A question that cannot be written is answered all the same: the Internet owes nobody a record.
            writeln!(file, "{} {name} {record_type}", transport.word()).ok();
        }
    }
}

pub(super) async fn serve_udp(socket: UdpSocket, record: Arc<Record>) -> anyhow::Result<()> {
    let socket = Arc::new(socket);
    let mut work = JoinSet::new();
    let mut packet = [0; 4096];
    loop {
        // An error here is about an earlier answer that could not be delivered.
        let Ok((length, asker)) = socket.recv_from(&mut packet).await else { continue };
        let question = packet.get(..length).unwrap_or_default().to_vec();
        make_room(&mut work).await;
        let (socket, record) = (Arc::clone(&socket), Arc::clone(&record));
        work.spawn(async move {
            if let Some(answer) = reply(&question, Transport::Udp, &record).await {
                socket.send_to(&answer, asker).await.ok();
            }
        });
    }
}

pub(super) async fn serve_tcp(listener: TcpListener, record: Arc<Record>) -> anyhow::Result<()> {
    let mut work = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        make_room(&mut work).await;
        let record = Arc::clone(&record);
        work.spawn(async move {
            // A broken connection is the asker's business.
            converse(stream, Transport::Tcp, &record).await.ok();
        });
    }
}

pub(super) async fn serve_tls(
    listener: TcpListener,
    record: Arc<Record>,
    servers: Arc<NamedServers>,
) -> anyhow::Result<()> {
    let mut work = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        make_room(&mut work).await;
        let (record, servers) = (Arc::clone(&record), Arc::clone(&servers));
        work.spawn(async move {
            if let Ok((stream, _)) = super::web::accept_tls(stream, &servers).await {
                converse(stream, Transport::Tls, &record).await.ok();
            }
        });
    }
}

/// Waits until fewer than [`AT_ONCE_MAX`] tasks are in work.
pub(super) async fn make_room(work: &mut JoinSet<()>) {
    while work.try_join_next().is_some() {}
    if work.len() >= AT_ONCE_MAX {
        work.join_next().await;
    }
}

/// Answers the questions of one connection in their order (RFC 1035 section 4.2.2: two bytes of length first).
async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    transport: Transport,
    record: &Record,
) -> anyhow::Result<()> {
    loop {
        let length = timeout(IDLE_MAX, stream.read_u16()).await??;
        let mut question = vec![0; usize::from(length)];
        timeout(IDLE_MAX, stream.read_exact(&mut question)).await??;
        if let Some(answer) = reply(&question, transport, record).await {
            stream.write_u16(u16::try_from(answer.len())?).await?;
            stream.write_all(&answer).await?;
            stream.flush().await?;
        }
    }
}

/// The answer to the message `bytes`; nothing where nothing is to be sent.
pub(super) async fn reply(bytes: &[u8], transport: Transport, record: &Record) -> Option<Vec<u8>> {
    let message = Message::from_octets(bytes).ok()?;
    let Ok(question) = message.sole_question() else {
        return Some(MessageBuilder::new_vec().start_error(&message, Rcode::FORMERR).finish());
    };
    let name = question.qname().to_string().trim_end_matches('.').to_ascii_lowercase();
    record.write(transport, &name, question.qtype());
    if name.ends_with(FAR_ZONE) {
        return ask_far(bytes).await.ok();
    }
    tokio::time::sleep(delay(&name)).await;
    let (rcode, records) = match answer(&name, question.qtype().to_int()) {
        Answer::Silence => return None,
        Answer::Error(code) => (Rcode::checked_from_int(code)?, Vec::new()),
        Answer::Records(records) => (Rcode::NOERROR, records),
    };
    let whole = compose(&message, rcode, &records).ok()?;
    let size = message.opt().map_or(UDP_BYTES_DEFAULT, |opt| opt.udp_payload_size().max(UDP_BYTES_DEFAULT));
    if transport == Transport::Udp && whole.len() > usize::from(size) {
        let mut cut = MessageBuilder::new_vec().start_answer(&message, rcode).ok()?;
        cut.header_mut().set_tc(true);
        return Some(cut.finish());
    }
    Some(whole)
}

/// Asks the resolver of [`FAR_ZONE`], as any resolver follows a delegation, and gives its answer on as it is.
async fn ask_far(question: &[u8]) -> anyhow::Result<Vec<u8>> {
    let socket = UdpSocket::bind("0.0.0.0:0").await?;
    socket.connect((FAR_ADDRESSES[0], 53)).await?;
    socket.send(question).await?;
    let mut answer = vec![0; 4096];
    let length = timeout(DELEGATE_WAIT_MAX, socket.recv(&mut answer)).await??;
    answer.truncate(length);
    Ok(answer)
}

fn compose(message: &Message<&[u8]>, rcode: Rcode, records: &[Entry]) -> Result<Vec<u8>, PushError> {
    let mut answer = MessageBuilder::new_vec().start_answer(message, rcode)?;
    answer.header_mut().set_ra(true);
    for entry in records {
        push(&mut answer, entry)?;
    }
    let mut authority = answer.authority();
    if records.is_empty() && matches!(rcode, Rcode::NOERROR | Rcode::NXDOMAIN) {
        let root = Name::<Vec<u8>>::root_vec();
        let second = |seconds| domain::base::Ttl::from_secs(seconds);
        let soa = Soa::new(&root, &root, 1.into(), second(3600), second(600), second(86_400), second(5));
        authority.push((&root, Class::IN, 30, soa))?;
    }
    let mut additional = authority.additional();
    if message.opt().is_some() {
        additional.opt(|opt| {
            opt.set_udp_payload_size(1232);
            Ok(())
        })?;
    }
    Ok(additional.finish())
}

fn push(answer: &mut AnswerBuilder<Vec<u8>>, entry: &Entry) -> Result<(), PushError> {
    // Owners come from questions and from this Internet's own table: both are names already.
    let (Ok(owner), Ok(data)) = (
        entry.owner.parse::<Name<Vec<u8>>>(),
        UnknownRecordData::from_octets(Rtype::from_int(entry.record_type), &entry.data),
    ) else {
        return Ok(());
    };
    answer.push((owner, Class::IN, entry.ttl, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(name: &str, record_type: Rtype, transport: Transport) -> (Message<Vec<u8>>, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("questions");
        let record = Record::create(&path).unwrap();
        let mut question = MessageBuilder::new_vec().question();
        question.push((name.parse::<Name<Vec<u8>>>().unwrap(), record_type)).unwrap();
        let answer = reply(&question.finish(), transport, &record).await.unwrap();
        (Message::from_octets(answer).unwrap(), fs::read_to_string(path).unwrap())
    }

    #[tokio::test]
    async fn a_question_is_answered_and_written_down() {
        let (answer, record) = ask("WWW.exemple.fr", Rtype::A, Transport::Udp).await;
        assert_eq!(answer.header_counts().ancount(), 1);
        assert_eq!(record, "udp www.exemple.fr A\n");
    }

    #[tokio::test]
    async fn an_answer_too_big_for_udp_is_cut_and_whole_over_tcp() {
        let (cut, _) = ask("grand.exemple.fr", Rtype::TXT, Transport::Udp).await;
        assert!(cut.header().tc());
        let (whole, _) = ask("grand.exemple.fr", Rtype::TXT, Transport::Tcp).await;
        assert!(!whole.header().tc() && whole.as_octets().len() > 4000);
    }

    #[tokio::test]
    async fn a_missing_name_has_its_error_and_a_start_of_authority() {
        let (answer, _) = ask("nxdomain.exemple.fr", Rtype::A, Transport::Udp).await;
        assert_eq!(answer.header().rcode(), Rcode::NXDOMAIN);
        assert_eq!(answer.header_counts().nscount(), 1);
    }
}
