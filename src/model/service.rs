//! Traffic other than the web that a zone opens (decision D3), under a name that people know.

use std::{fmt, str::FromStr, sync::Arc};

use super::{Domain, Site};

/// A transport protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// What is spoken on a port, as far as its first bytes show. Whatever begins otherwise is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speech {
    /// TLS from the first byte, with the name of the site in its hello.
    Tls,
    /// SSH (RFC 4253 section 4.2).
    Ssh,
    /// SMTP, where the server greets first (RFC 5321 section 3.1).
    Smtp,
    /// IMAP, where the server greets first (RFC 9051 section 7.1).
    Imap,
    /// POP3, where the server greets first (RFC 1939 section 4).
    Pop,
    /// STUN, and behind it what shares a port with it: TURN, DTLS, RTP (RFC 7983).
    Stun,
}

impl Speech {
    /// Every one.
    pub const ALL: [Self; 6] = [Self::Tls, Self::Ssh, Self::Smtp, Self::Imap, Self::Pop, Self::Stun];

    /// The word of configuration files: `tls`, `ssh`, `smtp`, `imap`, `pop`, `stun`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Ssh => "ssh",
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop => "pop",
            Self::Stun => "stun",
        }
    }

    /// The transport it is spoken over.
    #[must_use]
    pub const fn transport(self) -> Transport {
        match self {
            Self::Tls | Self::Ssh | Self::Smtp | Self::Imap | Self::Pop => Transport::Tcp,
            Self::Stun => Transport::Udp,
        }
    }
}

/// Ports that follow each other, with what is spoken there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The transport.
    pub transport: Transport,
    /// The first port.
    pub first: u16,
    /// The last port, not below the first.
    pub last: u16,
    /// What must be spoken there; none lets through what begins like no tunnel that is known.
    pub speaks: Option<Speech>,
}

/// A text that is no range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortsError;

impl Ports {
    /// Whether `port` is one of them.
    #[must_use]
    pub fn contains(&self, transport: Transport, port: u16) -> bool {
        self.transport == transport && (self.first..=self.last).contains(&port)
    }

    /// Whether the two have a port in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.transport == other.transport && self.first <= other.last && other.first <= self.last
    }
}

/// As configuration files write them, without what is spoken: `tcp/993`, `udp/3478-3481`.
impl FromStr for Ports {
    type Err = PortsError;

    fn from_str(text: &str) -> Result<Self, PortsError> {
        let (transport, numbers) = text.split_once('/').ok_or(PortsError)?;
        let transport = match transport {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return Err(PortsError),
        };
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let number = |text: &str| text.parse().ok().filter(|port: &u16| *port != 0).ok_or(PortsError);
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(PortsError);
        }
        Ok(Self { transport, first, last, speaks: None })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { transport, first, last, .. } = self;
        if first == last { write!(f, "{transport}/{first}") } else { write!(f, "{transport}/{first}-{last}") }
    }
}

/// A service that zones may open, towards addresses our resolver gave to the asker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in configuration files; of a bare port the port, such as `tcp/5222`.
    pub name: Arc<str>,
    /// Its ports, at least one; never those of the web, of DNS, of DNS over TLS and of the time, which are the box's own.
    pub ports: Vec<Ports>,
    /// The sites it is open at, with everything below them; none means any site the rules allow.
    pub sites: Vec<Domain>,
}

impl Service {
    /// The service that is nothing but these ports, at any site.
    #[must_use]
    pub fn of_ports(ports: Ports) -> Self {
        Self { name: Arc::from(ports.to_string()), ports: vec![ports], sites: Vec::new() }
    }

    /// Whether it is open at `site`, should the rules allow that.
    #[must_use]
    pub fn is_open_at(&self, site: &Site) -> bool {
        self.sites.is_empty()
            || match site {
                Site::Name(name) => self.sites.iter().any(|parent| name.is_within(parent)),
                Site::Address(_) => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_written_as_they_are_read() {
        for text in ["tcp/993", "udp/3478-3481", "udp/1-65535"] {
            assert_eq!(text.parse::<Ports>().unwrap().to_string(), text);
        }
        assert_eq!("udp/7-7".parse::<Ports>().unwrap().to_string(), "udp/7");
        for text in
            ["", "993", "tcp/", "tcp/0", "tcp/65536", "tcp/9-8", "tcp/-8", "tcp/8-", "sctp/8", "tcp/ 8"]
        {
            assert_eq!(text.parse::<Ports>(), Err(PortsError), "{text}");
        }
    }

    #[test]
    fn ranges_overlap_where_they_share_a_port_of_one_transport() {
        let check = |one: &str, other: &str, expected| {
            let [one, other]: [Ports; 2] = [one, other].map(|text| text.parse().unwrap());
            assert_eq!((one.overlaps(&other), other.overlaps(&one)), (expected, expected), "{one} {other}");
        };
        check("tcp/10-20", "tcp/20-30", true);
        check("tcp/10-30", "tcp/15", true);
        check("tcp/10-20", "tcp/21-30", false);
        check("tcp/10-20", "udp/10-20", false);
    }

    #[test]
    fn a_service_of_some_sites_is_open_below_them_and_at_no_bare_address() {
        let mut service = Service::of_ports("tcp/2222".parse().unwrap());
        let open_at = |service: &Service, site: &str| service.is_open_at(&site.parse().unwrap());
        assert!(open_at(&service, "exemple.fr") && open_at(&service, "192.0.2.1"));
        service.sites.push("exemple.fr".parse().unwrap());
        assert!(open_at(&service, "exemple.fr") && open_at(&service, "ssh.exemple.fr"));
        assert!(!open_at(&service, "autre-exemple.fr") && !open_at(&service, "192.0.2.1"));
    }
}
