//! What Cache-Control says, in requests and in responses (RFC 9111 section 5.2, RFC 5861, RFC 8246).

use std::time::Duration;

use hyper::{
    HeaderMap,
    header::{CACHE_CONTROL, HeaderName, PRAGMA},
};

use super::list::{joined, members, unquoted};

/// The longest time a directive can say: what does not fit counts as this (RFC 9111 section 1.2.2).
pub(super) const SECONDS_MAX: u64 = 1 << 31;

/// Fields that one qualified `no-cache` or `private` can name. A longer list counts as an unqualified one.
const FIELDS_MAX: usize = 64;

/// What a directive that may name header fields is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum About {
    /// It is not there.
    #[default]
    Nothing,
    /// These fields of the response alone.
    Fields(Vec<HeaderName>),
    /// The whole response.
    Everything,
}

/// The directives of one field. Those that nobody knows are left out, as they must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a directive of its own, and any of them go together"
)]
pub(super) struct Directives {
    pub(super) no_store: bool,
    pub(super) no_cache: About,
    pub(super) private: About,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) proxy_revalidate: bool,
    pub(super) must_understand: bool,
    pub(super) only_if_cached: bool,
    pub(super) no_transform: bool,
    pub(super) immutable: bool,
    /// Of several, the shortest; zero where it cannot be read, so that doubt counts as stale (RFC 9111 section 4.2.1).
    pub(super) max_age: Option<Duration>,
    pub(super) s_maxage: Option<Duration>,
    pub(super) stale_while_revalidate: Option<Duration>,
    pub(super) stale_if_error: Option<Duration>,
    pub(super) min_fresh: Option<Duration>,
    /// Without a value: however stale.
    pub(super) max_stale: Option<Duration>,
}

impl Directives {
    /// Those of the Cache-Control field of `fields`; none where there is none.
    pub(super) fn of(fields: &HeaderMap) -> Self {
        joined(fields, &CACHE_CONTROL).map_or_else(Self::default, |text| Self::read(&text))
    }

    /// Those of a request: `Pragma: no-cache` counts where there is no Cache-Control (RFC 9111 section 5.4).
    pub(super) fn of_request(fields: &HeaderMap) -> Self {
        let mut directives = Self::of(fields);
        let has_pragma = || {
            let pragma = joined(fields, &PRAGMA).unwrap_or_default();
            members(&pragma).any(|member| member.eq_ignore_ascii_case("no-cache"))
        };
        if !fields.contains_key(CACHE_CONTROL) && has_pragma() {
            directives.no_cache = About::Everything;
        }
        directives
    }

    /// Reads the value of a Cache-Control field.
    pub(super) fn read(text: &str) -> Self {
        let mut directives = Self::default();
        for member in members(text) {
            let (name, value) =
                member.split_once('=').map_or((member, None), |(name, value)| (name, Some(value)));
            directives.add(&name.to_ascii_lowercase(), value);
        }
        directives
    }

    /// Adds one directive, named in small letters, with its value as it is written.
    pub(super) fn add(&mut self, name: &str, value: Option<&str>) {
        match name {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache.add(value),
            "private" => self.private.add(value),
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "only-if-cached" => self.only_if_cached = true,
            "no-transform" => self.no_transform = true,
            "immutable" => self.immutable = true,
            "max-age" => shorten(&mut self.max_age, value),
            "s-maxage" => shorten(&mut self.s_maxage, value),
            "stale-while-revalidate" => shorten(&mut self.stale_while_revalidate, value),
            "stale-if-error" => shorten(&mut self.stale_if_error, value),
            // Unreadable, it asks for what is as fresh as can be.
            "min-fresh" => self.min_fresh = Some(seconds(value).unwrap_or(Duration::from_secs(SECONDS_MAX))),
            "max-stale" if value.is_none() => self.max_stale = Some(Duration::from_secs(SECONDS_MAX)),
            "max-stale" => shorten(&mut self.max_stale, value),
            _ => {}
        }
    }
}

impl About {
    fn add(&mut self, value: Option<&str>) {
        let names = value.and_then(unquoted).map(|list| -> Option<Vec<HeaderName>> {
            members(&list).map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect()
        });
        *self = match (std::mem::take(self), names) {
            (Self::Nothing, Some(Some(names))) if !names.is_empty() && names.len() <= FIELDS_MAX => {
                Self::Fields(names)
            }
            (Self::Fields(mut known), Some(Some(names)))
                if !names.is_empty() && known.len() + names.len() <= FIELDS_MAX =>
            {
                known.extend(names);
                Self::Fields(known)
            }
            _ => Self::Everything,
        };
    }

    /// Whether it is about the whole response.
    pub(super) fn is_everything(&self) -> bool {
        *self == Self::Everything
    }
}

/// Whole seconds, bare or quoted; none where it is anything else.
fn seconds(value: Option<&str>) -> Option<Duration> {
    let value = unquoted(value?)?;
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(value.parse().unwrap_or(SECONDS_MAX).min(SECONDS_MAX)))
}

fn shorten(known: &mut Option<Duration>, value: Option<&str>) {
    let told = seconds(value).unwrap_or(Duration::ZERO);
    *known = Some(known.map_or(told, |known| known.min(told)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn max_age(text: &str) -> Option<u64> {
        Directives::read(text).max_age.map(|age| age.as_secs())
    }

    #[test]
    fn what_cannot_be_read_as_a_time_counts_as_none_left() {
        for text in ["max-age=-1", "max-age='3600'", "max-age=3600.5", "max-age=a", "max-age=", "max-age"] {
            assert_eq!(max_age(text), Some(0), "{text}");
        }
    }

    #[test]
    fn times_are_read_bare_quoted_and_however_long() {
        assert_eq!(max_age("MaX-aGe=003600"), Some(3600));
        assert_eq!(max_age("x=\"max-age=3600\", max-age=\"1\""), Some(1));
        assert_eq!(max_age("max-age=99999999999"), Some(SECONDS_MAX));
        assert_eq!(max_age("max-age=99999999999999999999999"), Some(SECONDS_MAX));
        assert_eq!(max_age("foobar"), None);
    }

    #[test]
    fn of_two_times_the_shorter_counts() {
        assert_eq!(max_age("max-age=1800, max-age=1"), Some(1));
        assert_eq!(max_age("max-age=1, max-age=1800"), Some(1));
    }

    #[test]
    fn a_qualified_directive_is_about_its_fields_and_any_doubt_about_everything() {
        let names = |text| Directives::read(text).no_cache;
        assert_eq!(
            names("no-cache=\"a, b\""),
            About::Fields(vec!["a".parse().unwrap(), "b".parse().unwrap()])
        );
        assert_eq!(names("no-cache=\"a\", no-cache"), About::Everything);
        assert_eq!(names("no-cache=\"\""), About::Everything);
        assert_eq!(names("no-cache=\"(\""), About::Everything);
    }

    #[test]
    fn pragma_counts_only_without_cache_control() {
        let mut fields = HeaderMap::new();
        fields.insert(PRAGMA, "no-cache".parse().unwrap());
        assert!(Directives::of_request(&fields).no_cache.is_everything());
        fields.insert(CACHE_CONTROL, "max-age=1".parse().unwrap());
        assert!(!Directives::of_request(&fields).no_cache.is_everything());
    }
}
