//! The parameters of a request, each at most once: of two that differ, portal and application might read another one each.

use std::fmt;

/// Parameters that are looked at; the protocol knows seven.
const PARAMETERS_MAX: usize = 32;

/// The parameters of a query or a form.
#[derive(PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, String)>);

/// How many, never which: one of them may be a password.
impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({})", self.0.len())
    }
}

impl Parameters {
    /// Reads a query, without its question mark. None where one stands there twice, or too many do.
    pub(super) fn read(query: &str) -> Option<Self> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if pairs.len() == PARAMETERS_MAX || pairs.iter().any(|(known, _)| *known == name) {
                return None;
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Some(Self(pairs))
    }

    /// The value of `name`; an empty one is as good as none.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        found.filter(|value| !value.is_empty())
    }

    /// Whether the flag `name` is set. Off-spec: the specification counts any value, but clients write `false` and mean it.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| !value.eq_ignore_ascii_case("false"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_decoded_once() {
        let read =
            Parameters::read("service=https%3A%2F%2Fa.exemple%2F%3Fx%3D%252e&renew=true&gateway=").unwrap();
        assert_eq!(read.value("service"), Some("https://a.exemple/?x=%2e"));
        assert!(read.is_set("renew") && !read.is_set("gateway") && !read.is_set("method"));
    }

    #[test]
    fn a_flag_that_says_false_is_not_set() {
        let read = Parameters::read("renew=false&gateway=1").unwrap();
        assert!(!read.is_set("renew") && read.is_set("gateway"));
    }

    #[test]
    fn a_parameter_written_twice_is_no_request() {
        for query in ["service=a&service=b", "service=a&service=a", "a=1&b=2&a="] {
            assert_eq!(Parameters::read(query), None, "{query}");
        }
        let many: Vec<_> = (0..=PARAMETERS_MAX).map(|number| format!("p{number}=1")).collect();
        assert_eq!(Parameters::read(&many.join("&")), None);
    }
}
