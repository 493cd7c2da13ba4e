//! The question the daemon asks itself before it opens: the resolver must answer for the portal's name.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, bail};
use domain::base::{MessageBuilder, Name, Rtype, iana::Rcode, message::Message};
use tokio::net::UdpSocket;

use crate::model::Domain;

/// How long one question waits for its answer.
const ANSWER_WAIT: Duration = Duration::from_millis(500);

/// How often it is asked before the daemon gives up and starts anew.
const TRIES: usize = 10;

/// Asks the resolver at `server`, one of the box's own, for the address of `name`.
///
/// # Errors
/// When no sound answer comes within five seconds.
pub(super) async fn resolver_answers(server: IpAddr, name: &Domain) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    for _ in 0..TRIES {
        outcome = ask_once(server, name).await;
        if outcome.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(ANSWER_WAIT / 5).await;
    }
    outcome.context("the resolver does not answer its own self-test")
}

async fn ask_once(server: IpAddr, name: &Domain) -> anyhow::Result<()> {
    let any: IpAddr = if server.is_ipv4() { [0; 4].into() } else { [0; 16].into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await.context("cannot open a socket")?;
    socket.connect(SocketAddr::new(server, 53)).await.context("cannot reach the resolver")?;
    let name: Name<Vec<u8>> = name.as_str().parse().context("cannot write the name")?;
    let mut question = MessageBuilder::new_vec().question();
    question.push((&name, Rtype::A)).context("cannot write the question")?;
    socket.send(&question.finish()).await.context("cannot ask")?;
    let mut buffer = [0; 1232];
    let length = tokio::time::timeout(ANSWER_WAIT, socket.recv(&mut buffer)).await.context("no answer in time")??;
    let answer = Message::from_octets(buffer.get(..length).unwrap_or_default()).context("the answer is too short")?;
    if answer.header().rcode() != Rcode::NOERROR || answer.header_counts().ancount() == 0 {
        bail!("the answer has no address");
    }
    Ok(())
}
