//! The kernel's neighbour table, followed live: which hardware address stands behind each IP address.
//!
//! The table is read whole at the start, then its events are followed. When the kernel had to drop events because
//! too many came at once, the table is read whole again and compared, so that nothing stays wrong.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use rtnetlink::{
    Handle, MulticastGroup,
    packet_core::NetlinkPayload,
    packet_route::{
        RouteNetlinkMessage,
        link::LinkAttribute,
        neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState},
    },
    sys::AsyncSocket as _,
};
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::model::Mac;

/// What this module takes at most, and what each bound stops.
struct Limits;

impl Limits {
    /// Entries remembered: a machine that claims address after address cannot fill the memory. The kernel's own bound
    /// (`gc_thresh3`) is far below.
    const ENTRIES: usize = 65_536;
    /// Events the kernel may hold for us, in bytes; a whole school joining at once fits.
    const RECEIVE_BUFFER_BYTES: usize = 1 << 20;
    /// How long the kernel may take to list its table.
    const LIST_WAIT: Duration = Duration::from_secs(10);
    /// How long to wait before the table is followed anew after a failure.
    const RETRY_WAIT: Duration = Duration::from_secs(1);
}

/// One change in the neighbour table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The neighbour's address. A link-local IPv6 address means nothing without the interface.
    pub address: IpAddr,
    /// The name of the interface it is behind.
    pub interface: Arc<str>,
    /// The machine that answers for the address; `None` when nobody does any more.
    pub mac: Option<Mac>,
}

/// Calls `on_change` for each entry of the table and then for each change, until `stop`. An entry is told once, not at
/// each of the kernel's refreshes. Failures of the netlink socket are retried for ever.
///
/// # Errors
/// When the first socket cannot be opened; later failures are retried.
pub async fn follow(
    stop: CancellationToken,
    mut on_change: impl FnMut(Neighbour) + Send,
) -> anyhow::Result<()> {
    let mut table = Table::default();
    let mut events = Events::open()?;
    loop {
        let failure = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            failure = events.follow(&mut table, &mut on_change) => failure,
        };
        warn!(cause = format!("{failure:#}"), "the neighbour table is followed anew");
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = time::sleep(Limits::RETRY_WAIT) => {}
            }
            match Events::open() {
                Ok(opened) => break events = opened,
                Err(cause) => warn!(cause = format!("{cause:#}"), "the neighbour table cannot be followed"),
            }
        }
    }
}

/// A netlink socket that hears of neighbours and links.
struct Events {
    handle: Handle,
    messages: BoxStream<'static, NetlinkPayload<RouteNetlinkMessage>>,
    /// Carries the messages; ends when this is dropped.
    connection: JoinSet<()>,
}

impl Events {
    fn open() -> anyhow::Result<Self> {
        let groups = [MulticastGroup::Neigh, MulticastGroup::Link];
        let (mut carrier, handle, messages) =
            rtnetlink::new_multicast_connection(&groups).context("cannot open a netlink socket")?;
        let socket = carrier.socket_mut().socket_mut();
        if let Err(cause) = socket.set_rx_buf_sz(Limits::RECEIVE_BUFFER_BYTES) {
            debug!(%cause, "the netlink socket keeps its small buffer");
        }
        let mut connection = JoinSet::new();
        connection.spawn(carrier);
        Ok(Self { handle, messages: messages.map(|(message, _)| message.payload).boxed(), connection })
    }

    /// Follows the table until something fails, and says what.
    async fn follow(&mut self, table: &mut Table, on_change: &mut impl FnMut(Neighbour)) -> anyhow::Error {
        if let Err(cause) = self.read_whole(table, on_change).await {
            return cause;
        }
        loop {
            let payload = tokio::select! {
                Some(payload) = self.messages.next() => payload,
                _ = self.connection.join_next() => return anyhow::anyhow!("the netlink socket closed"),
            };
            match payload {
                NetlinkPayload::InnerMessage(message) => table.take(message, on_change),
                NetlinkPayload::Overrun(_) => {
                    debug!("the kernel dropped neighbour events; its table is read whole");
                    if let Err(cause) = self.read_whole(table, on_change).await {
                        return cause;
                    }
                }
                _ => {}
            }
        }
    }

    /// Reads the kernel's table and makes ours the same.
    async fn read_whole(
        &mut self,
        table: &mut Table,
        on_change: &mut impl FnMut(Neighbour),
    ) -> anyhow::Result<()> {
        let lists = async {
            let links: Vec<_> = self.handle.link().get().execute().try_collect().await?;
            let neighbours: Vec<_> = self.handle.neighbours().get().execute().try_collect().await?;
            anyhow::Ok((links, neighbours))
        };
        let Ok(lists) = time::timeout(Limits::LIST_WAIT, lists).await else {
            bail!("the kernel did not list its neighbours in time");
        };
        let (links, neighbours) = lists.context("cannot list the neighbours")?;
        table.names.clear();
        for link in links {
            table.take(RouteNetlinkMessage::NewLink(link), on_change);
        }
        let entries: Vec<Entry> = neighbours.iter().filter_map(Entry::read).collect();
        table.replace(entries, on_change);
        Ok(())
    }
}

/// What the kernel says of one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    interface_index: u32,
    address: IpAddr,
    mac: Option<Mac>,
}

impl Entry {
    /// Reads an entry of an Ethernet neighbour; `None` for multicast, proxied and non-Ethernet ones.
    fn read(message: &NeighbourMessage) -> Option<Self> {
        if message.header.flags.contains(NeighbourFlags::Proxy)
            || message.header.state == NeighbourState::Noarp
        {
            return None;
        }
        let mut address = None;
        let mut mac = None;
        for attribute in &message.attributes {
            match attribute {
                NeighbourAttribute::Destination(NeighbourAddress::Inet(v4)) => {
                    address = Some(IpAddr::V4(*v4));
                }
                NeighbourAttribute::Destination(NeighbourAddress::Inet6(v6)) => {
                    address = Some(IpAddr::V6(*v6));
                }
                NeighbourAttribute::LinkLayerAddress(bytes) => {
                    mac = <[u8; 6]>::try_from(bytes.as_slice()).ok().map(Mac::new);
                }
                _ => {}
            }
        }
        let address = address.filter(|address| !address.is_multicast() && !address.is_unspecified())?;
        let answers = matches!(
            message.header.state,
            NeighbourState::Reachable
                | NeighbourState::Stale
                | NeighbourState::Delay
                | NeighbourState::Probe
                | NeighbourState::Permanent
        );
        let mac = mac.filter(|mac| answers && mac.bytes() != [0; 6]);
        Some(Self { interface_index: message.header.ifindex, address, mac })
    }
}

/// What has been told so far.
#[derive(Debug, Default)]
struct Table {
    names: HashMap<u32, Arc<str>>,
    /// By interface and address; with the name the interface had then, for it may be gone when the neighbour is.
    told: HashMap<(u32, IpAddr), (Arc<str>, Mac)>,
}

impl Table {
    /// Takes one message of the kernel.
    fn take(&mut self, message: RouteNetlinkMessage, on_change: &mut impl FnMut(Neighbour)) {
        match message {
            RouteNetlinkMessage::NewNeighbour(message) => {
                if let Some(entry) = Entry::read(&message) {
                    self.set(entry, on_change);
                }
            }
            RouteNetlinkMessage::DelNeighbour(message) => {
                if let Some(entry) = Entry::read(&message) {
                    self.set(Entry { mac: None, ..entry }, on_change);
                }
            }
            RouteNetlinkMessage::NewLink(message) => {
                let name = message.attributes.into_iter().find_map(|attribute| match attribute {
                    LinkAttribute::IfName(name) => Some(name),
                    _ => None,
                });
                if let Some(name) = name {
                    self.name_link(message.header.index, &name, on_change);
                }
            }
            RouteNetlinkMessage::DelLink(message) => self.forget_link(message.header.index, on_change),
            _ => {}
        }
    }

    /// Makes the table `entries` and tells what differs.
    fn replace(&mut self, entries: Vec<Entry>, on_change: &mut impl FnMut(Neighbour)) {
        let present: HashMap<(u32, IpAddr), Option<Mac>> =
            entries.iter().map(|entry| ((entry.interface_index, entry.address), entry.mac)).collect();
        let gone: Vec<_> = self.told.keys().filter(|key| !present.contains_key(key)).copied().collect();
        for (interface_index, address) in gone {
            self.set(Entry { interface_index, address, mac: None }, on_change);
        }
        for entry in entries {
            self.set(entry, on_change);
        }
    }

    /// Notes the name of an interface; neighbours that were told under another name are told again.
    fn name_link(&mut self, index: u32, name: &str, on_change: &mut impl FnMut(Neighbour)) {
        if self.names.get(&index).is_some_and(|known| **known == *name) {
            return;
        }
        let renamed = self.told.iter().filter(|((told, _), (old, _))| *told == index && **old != *name);
        let renamed: Vec<Entry> = renamed
            .map(|((_, address), (_, mac))| Entry {
                interface_index: index,
                address: *address,
                mac: Some(*mac),
            })
            .collect();
        for entry in &renamed {
            self.set(Entry { mac: None, ..*entry }, on_change);
        }
        self.names.insert(index, Arc::from(name));
        for entry in renamed {
            self.set(entry, on_change);
        }
    }

    fn forget_link(&mut self, index: u32, on_change: &mut impl FnMut(Neighbour)) {
        let gone: Vec<_> = self.told.keys().filter(|(interface, _)| *interface == index).copied().collect();
        for (interface_index, address) in gone {
            self.set(Entry { interface_index, address, mac: None }, on_change);
        }
        self.names.remove(&index);
    }

    fn set(&mut self, entry: Entry, on_change: &mut impl FnMut(Neighbour)) {
        let Entry { interface_index, address, mac } = entry;
        let key = (interface_index, address);
        let told = self.told.get(&key);
        if told.map(|(_, mac)| *mac) == mac {
            return;
        }
        let name = told.map(|(name, _)| name).or_else(|| self.names.get(&interface_index));
        let Some(interface) = name.cloned() else { return };
        match mac {
            Some(_) if told.is_none() && self.told.len() >= Limits::ENTRIES => return,
            Some(mac) => self.told.insert(key, (Arc::clone(&interface), mac)),
            None => self.told.remove(&key),
        };
        on_change(Neighbour { address, interface, mac });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Mac = Mac::new([2, 0, 0, 0, 0, 1]);
    const SECOND: Mac = Mac::new([2, 0, 0, 0, 0, 2]);

    fn message(address: &str, state: NeighbourState, mac: Option<Mac>) -> NeighbourMessage {
        let mut message = NeighbourMessage::default();
        message.header.ifindex = 7;
        message.header.state = state;
        let address: IpAddr = address.parse().unwrap();
        message.attributes.push(NeighbourAttribute::Destination(address.into()));
        message.attributes.extend(mac.map(|mac| NeighbourAttribute::LinkLayerAddress(mac.bytes().to_vec())));
        message
    }

    fn table() -> Table {
        let mut table = Table::default();
        table.names.insert(7, Arc::from("ped0"));
        table
    }

    /// What is told when the table takes `messages` one by one.
    fn told(table: &mut Table, messages: Vec<RouteNetlinkMessage>) -> Vec<(String, Option<Mac>)> {
        let mut told = Vec::new();
        for message in messages {
            table.take(message, &mut |change| told.push((change.address.to_string(), change.mac)));
        }
        told
    }

    #[test]
    fn an_entry_is_told_once_and_again_when_another_machine_takes_it() {
        let reachable =
            |mac| RouteNetlinkMessage::NewNeighbour(message("10.0.0.2", NeighbourState::Reachable, mac));
        let stale = |mac| RouteNetlinkMessage::NewNeighbour(message("10.0.0.2", NeighbourState::Stale, mac));
        let changes = told(
            &mut table(),
            vec![reachable(Some(FIRST)), stale(Some(FIRST)), reachable(Some(FIRST)), stale(Some(SECOND))],
        );
        let address = "10.0.0.2".to_owned();
        assert_eq!(changes, [(address.clone(), Some(FIRST)), (address, Some(SECOND))]);
    }

    #[test]
    fn a_neighbour_that_fails_or_is_deleted_is_gone() {
        let seen = message("fd00::2", NeighbourState::Reachable, Some(FIRST));
        let failed = message("fd00::2", NeighbourState::Failed, None);
        for end in [
            RouteNetlinkMessage::NewNeighbour(failed.clone()),
            RouteNetlinkMessage::DelNeighbour(seen.clone()),
        ] {
            let changes = told(&mut table(), vec![RouteNetlinkMessage::NewNeighbour(seen.clone()), end]);
            assert_eq!(changes, [("fd00::2".to_owned(), Some(FIRST)), ("fd00::2".to_owned(), None)]);
        }
    }

    #[test]
    fn multicast_unanswered_and_non_ethernet_entries_are_not_told() {
        let mut short = message("10.0.0.4", NeighbourState::Reachable, None);
        short.attributes.push(NeighbourAttribute::LinkLayerAddress(vec![1, 2]));
        let messages = [
            message("224.0.0.1", NeighbourState::Reachable, Some(FIRST)),
            message("10.0.0.3", NeighbourState::Noarp, Some(FIRST)),
            message("10.0.0.5", NeighbourState::Incomplete, Some(FIRST)),
            short,
        ];
        let messages = messages.into_iter().map(RouteNetlinkMessage::NewNeighbour).collect();
        assert_eq!(told(&mut table(), messages), []);
    }

    #[test]
    fn reading_the_table_whole_tells_only_what_differs() {
        let mut table = table();
        let entry = |address: &str, mac| Entry {
            interface_index: 7,
            address: address.parse().unwrap(),
            mac: Some(mac),
        };
        table.replace(vec![entry("10.0.0.2", FIRST), entry("10.0.0.3", SECOND)], &mut |_| {});
        let mut changes = Vec::new();
        table.replace(vec![entry("10.0.0.3", SECOND), entry("10.0.0.4", FIRST)], &mut |change| {
            changes.push((change.address.to_string(), change.mac));
        });
        assert_eq!(changes, [("10.0.0.2".to_owned(), None), ("10.0.0.4".to_owned(), Some(FIRST))]);
    }

    #[test]
    fn the_neighbours_of_a_renamed_interface_are_told_again() {
        let mut table = table();
        let seen = message("10.0.0.2", NeighbourState::Reachable, Some(FIRST));
        told(&mut table, vec![RouteNetlinkMessage::NewNeighbour(seen)]);
        let mut changes = Vec::new();
        table.name_link(7, "adm0", &mut |change| changes.push((change.interface, change.mac)));
        assert_eq!(changes, [(Arc::from("ped0"), None), (Arc::from("adm0"), Some(FIRST))]);
    }

    #[test]
    fn the_neighbours_of_a_vanished_interface_are_gone() {
        let mut link = rtnetlink::packet_route::link::LinkMessage::default();
        link.header.index = 7;
        let seen = message("10.0.0.2", NeighbourState::Reachable, Some(FIRST));
        let changes = told(
            &mut table(),
            vec![RouteNetlinkMessage::NewNeighbour(seen), RouteNetlinkMessage::DelLink(link)],
        );
        assert_eq!(changes.last(), Some(&("10.0.0.2".to_owned(), None)));
    }
}
