//! The forwarding tables of the kernel's bridges, followed live: behind which port each machine sends.
//!
//! Only events are followed, not the tables: what matters is a machine that moves. Where the kernel had to drop events
//! because too many came at once, the next ones tell as well.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use rtnetlink::{
    MulticastGroup,
    packet_core::NetlinkPayload,
    packet_route::{
        AddressFamily, RouteNetlinkMessage,
        neighbour::{NeighbourAttribute, NeighbourMessage, NeighbourState},
    },
};
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::model::Mac;

/// How long to wait before the tables are followed anew after a failure.
const RETRY_WAIT: Duration = Duration::from_secs(1);

/// A machine that a bridge learned behind a port, for the first time or behind another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The machine's hardware address, as its frames say; anybody can write it.
    pub machine: Mac,
    /// The kernel's number of the port, never 0.
    pub port: u32,
}

/// Calls `on_sighting` for each machine that a bridge of this network namespace learns behind a port, until `stop`.
/// Failures of the netlink socket are retried for ever.
///
/// # Errors
/// When the first socket cannot be opened; later failures are retried.
pub async fn follow(
    stop: CancellationToken,
    mut on_sighting: impl FnMut(Sighting) + Send,
) -> anyhow::Result<()> {
    listen(&stop, &mut on_sighting).await?;
    while !stop.is_cancelled() {
        warn!("the tables of the bridges are followed anew");
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = time::sleep(RETRY_WAIT) => {}
        }
        if let Err(cause) = listen(&stop, &mut on_sighting).await {
            warn!(cause = format!("{cause:#}"), "the tables of the bridges cannot be followed");
        }
    }
    Ok(())
}

/// Listens until `stop` or until the socket closes.
async fn listen(
    stop: &CancellationToken,
    on_sighting: &mut (impl FnMut(Sighting) + Send),
) -> anyhow::Result<()> {
    // The handle asks nothing; without it the connection would end.
    let (carrier, _handle, mut messages) = rtnetlink::new_multicast_connection(&[MulticastGroup::Neigh])
        .context("cannot open a netlink socket")?;
    let mut connection = JoinSet::new();
    connection.spawn(carrier);
    loop {
        let message = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Some((message, _)) = messages.next() => message,
            _ = connection.join_next() => return Ok(()),
        };
        if let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewNeighbour(entry)) = message.payload
            && let Some(sighting) = Sighting::read(&entry)
        {
            on_sighting(sighting);
        }
    }
}

impl Sighting {
    /// Reads an entry of a bridge's table; `None` for neighbours by IP address and for a bridge's own addresses.
    fn read(message: &NeighbourMessage) -> Option<Self> {
        let header = &message.header;
        if header.family != AddressFamily::Bridge
            || header.ifindex == 0
            || matches!(header.state, NeighbourState::Permanent | NeighbourState::Noarp)
        {
            return None;
        }
        // The entries of other devices, such as a card's own filter, have no bridge.
        let is_of_bridge = |part: &NeighbourAttribute| matches!(part, NeighbourAttribute::Controller(_));
        message.attributes.iter().find(|part| is_of_bridge(part))?;
        let machine = message.attributes.iter().find_map(|part| match part {
            NeighbourAttribute::LinkLayerAddress(bytes) => <[u8; 6]>::try_from(bytes.as_slice()).ok(),
            _ => None,
        })?;
        Some(Self { machine: Mac::new(machine), port: header.ifindex })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(state: NeighbourState, attributes: Vec<NeighbourAttribute>) -> NeighbourMessage {
        let mut message = NeighbourMessage::default();
        message.header.family = AddressFamily::Bridge;
        message.header.ifindex = 7;
        message.header.state = state;
        message.attributes = attributes;
        message
    }

    #[test]
    fn a_machine_that_a_bridge_learned_is_seen_behind_its_port() {
        let (mac, bridge) =
            (NeighbourAttribute::LinkLayerAddress(vec![2, 0, 0, 0, 0, 1]), NeighbourAttribute::Controller(3));
        let learned = entry(NeighbourState::Reachable, vec![mac, bridge]);
        let machine = Mac::new([2, 0, 0, 0, 0, 1]);
        assert_eq!(Sighting::read(&learned), Some(Sighting { machine, port: 7 }));
    }

    #[test]
    fn a_bridges_own_address_a_cards_filter_and_a_neighbour_by_ip_address_are_not_seen() {
        let mac = || NeighbourAttribute::LinkLayerAddress(vec![2, 0, 0, 0, 0, 1]);
        let bridge = || NeighbourAttribute::Controller(3);
        let mut by_address = entry(NeighbourState::Reachable, vec![mac(), bridge()]);
        by_address.header.family = AddressFamily::Inet;
        let others = [
            by_address,
            entry(NeighbourState::Permanent, vec![mac(), bridge()]),
            entry(NeighbourState::Reachable, vec![mac()]),
            entry(NeighbourState::Reachable, vec![bridge()]),
            entry(
                NeighbourState::Reachable,
                vec![NeighbourAttribute::LinkLayerAddress(vec![2, 0]), bridge()],
            ),
        ];
        for other in others {
            assert_eq!(Sighting::read(&other), None, "{other:?}");
        }
    }
}
