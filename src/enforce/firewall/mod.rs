//! The packet filter: the standing part of the rules as one nftables ruleset. The table `inet preau` is closed in both
//! families; `bridge preau` drops what machines of one network may not tell each other (`rules/between.rs`).
//!
//! ```text
//! from a zone ─> check_source ─> to_proxy ─┬─ web, services with TLS ──────────> the proxy, by TPROXY
//!                (spoofed: drop)           ├─ QUIC (udp 443), where filtered ──> its filter, by TPROXY
//!                                          ├─ dns, time (53, 123) ─ to_resolver ─> the box's address in the zone, by dnat;
//!                                          │                        questions to the box itself: untracked
//!                                          ├─ to the box ─ to_box ─ from_ZONE ─> dns, time, portal, dhcp; else refused
//!                                          └─ elsewhere ─ through_box ─┬─ another zone, 853, QUIC ─> refused at once
//!                                                                      └─ services_ZONE ─ speaks_… ─ opened_service
//! ```
//!
//! A flow through the box (decision D3) needs four things: a service that its zone opens, first bytes that belong to
//! that service, its address family in the set `alive`, and an element of `opened4/6` with client, destination and the
//! mark of the service's group: our resolver gave that address to that client for a name the service is open at. Once
//! begun the same key stands in `held4/6`, which the flow's own packets refresh; it then lives without the two sets
//! before, until the key is deleted. Answers from the line pass only while it is held, so deleting it cuts both
//! directions at once, whatever connection tracking remembers.
//!
//! The académie's networks (`rules/academie.rs`) are such a service too, whose way out is the tunnel: no other zone, and
//! nothing of the box but what speaks from its address inside, has a way there in any state.
//!
//! **One ruleset for booting and running.** There is no second, closed ruleset to keep in step: [`Ruleset::load_closed`]
//! makes the table anew with every set empty, so nothing can be forwarded before the [`Heartbeat`] puts `alive`; and
//! the web, DNS and the portal end in sockets of the daemon, which are not there yet: TPROXY without a listener drops.
//! The same holds when the daemon dies: its sockets go with it at once, `alive` ends by itself 3 s later.
//! [`Ruleset::apply`] changes a running ruleset and leaves the sets' elements alone.

mod group;
mod heartbeat;
mod memory;
mod opened;
mod route;
mod rules;
mod ruleset;

pub use heartbeat::Heartbeat;
pub use opened::{Opened, Opener};
pub use route::{route_to_proxy, undo_route_to_proxy};
pub use rules::{Settings, Tunnel, ruleset};
pub use ruleset::Ruleset;

/// The table of what reaches the box or passes through it, with its family.
const TABLE: &str = "inet preau";

/// The table of what passes from one port of a bridge to another, with its family.
const BRIDGE_TABLE: &str = "bridge preau";

/// The name alone of the first table, as netlink wants it.
const TABLE_NAME: &str = "preau";

/// The mark of packets that go to the proxy; routing sends them to the box itself.
const PROXY_MARK: u32 = 0x1;
