//! The leases that dnsmasq gave: which machine was given which address, and until when.
//!
//! dnsmasq keeps them in a text file, one lease a line, five fields separated by a space:
//!
//! | field | DHCPv4 | DHCPv6 |
//! |---|---|---|
//! | 1 | end, in seconds since 1970, `0` for never | the same |
//! | 2 | hardware address `02:00:5e:10:00:01`, with its type in front (`06-…`) unless Ethernet | IAID, with `T` in front when temporary |
//! | 3 | IPv4 address | IPv6 address |
//! | 4 | host name or `*` | the same |
//! | 5 | client identifier in hexadecimal, or `*` | DUID in hexadecimal, or `*` |
//!
//! A line `duid …` holds the server's own DUID. A line without its line end was cut by a power failure and is not
//! believed, for a cut address may look like another one.

use std::{collections::BTreeMap, net::IpAddr};

use thiserror::Error;

use crate::model::{Mac, Moment};

/// What is read of a lease file at most, and what each bound stops.
pub(super) struct Limits;

impl Limits {
    /// Bytes of the file: a file grown wild is not read into memory.
    pub(super) const FILE_BYTES: usize = 1 << 20;
    /// Bytes of a line: a DUID of 128 bytes and a name of 255 fit.
    const LINE_BYTES: usize = 1024;
    /// Leases: twice what dnsmasq is allowed to give.
    const LEASES: usize = 4096;
    /// Damages told: a file of garbage is one story, not ten thousand.
    const DAMAGES: usize = 100;
}

/// One lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The address that was given.
    pub address: IpAddr,
    /// Who it was given to.
    pub holder: Holder,
    /// What the machine calls itself: at most 255 bytes, and anything it likes. Never logged.
    pub host_name: Option<String>,
    /// When it ends; `None` for never.
    pub ends_at: Option<Moment>,
}

/// Who holds a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A machine with an Ethernet address (DHCPv4).
    Machine(Mac),
    /// A client known by its DUID (DHCPv6) or, on other than Ethernet, its client identifier; in hexadecimal, as
    /// dnsmasq writes it, at most 764 bytes.
    Client(String),
}

/// All leases at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leases(BTreeMap<IpAddr, Lease>);

/// A line that is not a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a line of a lease file.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// The file ends before the line does.
    #[error("the line is cut")]
    Cut,
    /// More bytes than a lease can have.
    #[error("the line is too long")]
    TooLong,
    /// Bytes that are not printable text, such as the zeros a power failure leaves.
    #[error("the line is not text")]
    NotText,
    /// Not five fields, or one of them is not what it should be.
    #[error("the line is not a lease")]
    NotALease,
    /// The file has more leases than are remembered.
    #[error("there are too many leases")]
    TooMany,
}

impl Leases {
    /// Reads a lease file. A line that is no lease is left out and told, at most a hundred of them; all others count.
    #[must_use]
    pub fn parse(file: &[u8]) -> (Self, Vec<Damage>) {
        let mut leases = BTreeMap::new();
        let mut damages = Vec::new();
        for (line, content) in lines(file) {
            let fault = match content {
                Ok(Some(_)) if leases.len() >= Limits::LEASES => Fault::TooMany,
                Ok(Some(lease)) => {
                    leases.insert(lease.address, lease);
                    continue;
                }
                Ok(None) => continue,
                Err(fault) => fault,
            };
            if damages.len() < Limits::DAMAGES {
                damages.push(Damage { line, fault });
            }
        }
        (Self(leases), damages)
    }

    /// The lease of `address`.
    #[must_use]
    pub fn get(&self, address: IpAddr) -> Option<&Lease> {
        self.0.get(&address)
    }

    /// The machine that was given `address`, where it has an Ethernet address.
    #[must_use]
    pub fn machine_at(&self, address: IpAddr) -> Option<Mac> {
        match self.get(address)?.holder {
            Holder::Machine(mac) => Some(mac),
            Holder::Client(_) => None,
        }
    }

    /// All leases, by address.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.0.values()
    }

    /// How many leases there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a damaged lease file should be instead: its own good lines, and those of the last good copy `kept` for addresses
/// it lost. `None` where the file is whole.
pub(super) fn mended(file: &[u8], kept: &[u8]) -> Option<Vec<u8>> {
    let (leases, damages) = Leases::parse(file);
    if damages.is_empty() && !file.is_empty() {
        return None;
    }
    let mut good = Vec::new();
    let mut has_duid = false;
    for (source, is_kept) in [(file, false), (kept, true)] {
        for (raw, (_, content)) in source.split_inclusive(|byte| *byte == b'\n').zip(lines(source)) {
            let wanted = match content {
                Ok(Some(lease)) => !is_kept || leases.get(lease.address).is_none(),
                Ok(None) => !std::mem::replace(&mut has_duid, true),
                Err(_) => false,
            };
            if wanted {
                good.extend_from_slice(raw);
            }
        }
    }
    (good != file).then_some(good)
}

/// The lines of `file` with their numbers; `Ok(None)` is the server's own DUID.
fn lines(file: &[u8]) -> impl Iterator<Item = (usize, Result<Option<Lease>, Fault>)> {
    file.split_inclusive(|byte| *byte == b'\n').zip(1..).map(|(line, number)| (number, read_line(line)))
}

fn read_line(line: &[u8]) -> Result<Option<Lease>, Fault> {
    let line = line.strip_suffix(b"\n").ok_or(Fault::Cut)?;
    if line.len() > Limits::LINE_BYTES {
        return Err(Fault::TooLong);
    }
    let line = std::str::from_utf8(line).map_err(|_| Fault::NotText)?;
    if line.chars().any(char::is_control) {
        return Err(Fault::NotText);
    }
    if line.strip_prefix("duid ").is_some_and(is_hexadecimal) {
        return Ok(None);
    }
    read_lease(line).map(Some).ok_or(Fault::NotALease)
}

fn read_lease(line: &str) -> Option<Lease> {
    let mut fields = line.split(' ');
    let [end, holder, address, name, client] = std::array::from_fn(|_| fields.next());
    if fields.next().is_some() {
        return None;
    }
    let (client, name, holder) = (client?, name?, holder?);
    let end: u32 = end?.parse().ok()?;
    let address: IpAddr = address?.parse().ok()?;
    if client != "*" && !is_hexadecimal(client) || name.is_empty() {
        return None;
    }
    let holder = match address {
        IpAddr::V4(_) => match holder.split_once('-') {
            None => Holder::Machine(holder.parse().ok()?),
            Some((kind, other)) if is_hexadecimal(kind) && (other.is_empty() || is_hexadecimal(other)) => {
                Holder::Client(client.to_owned())
            }
            Some(_) => return None,
        },
        IpAddr::V6(_) => {
            let _: u32 = holder.strip_prefix('T').unwrap_or(holder).parse().ok()?;
            Holder::Client(client.to_owned())
        }
    };
    Some(Lease {
        address,
        holder,
        host_name: (name != "*").then(|| name.to_owned()),
        ends_at: (end != 0).then(|| Moment::from_unix_seconds(i64::from(end))),
    })
}

/// Whether `text` is pairs of hexadecimal digits joined by colons.
fn is_hexadecimal(text: &str) -> bool {
    text.split(':').all(|pair| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As dnsmasq 2.90 writes it.
    const FILE: &str = "\
1795319915 ca:e6:f8:c5:bb:94 10.10.2.87 tablette 01:ca:e6:f8:c5:bb:94
1795319916 02:00:5e:10:00:01 10.10.2.88 * *
0 02:00:5e:10:00:02 10.10.2.89 TBI-12 ff:00:00:00:01:00:01
1795319917 06-00:11:22:33:44:55:66:77 10.10.2.90 * 01:02:03
duid 00:01:00:01:32:94:ec:a8:be:be:33:8c:df:58
1795319918 16842753 fd00:10::5a * 00:01:00:01:2a:2b:2c:2d:02:00:5e:10:00:01
1795319919 T16842754 fd00:10::5b portable 00:03:00:01:02:00:5e:10:00:01
";

    #[test]
    fn a_file_of_dnsmasq_is_read() {
        let (leases, damages) = Leases::parse(FILE.as_bytes());
        assert_eq!(damages, []);
        assert_eq!(leases.len(), 6);
        let lease = leases.get("10.10.2.87".parse().unwrap()).unwrap();
        assert_eq!(lease.holder, Holder::Machine("ca:e6:f8:c5:bb:94".parse().unwrap()));
        assert_eq!(lease.host_name.as_deref(), Some("tablette"));
        assert_eq!(lease.ends_at, Some(Moment::from_unix_seconds(1_795_319_915)));
        assert_eq!(leases.get("10.10.2.89".parse().unwrap()).unwrap().ends_at, None);
        assert_eq!(leases.machine_at("10.10.2.90".parse().unwrap()), None);
        let holder = &leases.get("fd00:10::5b".parse().unwrap()).unwrap().holder;
        assert_eq!(*holder, Holder::Client("00:03:00:01:02:00:5e:10:00:01".to_owned()));
    }

    #[test]
    fn a_file_cut_anywhere_loses_only_the_cut_line() {
        let (whole, _) = Leases::parse(FILE.as_bytes());
        for length in 0..FILE.len() {
            let prefix = &FILE.as_bytes()[..length];
            let (leases, damages) = Leases::parse(prefix);
            assert!(leases.iter().all(|lease| whole.get(lease.address) == Some(lease)), "{length}");
            let whole_lines = FILE[..length].matches('\n').count();
            let duid_lines = usize::from(whole_lines > 4);
            assert_eq!(leases.len(), whole_lines - duid_lines, "{length}");
            assert_eq!(
                damages.len(),
                usize::from(!prefix.is_empty() && !prefix.ends_with(b"\n")),
                "{length}"
            );
        }
    }

    #[test]
    fn a_bad_line_is_told_with_its_number_and_the_others_count() {
        let check = |line: &[u8], fault| {
            let file = [b"1 02:00:5e:10:00:01 10.0.0.1 * *\n", line, b"\n1 02:00:5e:10:00:02 10.0.0.2 * *\n"];
            let (leases, damages) = Leases::parse(&file.concat());
            assert_eq!(damages, [Damage { line: 2, fault }], "{}", String::from_utf8_lossy(line));
            assert_eq!(leases.len(), 2);
        };
        check(b"", Fault::NotALease);
        check(&[0; 40], Fault::NotText);
        check(b"\xff\xfe", Fault::NotText);
        check(&[b'1'; 1025], Fault::TooLong);
        check(b"1 02:00:5e:10:00:01 10.0.0.3 *", Fault::NotALease);
        check(b"1 02:00:5e:10:00:01 10.0.0.3 * * *", Fault::NotALease);
        check(b"1 02:00:5e:10:00:01 10.0.0.300 * *", Fault::NotALease);
        check(b"-1 02:00:5e:10:00:01 10.0.0.3 * *", Fault::NotALease);
        check(b"1 02:00:5e:10:00 10.0.0.3 * *", Fault::NotALease);
        check(b"1 02:00:5e:10:00:01 fd00::3 * *", Fault::NotALease);
        check(b"1 02:00:5e:10:00:01 10.0.0.3 * x", Fault::NotALease);
    }

    #[test]
    fn leases_beyond_the_bound_are_left_out() {
        let file: String =
            (0..5000).map(|n| format!("1 02:00:5e:10:00:01 10.0.{}.{} * *\n", n / 250, n % 250)).collect();
        let (leases, damages) = Leases::parse(file.as_bytes());
        assert_eq!((leases.len(), damages.len()), (Limits::LEASES, Limits::DAMAGES));
        assert_eq!(damages[0].fault, Fault::TooMany);
    }

    #[test]
    fn a_whole_file_needs_no_mending_and_a_cut_one_gets_its_lost_lines_from_the_copy() {
        assert_eq!(mended(FILE.as_bytes(), b""), None);
        assert_eq!(mended(b"", b""), None);
        assert_eq!(mended(b"", FILE.as_bytes()).as_deref(), Some(FILE.as_bytes()));
        for length in 1..FILE.len() {
            let Some(mended) = mended(&FILE.as_bytes()[..length], FILE.as_bytes()) else {
                assert!(FILE[..length].ends_with('\n'));
                continue;
            };
            let (leases, damages) = Leases::parse(&mended);
            assert_eq!((leases, damages), Leases::parse(FILE.as_bytes()), "{length}");
        }
    }

    proptest! {
        #[test]
        fn garbage_between_good_lines_costs_none_of_them(garbage in prop::collection::vec(any::<u8>(), 0..200)) {
            let good = FILE.as_bytes();
            let (whole, _) = Leases::parse(good);
            let file = [good, b"0 \x00", &garbage, b"\n", good].concat();
            let (leases, damages) = Leases::parse(&file);
            prop_assert!(!damages.is_empty());
            prop_assert!(whole.iter().all(|lease| leases.get(lease.address) == Some(lease)));
            prop_assert!(mended(&file, good).is_some());
        }
    }
}
