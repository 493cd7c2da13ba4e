//! Servers that send back what they get: proof that a packet went all the way.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    task::JoinSet,
    time::timeout,
};

use super::dns::make_room;

/// How long a connection may be idle.
const IDLE_MAX: Duration = Duration::from_secs(600);

pub(super) async fn serve_udp(socket: UdpSocket) -> anyhow::Result<()> {
    let mut packet = [0; 2048];
    loop {
        // Errors are about earlier packets that could not be delivered.
        if let Ok((length, sender)) = socket.recv_from(&mut packet).await {
            socket.send_to(packet.get(..length).unwrap_or_default(), sender).await.ok();
        }
    }
}

pub(super) async fn serve_tcp(listener: TcpListener) -> anyhow::Result<()> {
    let mut work = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        make_room(&mut work).await;
        work.spawn(send_back(stream));
    }
}

async fn send_back(mut stream: TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(Ok(length @ 1..)) = timeout(IDLE_MAX, stream.read(&mut bytes)).await {
        if stream.write_all(bytes.get(..length).unwrap_or_default()).await.is_err() {
            return;
        }
    }
}
