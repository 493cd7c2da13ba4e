//! Router advertisements that say where the portal's interface is (RFC 8910 section 2.3), which dnsmasq 2.90 cannot send.
//!
//! They come beside dnsmasq's, from the same address and with the same header, and carry this one option: a router may
//! split its options over several advertisements (RFC 4861 section 6.2.3). Only zones that ask for a sign-in have them.
//!
//! ```text
//! 134 | 0 | checksum (2) | hops (1) | flags (1) | router lifetime (2) | reachable (4) | retransmit (4)
//! 37 | length in units of 8 bytes | URI, then zeros up to a whole unit
//! ```

use std::{io, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    Settings,
    dnsmasq::{ADVERTISEMENT_INTERVAL_SECONDS, ROUTER_LIFETIME_SECONDS},
};
use crate::{model::SignIn, system::advertising::AdvertisingSocket};

/// Type of a router advertisement (RFC 4861 section 4.2), and of its captive-portal option (RFC 8910 section 2.3).
const ADVERTISEMENT: u8 = 134;
const CAPTIVE_PORTAL: u8 = 37;

/// "Other configuration" by DHCPv6 and a high preference (RFC 4191 section 2.2), as dnsmasq says.
const FLAGS: u8 = 0x40 | 0x08;

/// Bytes before the options, and of the unit that options are counted in.
const HEADER_BYTES: usize = 16;
const UNIT_BYTES: usize = 8;

/// The shortest time between two answers in one zone: a machine that asks without end gets few (RFC 4861 asks for three
/// seconds between those to all; these go to one machine each).
const ANSWER_INTERVAL: Duration = Duration::from_millis(20);

/// How long to wait for an interface that is not there, or is there no more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Says in every zone with sign-in where the portal's interface is.
#[derive(Debug)]
pub struct CaptiveAdvertiser {
    interfaces: Vec<Arc<str>>,
    message: Arc<[u8]>,
}

impl CaptiveAdvertiser {
    /// The advertiser for `settings`; nothing is sent before [`CaptiveAdvertiser::serve`].
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let message = settings.portal_api.as_deref().and_then(advertisement);
        let asks = settings.zones.iter().filter(|zone| zone.sign_in == SignIn::Required);
        let interfaces = match message {
            Some(_) => asks.map(|zone| Arc::clone(&zone.interface)).collect(),
            None => Vec::new(),
        };
        Self { interfaces, message: message.unwrap_or_default().into() }
    }

    /// Advertises until `stop`; an interface that refuses is tried again.
    ///
    /// # Errors
    /// Never: people sign in without it, and DHCP announces the same.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut zones = JoinSet::new();
        for interface in self.interfaces {
            let message = Arc::clone(&self.message);
            zones.spawn(async move {
                let mut told = false;
                loop {
                    let Err(cause) = advertise(&interface, &message).await;
                    if !told {
                        warn!(%cause, "cannot announce the portal in router advertisements; tried again");
                        told = true;
                    }
                    sleep(PATIENCE).await;
                }
            });
        }
        stop.cancelled().await;
        zones.shutdown().await;
        Ok(())
    }
}

/// Advertises on one interface until it refuses.
async fn advertise(interface: &str, message: &[u8]) -> io::Result<std::convert::Infallible> {
    let socket = AdvertisingSocket::open(interface)?;
    let interval = Duration::from_secs(u64::from(ADVERTISEMENT_INTERVAL_SECONDS));
    let mut next = Instant::now();
    loop {
        tokio::select! {
            () = sleep_until(next) => {
                socket.advertise(message, None).await?;
                next = Instant::now() + interval;
            }
            asked = socket.asked() => {
                socket.advertise(message, asked?).await?;
                sleep(ANSWER_INTERVAL).await;
            }
        }
    }
}

/// The message that announces `uri`; none where it is too long for the option.
fn advertisement(uri: &str) -> Option<Vec<u8>> {
    // Type and length stand before the text.
    let units = (2 + uri.len()).div_ceil(UNIT_BYTES);
    let length = u8::try_from(units).ok()?;
    let mut message = vec![ADVERTISEMENT, 0, 0, 0, 0, FLAGS];
    message.extend(ROUTER_LIFETIME_SECONDS.to_be_bytes());
    message.extend([0; 8]);
    message.extend([CAPTIVE_PORTAL, length]);
    message.extend(uri.as_bytes());
    message.resize(HEADER_BYTES + units * UNIT_BYTES, 0);
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advertisement_holds_the_address_and_ends_on_a_whole_unit() {
        for uri in ["https://a.fr/api", "https://portail.college.exemple/api/captive", ""] {
            let message = advertisement(uri).unwrap();
            let option = &message[HEADER_BYTES..];
            assert_eq!(option[0], 37);
            assert_eq!(usize::from(option[1]) * 8, option.len());
            assert_eq!(&option[2..2 + uri.len()], uri.as_bytes());
            assert!(option[2 + uri.len()..].iter().all(|byte| *byte == 0));
            assert!(option.len() - 2 - uri.len() < 8);
        }
    }

    #[test]
    fn an_address_too_long_for_the_option_is_not_announced() {
        assert!(advertisement(&"a".repeat(255 * 8 - 2)).is_some());
        assert!(advertisement(&"a".repeat(255 * 8 - 1)).is_none());
    }

    #[test]
    fn the_header_is_the_one_dnsmasq_sends() {
        // Hops are left to dnsmasq's; O and a high preference; half an hour.
        assert_eq!(advertisement("").unwrap()[..8], [134, 0, 0, 0, 0, 0x48, 0x07, 0x08]);
    }
}
