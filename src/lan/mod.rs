//! The zones of the school: interfaces and addresses raised in the kernel, DHCP and router advertisements by dnsmasq,
//! leases followed live.
//!
//! [`raise`] makes the kernel what [`Settings`] say, then [`Dhcp`] runs dnsmasq for as long as the daemon lives and tells
//! of each change in the [`Leases`]; beside it [`CaptiveAdvertiser`] says in router advertisements where the portal's
//! interface is, which dnsmasq cannot. dnsmasq answers in the zones only, never on the line.

mod captive;
mod dhcp;
mod dnsmasq;
mod leases;
mod raise;
mod settings;

pub use captive::CaptiveAdvertiser;
pub use dhcp::Dhcp;
pub use dnsmasq::dnsmasq_conf;
pub use leases::{Damage, Holder, Lease, Leases};
pub use raise::raise;
pub use settings::{Bridge, Settings};
