//! Sockets that the service manager bound before it started the daemon (systemd's socket units and file descriptor store).
//!
//! Taken once, first thing; whoever then binds an address gets the socket that is bound to it already, with the
//! connections that came in meanwhile. What nobody asks for stays open until the daemon ends.

use std::{
    net::SocketAddr,
    os::fd::{FromRawFd as _, OwnedFd},
    sync::{Mutex, PoisonError},
};

use socket2::{Socket, Type};
use systemd::daemon;
use tracing::{info, warn};

/// Sockets a service manager may hand over: every listener of sixteen zones fits.
const SOCKETS_MAX: usize = 256;

/// What was handed over and nobody has taken yet. One place for the whole process, as the descriptors are.
static WAITING: Mutex<Vec<Socket>> = Mutex::new(Vec::new());

/// Takes the sockets the service manager passed to this process. Call it once, before any socket is bound.
pub fn adopt() {
    let passed = match daemon::listen_fds() {
        Ok(passed) => passed,
        Err(cause) => return warn!(%cause, "cannot take the sockets of the service manager"),
    };
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    for descriptor in passed.iter().take(SOCKETS_MAX) {
        waiting.push(owned(descriptor));
    }
    if !waiting.is_empty() {
        info!(sockets = waiting.len(), "sockets of the service manager taken");
    }
}

/// The waiting socket of this address and type, if there is one.
pub(super) fn take(address: SocketAddr, kind: Type) -> Option<Socket> {
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    let bound = |socket: &Socket| {
        let is_there = socket.local_addr().is_ok_and(|local| local.as_socket() == Some(address));
        is_there && socket.r#type().is_ok_and(|other| other == kind)
    };
    let place = waiting.iter().position(bound)?;
    Some(waiting.swap_remove(place))
}

#[expect(unsafe_code, reason = "a descriptor that comes by number has no owner yet")]
fn owned(descriptor: i32) -> Socket {
    // SAFETY: systemd's protocol (sd_listen_fds(3)) passes these descriptors open and to this process alone, whose
    // number it names; `adopt` is called once, so each gets one owner.
    Socket::from(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        net::TcpListener,
        os::fd::OwnedFd,
        process::{Command, Stdio},
    };

    use super::*;
    use crate::system::sockets::listen_tcp;

    /// Runs itself again with a listener as descriptor 3, for descriptors are a whole process's.
    #[tokio::test]
    async fn a_socket_of_the_service_manager_is_used_where_its_address_is_asked_for() {
        if let Ok(address) = env::var("PREAU_TEST_INHERITED") {
            adopt();
            let address: SocketAddr = address.parse().unwrap();
            // Bound a second time it would be refused: the first one is still open in the parent.
            let listener = listen_tcp(address).unwrap();
            assert_eq!(listener.local_addr().unwrap(), address);
            assert!(take(address, Type::STREAM).is_none());
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert!(listen_tcp(address).is_err());
        let name = concat!(
            module_path!(),
            "::a_socket_of_the_service_manager_is_used_where_its_address_is_asked_for"
        );
        let script = "exec 3<&0 0</dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
        let again = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(env::current_exe().unwrap())
            .args(["--exact", name.split_once("::").unwrap().1])
            .env("PREAU_TEST_INHERITED", address.to_string())
            .stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())))
            .output()
            .unwrap();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));
    }
}
