//! Where the network is held to the rules: the gate, the resolver, the proxy, the packet filter, the clock.

pub mod dns;
pub mod ent;
pub mod firewall;
pub mod gate;
pub mod ntp;
pub mod origins;
pub mod places;
pub mod probes;
pub mod proxy;
pub mod quic;
pub mod sign_in;
pub mod web_client;
