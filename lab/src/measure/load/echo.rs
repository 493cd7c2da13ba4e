//! A bare UDP echo: what a server of datagrams costs that does nothing.

use std::net::{SocketAddr, UdpSocket};

use anyhow::Context as _;

/// Sends every datagram back until killed.
///
/// # Errors
/// When the address is taken.
pub fn echo(address: SocketAddr) -> anyhow::Result<()> {
    let socket = UdpSocket::bind(address).context("cannot bind the echo")?;
    println!("listening");
    let mut datagram = [0; 2048];
    loop {
        // An error here is about an earlier datagram that nobody took.
        let Ok((length, from)) = socket.recv_from(&mut datagram) else { continue };
        socket.send_to(datagram.get(..length).unwrap_or_default(), from).ok();
    }
}
