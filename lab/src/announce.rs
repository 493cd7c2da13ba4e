//! How other commands find a running lab: a socket with a name in the kernel, not on the disk, that says the way in.
//!
//! The owner of the lab listens on the abstract socket `preau-lab-UID-NAME`. Whoever connects gets one line of JSON; a
//! line `down` asks the owner to end the lab, which then keeps the connection until it has ended. The name disappears with the owner. Both sides ask the kernel who the
//! other is: such a name can be taken by any user, and nobody else may end a lab or lead root into theirs.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener, UnixStream},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use crate::enclosure::{Door, Power};

/// How long the owner of a lab may take to answer.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// How long a lab may take to end in order.
const END_WAIT_MAX: Duration = Duration::from_secs(20);

/// What the owner says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Announcement {
    pid: u32,
    user_namespace: bool,
}

/// A name that is ours until the value is dropped.
#[derive(Debug)]
pub struct Announcer {
    listener: UnixListener,
}

impl Announcer {
    /// Takes the name `name` for this user's lab.
    ///
    /// # Errors
    /// When a lab of that name is up already.
    pub fn take(name: &str) -> anyhow::Result<Self> {
        match UnixListener::bind_addr(&address(name, own_uid())?) {
            Ok(listener) => Ok(Self { listener }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                bail!(
                    "a lab `{name}` is up already; end it with `preau-lab down`, or take another name with `--name`"
                )
            }
            Err(error) => Err(error).context("cannot announce the lab"),
        }
    }

    /// Says the way in to whoever asks, until somebody asks for the end: keep their connection until there is one.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn serve(&self, door: &Door) -> anyhow::Result<UnixStream> {
        let announcement = Announcement { pid: door.pid, user_namespace: door.power == Power::UserNamespace };
        let text = serde_json::to_string(&announcement).context("cannot write the announcement")?;
        loop {
            let (mut stream, _) = self.listener.accept().context("cannot be asked for the lab")?;
            if !is_ours(&stream) {
                continue;
            }
            stream.set_read_timeout(Some(WAIT_MAX)).context("cannot set a time limit")?;
            let mut wish = String::new();
            // Who asks nothing within the limit gets nothing; the next one is served.
            if BufReader::new(&stream).read_line(&mut wish).is_ok() {
                writeln!(stream, "{text}").ok();
            }
            if wish == "down\n" {
                return Ok(stream);
            }
        }
    }
}

/// The door of the lab `name` of this user, if one is up.
///
/// # Errors
/// When its owner does not answer.
pub fn find(name: &str) -> anyhow::Result<Option<Door>> {
    Ok(ask(name, "where\n")?.map(|(door, _)| door))
}

/// As [`find`]; with nothing found, says so and what to do.
///
/// # Errors
/// When no lab of that name is up, or its owner does not answer.
pub fn find_or_explain(name: &str) -> anyhow::Result<Door> {
    if let Some(door) = find(name)? {
        return Ok(door);
    }
    if own_uid() != 0 && UnixStream::connect_addr(&address(name, 0)?).is_ok() {
        bail!("the lab `{name}` is root's: run the same command with `sudo`");
    }
    bail!("no lab `{name}` is up; start one with `./lab.sh` or `preau-lab up`")
}

/// Has the owner of the lab `name` end it and waits until it has; whether there was one.
///
/// # Errors
/// When the owner does not answer, or has not ended within 20 s.
pub fn end(name: &str) -> anyhow::Result<bool> {
    let Some((_, mut connection)) = ask(name, "down\n")? else { return Ok(false) };
    connection.get_ref().set_read_timeout(Some(END_WAIT_MAX)).context("cannot set a time limit")?;
    connection.read_to_end(&mut Vec::new()).context("the lab does not end")?;
    Ok(true)
}

fn ask(name: &str, wish: &str) -> anyhow::Result<Option<(Door, BufReader<UnixStream>)>> {
    let Ok(mut stream) = UnixStream::connect_addr(&address(name, own_uid())?) else { return Ok(None) };
    if !is_ours(&stream) {
        bail!("another user has taken the name `{name}`; take another one with `--name`");
    }
    stream.set_read_timeout(Some(WAIT_MAX)).context("cannot set a time limit")?;
    stream.write_all(wish.as_bytes()).context("cannot ask for the lab")?;
    let mut line = String::new();
    let mut connection = BufReader::new(stream);
    connection.read_line(&mut line).context("the lab's owner does not answer")?;
    let Announcement { pid, user_namespace } =
        serde_json::from_str(&line).context("cannot read the lab's announcement")?;
    let power = if user_namespace { Power::UserNamespace } else { Power::Root };
    Ok(Some((Door { pid, power }, connection)))
}

fn address(name: &str, uid: u32) -> anyhow::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("preau-lab-{uid}-{name}"))
        .with_context(|| format!("`{name}` is too long for the name of a lab"))
}

/// Whether the other side is the same user, or root.
fn is_ours(stream: &UnixStream) -> bool {
    rustix::net::sockopt::socket_peercred(stream)
        .is_ok_and(|peer| peer.uid.is_root() || peer.uid.as_raw() == own_uid())
}

fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_lab_is_found_by_its_name_and_its_name_is_taken_once() {
        let name = format!("essai-{}", std::process::id());
        assert_eq!(find(&name).unwrap(), None);
        let announcer = Announcer::take(&name).unwrap();
        assert!(Announcer::take(&name).is_err());
        let door = Door { pid: 42, power: Power::UserNamespace };
        thread::scope(|scope| {
            scope.spawn(|| drop(announcer.serve(&door).unwrap()));
            assert_eq!(find(&name).unwrap(), Some(door.clone()));
            assert!(end(&name).unwrap());
        });
        drop(announcer);
        assert_eq!(find(&name).unwrap(), None);
    }
}
