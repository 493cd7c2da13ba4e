//! The kernel's network interfaces: bridges, their ports, addresses, and the settings under `/proc/sys/net`.
//!
//! Each act asks the kernel first and changes only what differs, so that doing everything again does nothing.

use std::{fs, io, net::IpAddr, path::PathBuf};

use anyhow::{Context as _, bail};
use futures_util::TryStreamExt as _;
use ipnet::IpNet;
use rtnetlink::{
    Error, Handle, LinkBridge, LinkUnspec, LinkWireguard,
    packet_route::{
        AddressFamily,
        address::{AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope},
        link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage},
    },
};
use tokio::task::JoinSet;

/// A conversation with the kernel about interfaces, in the network namespace of the thread that opened it.
#[derive(Debug)]
pub struct Links {
    handle: Handle,
    /// Carries the messages; ends when this is dropped.
    _connection: JoinSet<()>,
}

/// One interface as the kernel describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it, never 0.
    pub index: u32,
    /// The kernel's name for it, at most 15 bytes.
    pub name: String,
    /// Whether it was switched on; says nothing about a cable.
    pub is_up: bool,
    /// Whether it has a signal: a cable with something alive at its other end.
    pub has_signal: bool,
    /// Whether it is a bridge.
    pub is_bridge: bool,
    /// Whether it is the kernel's own WireGuard.
    pub is_wireguard: bool,
    /// The index of the bridge it is a port of.
    pub bridge: Option<u32>,
    /// Its hardware address, as many bytes as its kind has.
    pub hardware_address: Vec<u8>,
}

/// `EOPNOTSUPP`, the kernel's answer when it knows no such kind of interface.
const NOT_SUPPORTED: i32 = 95;

impl Links {
    /// Opens the conversation. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub fn open() -> io::Result<Self> {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        Ok(Self { handle, _connection: tasks })
    }

    /// All interfaces.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub async fn all(&self) -> anyhow::Result<Vec<Link>> {
        let links: Vec<LinkMessage> =
            self.handle.link().get().execute().try_collect().await.context("cannot list the interfaces")?;
        Ok(links.into_iter().filter_map(Link::read).collect())
    }

    /// The interface called `name`, if there is one.
    ///
    /// # Errors
    /// When the kernel does not answer.
    pub async fn find(&self, name: &str) -> anyhow::Result<Option<Link>> {
        Ok(self.all().await?.into_iter().find(|link| link.name == name))
    }

    /// Makes the bridge `name` unless it exists. It is left switched off, as the kernel makes it.
    ///
    /// # Errors
    /// When an interface of another kind has that name, or the kernel refuses.
    pub async fn make_bridge(&self, name: &str) -> anyhow::Result<Link> {
        match self.find(name).await? {
            Some(link) if link.is_bridge => return Ok(link),
            Some(_) => bail!("interface `{name}` exists and is not a bridge"),
            None => {}
        }
        let bridge = LinkBridge::new(name).down().build();
        let made = self.handle.link().add(bridge).execute().await;
        made.with_context(|| format!("cannot make bridge `{name}`"))?;
        self.find(name).await?.with_context(|| format!("bridge `{name}` vanished as soon as it was made"))
    }

    /// Makes the WireGuard interface `name` unless it is there. Says whether this kernel has WireGuard.
    ///
    /// # Errors
    /// When the kernel refuses for another reason.
    pub async fn make_wireguard(&self, name: &str) -> anyhow::Result<bool> {
        if let Some(link) = self.find(name).await? {
            return Ok(link.is_wireguard);
        }
        match self.handle.link().add(LinkWireguard::new(name).build()).execute().await {
            Err(Error::NetlinkError(refusal)) if refusal.raw_code() == -NOT_SUPPORTED => Ok(false),
            made => made.map(|()| true).with_context(|| format!("cannot make `{name}`")),
        }
    }

    /// Removes the interface `link`.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn remove(&self, link: &Link) -> anyhow::Result<()> {
        let removed = self.handle.link().del(link.index).execute().await;
        removed.with_context(|| format!("cannot remove `{}`", link.name))
    }

    /// Has `link` carry packets of `bytes` at most.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn set_mtu(&self, link: &Link, bytes: u32) -> anyhow::Result<()> {
        let change = LinkUnspec::new_with_index(link.index).mtu(bytes).build();
        let set = self.handle.link().change(change).execute().await;
        set.with_context(|| format!("cannot set the size of packets of `{}`", link.name))
    }

    /// Makes `port` a port of `bridge`, taking it out of any other bridge.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn join_bridge(&self, port: &Link, bridge: &Link) -> anyhow::Result<()> {
        if port.bridge == Some(bridge.index) {
            return Ok(());
        }
        let change = LinkUnspec::new_with_index(port.index).controller(bridge.index).build();
        let joined = self.handle.link().change(change).execute().await;
        joined.with_context(|| format!("cannot make `{}` a port of bridge `{}`", port.name, bridge.name))
    }

    /// Takes `port` out of its bridge.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn leave_bridge(&self, port: &Link) -> anyhow::Result<()> {
        let change = LinkUnspec::new_with_index(port.index).nocontroller().build();
        let left = self.handle.link().change(change).execute().await;
        left.with_context(|| format!("cannot take `{}` out of its bridge", port.name))
    }

    /// Gives `link` the hardware address `bytes`.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn set_hardware_address(&self, link: &Link, bytes: &[u8]) -> anyhow::Result<()> {
        if link.hardware_address == bytes {
            return Ok(());
        }
        let change = LinkUnspec::new_with_index(link.index).address(bytes.to_vec()).build();
        let set = self.handle.link().change(change).execute().await;
        set.with_context(|| format!("cannot set the hardware address of `{}`", link.name))
    }

    /// Switches `link` on.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn switch_on(&self, link: &Link) -> anyhow::Result<()> {
        if link.is_up {
            return Ok(());
        }
        let change = LinkUnspec::new_with_index(link.index).up().build();
        let on = self.handle.link().change(change).execute().await;
        on.with_context(|| format!("cannot switch on `{}`", link.name))
    }

    /// Makes `wanted` the only addresses of `link` beside its link-local ones. IPv6 addresses are used at once, without
    /// duplicate address detection, so that services can answer on them from the first packet.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn set_addresses(&self, link: &Link, wanted: &[IpNet]) -> anyhow::Result<()> {
        for message in self.addresses(link).await? {
            if !network_of(&message).is_some_and(|network| wanted.contains(&network)) {
                let deleted = self.handle.address().del(message).execute().await;
                deleted.with_context(|| format!("cannot take an old address off `{}`", link.name))?;
            }
        }
        // Asked again, for an IPv4 address that is deleted takes the secondary ones of its network with it.
        let present = self.addresses(link).await?;
        for network in wanted {
            if !present.iter().any(|message| network_of(message) == Some(*network)) {
                self.add_address(link, *network).await?;
            }
        }
        Ok(())
    }

    /// The addresses of `link` but the link-local ones.
    async fn addresses(&self, link: &Link) -> anyhow::Result<Vec<AddressMessage>> {
        let request = self.handle.address().get().set_link_index_filter(link.index);
        let all: Vec<AddressMessage> = request
            .execute()
            .try_collect()
            .await
            .with_context(|| format!("cannot list the addresses of `{}`", link.name))?;
        Ok(all.into_iter().filter(|message| message.header.scope == AddressScope::Universe).collect())
    }

    async fn add_address(&self, link: &Link, network: IpNet) -> anyhow::Result<()> {
        let mut request = self.handle.address().add(link.index, network.addr(), network.prefix_len());
        if network.addr().is_ipv6() {
            let message = request.message_mut();
            message.header.flags |= AddressHeaderFlags::Nodad;
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        let added = request.execute().await;
        added.with_context(|| format!("cannot give `{}` the address {network}", link.name))
    }
}

impl Link {
    /// Reads the kernel's description; `None` for one without a name, which no real interface is.
    fn read(message: LinkMessage) -> Option<Self> {
        let mut link = Self {
            index: message.header.index,
            name: String::new(),
            is_up: message.header.flags.contains(LinkFlags::Up),
            has_signal: message.header.flags.contains(LinkFlags::LowerUp),
            is_bridge: false,
            is_wireguard: false,
            bridge: None,
            hardware_address: Vec::new(),
        };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = name,
                LinkAttribute::Controller(index) => link.bridge = (index != 0).then_some(index),
                LinkAttribute::Address(bytes) => link.hardware_address = bytes,
                LinkAttribute::LinkInfo(parts) => {
                    link.is_bridge = parts.contains(&LinkInfo::Kind(InfoKind::Bridge));
                    link.is_wireguard = parts.contains(&LinkInfo::Kind(InfoKind::Wireguard));
                }
                _ => {}
            }
        }
        (!link.name.is_empty()).then_some(link)
    }
}

/// The address of `message` with its prefix length. `IFA_LOCAL` is the interface's own where both are present.
fn network_of(message: &AddressMessage) -> Option<IpNet> {
    let mut address: Option<IpAddr> = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(local) => address = Some(*local),
            AddressAttribute::Address(peer) => address = address.or(Some(*peer)),
            _ => {}
        }
    }
    let family_fits = matches!(
        (message.header.family, address),
        (AddressFamily::Inet, Some(IpAddr::V4(_))) | (AddressFamily::Inet6, Some(IpAddr::V6(_)))
    );
    if !family_fits {
        return None;
    }
    IpNet::new(address?, message.header.prefix_len).ok()
}

/// Writes `value` to the kernel setting `name`, given with slashes and below `/proc/sys/net`, such as `ipv4/ip_forward`.
///
/// # Errors
/// When there is no such setting or it may not be written.
pub fn set_kernel_setting(name: &str, value: &str) -> anyhow::Result<()> {
    let path = setting_path(name);
    // Reading first lets a daemon run where another hand set everything and `/proc/sys` is read-only.
    if fs::read_to_string(&path).is_ok_and(|present| present.trim_end() == value) {
        return Ok(());
    }
    fs::write(&path, value).with_context(|| format!("cannot set `{}` to {value}", path.display()))
}

/// As [`set_kernel_setting`], and nothing where this kernel or this network namespace does not have the setting.
///
/// # Errors
/// When the setting exists and may not be written.
pub fn set_kernel_setting_if_there(name: &str, value: &str) -> anyhow::Result<()> {
    if setting_path(name).exists() { set_kernel_setting(name, value) } else { Ok(()) }
}

/// How many bytes came in at the interface since it is there, for whomever; by proc(5), `/proc/net/dev`, which shows the
/// interfaces of this process's network namespace.
///
/// # Errors
/// When there is no such interface, or the kernel's table cannot be read.
pub fn received_bytes(interface: &str) -> io::Result<u64> {
    let table = fs::read_to_string("/proc/self/net/dev")?;
    received_in(&table, interface).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

fn received_in(table: &str, interface: &str) -> Option<u64> {
    table.lines().find_map(|line| {
        let (name, counters) = line.split_once(':')?;
        (name.trim() == interface).then(|| counters.split_whitespace().next()?.parse().ok())?
    })
}

fn setting_path(name: &str) -> PathBuf {
    PathBuf::from("/proc/sys/net").join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_is_read_from_the_kernels_own_table() {
        let table = "Inter-|   Receive                            |  Transmit\n face |bytes    packets errs\n    \
                     lo:     100       1    0\n  wan0:123456789 2 0 0\nwan01: 7 1\n";
        assert_eq!(received_in(table, "wan0"), Some(123_456_789));
        assert_eq!(received_in(table, "lo"), Some(100));
        assert_eq!(received_in(table, "wan"), None);
        assert!(received_bytes("lo").is_ok(), "every namespace has a loopback interface");
    }
}
