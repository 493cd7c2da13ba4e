//! The services that every box knows by name.

use std::sync::Arc;

use crate::model::{
    Ports, Service,
    Speech::{self, Smtp, Stun, Tls},
};

/// A service as it stands here: its ports, first and last, with what is spoken there.
struct Known {
    name: &'static str,
    ports: &'static [(Speech, u16, u16)],
    sites: &'static [&'static str],
}

const KNOWN: [Known; 4] = [
    // IMAP, POP3 and submission with TLS (RFC 8314), submission with STARTTLS (RFC 6409).
    Known {
        name: "mail",
        ports: &[(Tls, 993, 993), (Tls, 995, 995), (Tls, 465, 465), (Smtp, 587, 587)],
        sites: &[],
    },
    // STUN and TURN (RFC 8489, RFC 8656) with Teams' 3478 to 3481, Meet, Jitsi; TURN over TLS.
    Known {
        name: "visio",
        ports: &[(Stun, 3478, 3481), (Stun, 10_000, 10_000), (Stun, 19_302, 19_309), (Tls, 5349, 5349)],
        sites: &[],
    },
    // The media of BigBlueButton, of which apps.education.fr and CNED are made.
    Known { name: "classe-virtuelle", ports: &[(Stun, 16_384, 32_768)], sites: &[] },
    // What wakes telephones and tablets: Apple's and Google's push services, over TLS of their own ports.
    Known {
        name: "notifications",
        ports: &[(Tls, 5223, 5223), (Tls, 5228, 5230)],
        sites: &[
            "push.apple.com",
            "mtalk.google.com",
            "mtalk4.google.com",
            "alt1-mtalk.google.com",
            "alt2-mtalk.google.com",
            "alt3-mtalk.google.com",
            "alt4-mtalk.google.com",
            "alt5-mtalk.google.com",
            "alt6-mtalk.google.com",
            "alt7-mtalk.google.com",
            "alt8-mtalk.google.com",
        ],
    },
];

/// Every service that needs no table of its own.
pub(super) fn services() -> impl Iterator<Item = Service> {
    KNOWN.iter().map(|known| Service {
        name: Arc::from(known.name),
        ports: known
            .ports
            .iter()
            .map(|&(speech, first, last)| Ports {
                transport: speech.transport(),
                first,
                last,
                speaks: Some(speech),
            })
            .collect(),
        // What is no name would open the service nowhere; the test below holds that every one is.
        sites: known.sites.iter().filter_map(|site| site.parse().ok()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_service_is_as_strict_as_one_that_is_written() {
        for (service, known) in services().zip(&KNOWN) {
            assert_eq!(service.sites.len(), known.sites.len(), "{}", known.name);
            for ports in &service.ports {
                assert_eq!(ports.speaks.unwrap().transport(), ports.transport, "{ports} of {}", known.name);
                assert_eq!(super::super::services::kept_for(ports), None, "{ports} of {}", known.name);
            }
        }
    }
}
