//! placeholder
use super::passage::Passage;
use tokio::net::TcpStream;
pub(super) async fn serve(client: TcpStream, _passage: &Passage) {
    super::closing::reset(client)
}
