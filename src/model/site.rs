//! What people ask for: a site by its name, or by a bare address.

use std::{borrow::Borrow, fmt, net::IpAddr, str::FromStr, sync::Arc};

use thiserror::Error;

/// A host name in the form all comparisons use: lower-case ASCII (internationalised names in their `xn--` form), no
/// trailing dot, one to 127 labels of 1 to 63 bytes, 253 bytes in all (RFC 1035 section 2.3.4), never an IP address.
///
/// Labels may hold letters, digits, `-` and `_`. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Arc<str>);

/// Why a text is not a [`Domain`].
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum DomainError {
    /// Nothing, or only a dot.
    #[error("the name is empty")]
    Empty,
    /// More than 253 bytes, or a label of more than 63.
    #[error("the name or one of its labels is too long")]
    TooLong,
    /// Two dots in a row, or one in front.
    #[error("the name has an empty label")]
    EmptyLabel,
    /// A byte other than a letter, a digit, `-`, `_` or `.`.
    #[error("the name has a character that no host name has (write accented names in their xn-- form)")]
    Character,
    /// An IPv4 address, or a last label of digits only, which browsers read as one.
    #[error("the name is an IP address")]
    Address,
}

impl Domain {
    /// The longest a domain can be, in bytes.
    pub const BYTES_MAX: usize = 253;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `parent` or lies below it: `www.exemple.fr` is within `exemple.fr`, `autreexemple.fr` is not.
    #[must_use]
    pub fn is_within(&self, parent: &Self) -> bool {
        self.0.strip_suffix(&*parent.0).is_some_and(|before| before.is_empty() || before.ends_with('.'))
    }

    /// The name itself, then each of its parents up to its top-level label: `a.b.fr`, `b.fr`, `fr`.
    pub fn ancestry(&self) -> impl Iterator<Item = &str> {
        // Labels are short: looking at each byte is faster than searching.
        std::iter::successors(Some(&*self.0), |name| {
            let dot = name.bytes().position(|byte| byte == b'.')?;
            name.get(dot + 1..)
        })
    }
}

impl FromStr for Domain {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(DomainError::Empty);
        }
        if name.len() > Self::BYTES_MAX {
            return Err(DomainError::TooLong);
        }
        // One pass: every question from every machine comes through here.
        let mut label_bytes = 0;
        let mut last_is_number = true;
        for byte in name.bytes() {
            if byte == b'.' {
                if label_bytes == 0 {
                    return Err(DomainError::EmptyLabel);
                }
                (label_bytes, last_is_number) = (0, true);
                continue;
            }
            label_bytes += 1;
            if label_bytes > 63 {
                return Err(DomainError::TooLong);
            }
            if !byte.is_ascii_alphanumeric() && byte != b'-' && byte != b'_' {
                return Err(DomainError::Character);
            }
            last_is_number &= byte.is_ascii_digit();
        }
        if label_bytes == 0 {
            return Err(DomainError::EmptyLabel);
        }
        if last_is_number {
            return Err(DomainError::Address);
        }
        Ok(if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Self(Arc::from(name.to_ascii_lowercase()))
        } else {
            Self(Arc::from(name))
        })
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Domain {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What a connection is for, as far as the box can tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    /// A host name, from a DNS question, a TLS server name or an HTTP host.
    Name(Domain),
    /// Only the destination's address is known: an address in place of a host name, or a TLS hello without a name.
    Address(IpAddr),
}

impl FromStr for Site {
    type Err = DomainError;

    /// Reads a host as it stands in a URL: a name, an IPv4 address, or an IPv6 address with or without brackets.
    fn from_str(host: &str) -> Result<Self, DomainError> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        bare.parse().map(Self::Address).or_else(|_| host.parse().map(Self::Name))
    }
}

impl From<Domain> for Site {
    fn from(name: Domain) -> Self {
        Self::Name(name)
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> Domain {
        text.parse().unwrap()
    }

    #[test]
    fn a_domain_is_kept_in_lower_case_without_its_final_dot() {
        assert_eq!(domain("WWW.Exemple.FR.").as_str(), "www.exemple.fr");
    }

    #[test]
    fn what_is_no_host_name_is_refused_with_its_reason() {
        for (text, error) in [
            ("", DomainError::Empty),
            (".", DomainError::Empty),
            ("a..fr", DomainError::EmptyLabel),
            (".fr", DomainError::EmptyLabel),
            ("école.fr", DomainError::Character),
            ("a b.fr", DomainError::Character),
            ("192.0.2.1", DomainError::Address),
            ("exemple.1", DomainError::Address),
        ] {
            assert_eq!(text.parse::<Domain>(), Err(error), "{text}");
        }
        assert_eq!(format!("{}.fr", "a".repeat(64)).parse::<Domain>(), Err(DomainError::TooLong));
        assert_eq!(format!("{}fr", "a.".repeat(127)).parse::<Domain>(), Err(DomainError::TooLong));
    }

    #[test]
    fn a_name_lies_within_itself_and_its_parents_only() {
        assert!(domain("exemple.fr").is_within(&domain("exemple.fr")));
        assert!(domain("a.b.exemple.fr").is_within(&domain("exemple.fr")));
        assert!(!domain("autreexemple.fr").is_within(&domain("exemple.fr")));
        assert!(!domain("exemple.fr").is_within(&domain("a.exemple.fr")));
    }

    #[test]
    fn ancestry_goes_up_to_the_top() {
        assert_eq!(domain("a.b.fr").ancestry().collect::<Vec<_>>(), ["a.b.fr", "b.fr", "fr"]);
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        assert_eq!("Exemple.fr".parse(), Ok(Site::Name(domain("exemple.fr"))));
        assert_eq!("192.0.2.1".parse(), Ok(Site::Address(IpAddr::from([192, 0, 2, 1]))));
        assert_eq!("[2001:db8::1]".parse::<Site>().unwrap().to_string(), "2001:db8::1");
        assert!("[exemple.fr]".parse::<Site>().is_err());
    }
}
