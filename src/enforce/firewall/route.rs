//! The routing half of TPROXY: packets with the proxy's mark are delivered on the box, whatever their destination.
//!
//! One rule and one route in each family, as `ip` would say it: `rule add priority 100 fwmark 0x1 lookup 100` and
//! `route add local default dev lo table 100`. The rule carries the protocol `kernel`, because systemd-networkd deletes
//! the rules of others when it restarts, which would silently close the web.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::{Context as _, anyhow};
use futures_util::TryStreamExt as _;
use rtnetlink::{
    Error, Handle, IpVersion, RouteMessageBuilder, new_connection,
    packet_route::{
        AddressFamily,
        route::{RouteMessage, RouteProtocol, RouteScope, RouteType},
        rule::{RuleAction, RuleAttribute, RuleMessage},
    },
};

use super::PROXY_MARK;

/// The routing table with the local route, and the priority of the rule that leads to it (before `main`, 32766).
const TABLE: u8 = 100;
const PRIORITY: u32 = 100;

/// The loopback interface's index, the same in every network namespace.
const LOOPBACK: u32 = 1;

/// Delivers marked packets to the box itself. Done twice it changes nothing.
///
/// # Errors
/// When the kernel refuses, for example without `CAP_NET_ADMIN` or with `lo` down.
pub async fn route_to_proxy() -> anyhow::Result<()> {
    with_kernel(async |kernel| {
        for rule in rules() {
            if matching_rules(&kernel, &rule).await?.is_empty() {
                let mut request = kernel.rule().add();
                *request.message_mut() = rule;
                request.execute().await.context("cannot add the rule for marked packets")?;
            }
        }
        for route in routes() {
            let request = kernel.route().add(route).replace();
            request.execute().await.context("cannot add the local route for marked packets")?;
        }
        Ok(())
    })
    .await
}

/// Takes back what [`route_to_proxy`] did; what is not there is no error. Goes on after a failure and reports the first.
///
/// # Errors
/// When the kernel refuses.
pub async fn undo_route_to_proxy() -> anyhow::Result<()> {
    with_kernel(async |kernel| {
        let mut outcome = Ok(());
        for rule in rules() {
            for standing in matching_rules(&kernel, &rule).await? {
                let deleted = kernel.rule().del(standing).execute().await;
                outcome = outcome.and(deleted.context("cannot delete the rule for marked packets"));
            }
        }
        for route in routes() {
            let deleted = match kernel.route().del(route).execute().await {
                Err(Error::NetlinkError(refusal)) if refusal.raw_code() == -NO_SUCH_ROUTE => Ok(()),
                other => other,
            };
            outcome = outcome.and(deleted.context("cannot delete the local route for marked packets"));
        }
        outcome
    })
    .await
}

/// `ESRCH`, the kernel's answer when a route is not there.
const NO_SUCH_ROUTE: i32 = 3;

/// Runs `act` beside the connection that carries its messages.
async fn with_kernel(act: impl AsyncFnOnce(Handle) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (connection, kernel, _) = new_connection().context("cannot open a routing socket")?;
    tokio::select! {
        outcome = act(kernel) => outcome,
        () = connection => Err(anyhow!("the routing socket closed")),
    }
}

fn rules() -> [RuleMessage; 2] {
    [AddressFamily::Inet, AddressFamily::Inet6].map(|family| {
        let mut rule = RuleMessage::default();
        rule.header.family = family;
        rule.header.table = TABLE;
        rule.header.action = RuleAction::ToTable;
        rule.attributes = vec![
            RuleAttribute::Priority(PRIORITY),
            RuleAttribute::FwMark(PROXY_MARK),
            RuleAttribute::Protocol(RouteProtocol::Kernel),
        ];
        rule
    })
}

/// The rules in the kernel that do what `rule` does; asked for first, because old kernels add a rule twice.
async fn matching_rules(kernel: &Handle, rule: &RuleMessage) -> anyhow::Result<Vec<RuleMessage>> {
    let version = if rule.header.family == AddressFamily::Inet6 { IpVersion::V6 } else { IpVersion::V4 };
    let standing: Vec<RuleMessage> =
        kernel.rule().get(version).execute().try_collect().await.context("cannot list the routing rules")?;
    let same = |other: &RuleMessage| {
        other.header.table == rule.header.table
            && rule.attributes.iter().all(|attribute| other.attributes.contains(attribute))
    };
    Ok(standing.into_iter().filter(same).collect())
}

fn routes() -> [RouteMessage; 2] {
    [
        RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(Ipv4Addr::UNSPECIFIED, 0)
            .output_interface(LOOPBACK)
            .table_id(u32::from(TABLE))
            .kind(RouteType::Local)
            .scope(RouteScope::Host)
            .build(),
        RouteMessageBuilder::<Ipv6Addr>::new()
            .destination_prefix(Ipv6Addr::UNSPECIFIED, 0)
            .output_interface(LOOPBACK)
            .table_id(u32::from(TABLE))
            .kind(RouteType::Local)
            .build(),
    ]
}
