//! The two ways to end a connection of ours: with last words that arrive, or at once.

use std::{io, net::Shutdown, time::Duration};

use socket2::SockRef;
use tokio::{net::TcpStream, time::timeout};

use super::{limits::Limits, relay::write_all};

/// Bytes thrown away at a time.
const SCRAP_BYTES: usize = 4 * 1024;

/// Sends `last_words`, then waits until the client has hung up or its time is over.
///
/// A socket closed with unread bytes in it sends a reset, which destroys words that are still under way; so what the
/// client goes on sending is read and thrown away, within bounds.
pub(super) async fn say_and_close(client: TcpStream, last_words: &[u8], limits: &Limits) {
    let farewell = async {
        write_all(&client, last_words).await?;
        SockRef::from(&client).shutdown(Shutdown::Write)?;
        discard(&client, limits.farewell_bytes_max).await
    };
    // Whether the client has listened changes nothing: the connection ends here.
    let _ = timeout(limits.farewell_wait_max, farewell).await;
}

/// Closes at once: the other side sees a reset, and whatever was under way is lost.
pub(super) fn reset(stream: TcpStream) {
    prepare_reset(&stream);
    drop(stream);
}

/// Makes the coming close of `stream` a reset.
pub(super) fn prepare_reset(stream: &TcpStream) {
    // Where the kernel refuses, the close is an ordinary one: the connection ends all the same.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

async fn discard(client: &TcpStream, bytes_max: usize) -> io::Result<()> {
    // On the heap: every connection's task would be as large as this, and few come here.
    let mut scrap = vec![0; SCRAP_BYTES];
    let mut discarded = 0;
    while discarded < bytes_max {
        client.readable().await?;
        match client.try_read(&mut scrap) {
            Ok(0) => return Ok(()),
            Ok(count) => discarded += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
