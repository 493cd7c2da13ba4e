//! Who is led into the tunnel: packets of the offices and of the box's own address inside, where they go to the académie.
//!
//! As `ip` would say it, for each network of an office and each address of the box inside: `rule add priority 110 from
//! NETWORK lookup 101`; and in table 101, for each network of the académie: `route add NETWORK dev academie0` and, behind it
//! for when the interface is away, `route add unreachable NETWORK metric 4096`. What is not for the académie finds nothing
//! there and goes on to the other tables. The rules carry the protocol `kernel`, as those of the proxy do: systemd-networkd
//! deletes the rules of others.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::{Context as _, anyhow};
use futures_util::TryStreamExt as _;
use ipnet::IpNet;
use rtnetlink::{
    Handle, IpVersion, RouteMessageBuilder, new_connection,
    packet_route::{
        AddressFamily,
        route::{RouteAttribute, RouteMessage, RouteMetric, RouteProtocol, RouteScope, RouteType},
        rule::{RuleAction, RuleAttribute, RuleMessage},
    },
};

use super::settings::Settings;
use crate::system::links::Link;

/// The tunnel's routing table, and the priority of the rules that lead to it: behind the proxy's, before `main`.
const TABLE: u8 = 101;
const PRIORITY: u32 = 110;

/// The number of the size of packets among the metrics of a route (linux/rtnetlink.h).
const RTAX_MTU: u32 = 2;

/// The metric of the routes that lead nowhere.
const NOWHERE_METRIC: u32 = 4096;

/// Leads the offices and the box's own address into the tunnel, and nobody else who was led there before. Without a `link`
/// they are led nowhere. Packets on the way in have `mtu` bytes at most.
///
/// # Errors
/// When the kernel refuses, for example without `CAP_NET_ADMIN`.
pub(super) async fn set(settings: &Settings, link: Option<&Link>, mtu: u16) -> anyhow::Result<()> {
    with_kernel(async |kernel| {
        for network in settings.networks() {
            let request = kernel.route().add(nowhere(network)).replace();
            request.execute().await.context("cannot add the route that leads nowhere")?;
            if let Some(link) = link {
                let request = kernel.route().add(inside(network, link.index, mtu)).replace();
                request.execute().await.context("cannot add the route into the tunnel")?;
            }
        }
        let wanted: Vec<_> = settings.offices.iter().chain(&settings.addresses).map(rule).collect();
        let standing = standing_rules(&kernel).await?;
        let same = |one: &RuleMessage, other: &RuleMessage| {
            one.header.family == other.header.family
                && one.header.src_len == other.header.src_len
                && one.attributes.iter().all(|attribute| other.attributes.contains(attribute))
        };
        for rule in &wanted {
            if !standing.iter().any(|other| same(rule, other)) {
                let mut request = kernel.rule().add();
                *request.message_mut() = rule.clone();
                request.execute().await.context("cannot add the rule that leads into the tunnel")?;
            }
        }
        for other in standing {
            if !wanted.iter().any(|rule| same(rule, &other)) {
                let deleted = kernel.rule().del(other).execute().await;
                deleted.context("cannot delete a rule that led into the tunnel")?;
            }
        }
        Ok(())
    })
    .await
}

/// Takes back everything that leads into the tunnel.
///
/// # Errors
/// When the kernel refuses.
pub async fn remove() -> anyhow::Result<()> {
    with_kernel(async |kernel| {
        for rule in standing_rules(&kernel).await? {
            let deleted = kernel.rule().del(rule).execute().await;
            deleted.context("cannot delete a rule that led into the tunnel")?;
        }
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut asked = RouteMessage::default();
            asked.header.address_family = family;
            let all: Vec<RouteMessage> =
                kernel.route().get(asked).execute().try_collect().await.context("cannot list the routes")?;
            for route in all.into_iter().filter(|route| route.header.table == TABLE) {
                let deleted = kernel.route().del(route).execute().await;
                deleted.context("cannot delete a route of the tunnel")?;
            }
        }
        Ok(())
    })
    .await
}

/// Runs `act` beside the connection that carries its messages.
async fn with_kernel(act: impl AsyncFnOnce(Handle) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (connection, kernel, _) = new_connection().context("cannot open a routing socket")?;
    tokio::select! {
        outcome = act(kernel) => outcome,
        () = connection => Err(anyhow!("the routing socket closed")),
    }
}

async fn standing_rules(kernel: &Handle) -> anyhow::Result<Vec<RuleMessage>> {
    let mut found = Vec::new();
    for version in [IpVersion::V4, IpVersion::V6] {
        let all: Vec<RuleMessage> = kernel
            .rule()
            .get(version)
            .execute()
            .try_collect()
            .await
            .context("cannot list the routing rules")?;
        found.extend(all.into_iter().filter(|rule| rule.header.table == TABLE));
    }
    Ok(found)
}

fn rule(from: &IpNet) -> RuleMessage {
    let mut rule = RuleMessage::default();
    rule.header.family = if from.addr().is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    rule.header.table = TABLE;
    rule.header.src_len = from.prefix_len();
    rule.header.action = RuleAction::ToTable;
    rule.attributes = vec![
        RuleAttribute::Priority(PRIORITY),
        RuleAttribute::Source(from.addr()),
        RuleAttribute::Protocol(RouteProtocol::Kernel),
    ];
    rule
}

fn inside(network: IpNet, index: u32, mtu: u16) -> RouteMessage {
    let mut route = to(network);
    route.header.kind = RouteType::Unicast;
    if network.addr().is_ipv4() {
        // There is no router in between.
        route.header.scope = RouteScope::Link;
    }
    route.attributes.push(RouteAttribute::Oif(index));
    // Locked: only so does it bind what is forwarded, too.
    let metrics = vec![RouteMetric::Lock(1 << RTAX_MTU), RouteMetric::Mtu(u32::from(mtu))];
    route.attributes.push(RouteAttribute::Metrics(metrics));
    route
}

fn nowhere(network: IpNet) -> RouteMessage {
    let mut route = to(network);
    route.header.kind = RouteType::Unreachable;
    route.attributes.push(RouteAttribute::Priority(NOWHERE_METRIC));
    route
}

fn to(network: IpNet) -> RouteMessage {
    let table = u32::from(TABLE);
    match network {
        IpNet::V4(network) => RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(network.network(), network.prefix_len())
            .table_id(table)
            .build(),
        IpNet::V6(network) => RouteMessageBuilder::<Ipv6Addr>::new()
            .destination_prefix(network.network(), network.prefix_len())
            .table_id(table)
            .build(),
    }
}
