//! Version 1 of the configuration file as it is written, before any check. Unknown keys are errors.

use serde::Deserialize;
use toml::Spanned;

/// The version this daemon reads.
pub(super) const VERSION: i64 = 1;

/// Only the version: what another version writes is not called wrong by the words of this one.
#[derive(Debug, Deserialize)]
pub(super) struct Head {
    pub(super) version: Spanned<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(rename = "version")]
    _version: i64,
    pub(super) state_dir: Spanned<String>,
    pub(super) school: School,
    pub(super) line: Line,
    pub(super) portal: Portal,
    pub(super) accounts: Accounts,
    pub(super) policy: Policy,
    #[serde(default, rename = "zone")]
    pub(super) zones: Vec<Spanned<Zone>>,
    #[serde(default, rename = "service")]
    pub(super) services: Vec<Service>,
    #[serde(default, rename = "device")]
    pub(super) devices: Vec<Device>,
    #[serde(default, rename = "application")]
    pub(super) applications: Vec<Application>,
    pub(super) central: Option<Central>,
    pub(super) metrics: Option<Metrics>,
    pub(super) cache: Option<Cache>,
    pub(super) library: Option<Library>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Library {
    pub(super) dir: Option<Spanned<String>>,
    pub(super) quota_gb: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cache {
    pub(super) quota_gb: Option<Spanned<u64>>,
    pub(super) authorities: Option<Spanned<String>>,
    #[serde(default, rename = "origin")]
    pub(super) origins: Vec<CacheOrigin>,
    pub(super) updates: Option<CacheUpdates>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheUpdates {
    pub(super) quota_gb: Option<Spanned<u64>>,
    pub(super) hosts: Option<Spanned<Vec<Spanned<String>>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheWarm {
    pub(super) from: Spanned<String>,
    pub(super) budget_mb: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheOrigin {
    pub(super) name: Spanned<String>,
    pub(super) certificate: Spanned<String>,
    pub(super) key: Spanned<String>,
    pub(super) upstream: Option<Spanned<String>>,
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<CacheRule>,
    #[serde(default, rename = "write")]
    pub(super) writes: Vec<CacheWrite>,
    pub(super) warm: Option<CacheWarm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheWrite {
    pub(super) method: Spanned<String>,
    pub(super) paths: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) sign_in: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheRule {
    pub(super) keep: Spanned<String>,
    #[serde(default)]
    pub(super) paths: Vec<Spanned<String>>,
    pub(super) days_without_line: Option<Spanned<u64>>,
    pub(super) fresh_minutes: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    pub(super) listen: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Central {
    pub(super) rate_kbit: Option<Spanned<u64>>,
    pub(super) budget_mb_a_day: Option<Spanned<u64>>,
    #[serde(default)]
    pub(super) windows: Vec<Spanned<String>>,
    pub(super) media_dir: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct School {
    pub(super) name: Spanned<String>,
    pub(super) uai: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) interface: Spanned<String>,
    pub(super) resolvers: Spanned<Vec<Spanned<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Portal {
    pub(super) name: Spanned<String>,
    pub(super) certificate: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accounts {
    pub(super) file: Spanned<String>,
    #[serde(default = "default_session_hours")]
    pub(super) session_hours: Spanned<u64>,
    #[serde(default = "default_session_hours_shared")]
    pub(super) session_hours_shared: Spanned<u64>,
    #[serde(default)]
    pub(super) machines: Machines,
    pub(super) calendar_zone: Option<Spanned<String>>,
    pub(super) calendar: Option<Spanned<String>>,
    pub(super) ent: Option<Ent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ent {
    pub(super) name: Spanned<String>,
    pub(super) protocol: Spanned<String>,
    pub(super) url: Spanned<String>,
    #[serde(default)]
    pub(super) sites: Vec<Spanned<String>>,
    pub(super) id: Option<Spanned<String>>,
    pub(super) matches: Spanned<String>,
    pub(super) authorities: Option<Spanned<String>>,
    #[serde(default = "default_remember_days")]
    pub(super) remember_days: Spanned<u64>,
    pub(super) client_id: Option<Spanned<String>>,
    pub(super) client_secret_file: Option<Spanned<String>>,
}

/// The longest holidays.
pub(super) fn default_remember_days() -> Spanned<u64> {
    Spanned::new(0..0, 60)
}

/// Machines at once for each role, where it is not the usual number.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Machines {
    pub(super) eleve: Option<Spanned<u64>>,
    pub(super) enseignant: Option<Spanned<u64>>,
    pub(super) administratif: Option<Spanned<u64>>,
    pub(super) referent: Option<Spanned<u64>>,
    pub(super) invite: Option<Spanned<u64>>,
}

/// A school day with its evening: people sign in once a day.
fn default_session_hours() -> Spanned<u64> {
    Spanned::new(0..0, 12)
}

/// A lesson of two hours: who forgets to sign out on a shared computer is out by the next one but one.
fn default_session_hours_shared() -> Spanned<u64> {
    Spanned::new(0..0, 2)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) rules: Spanned<Vec<Spanned<String>>>,
    pub(super) categories: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Zone {
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) interface: Spanned<String>,
    #[serde(default)]
    pub(super) bridge: Vec<Spanned<String>>,
    pub(super) ipv4: Spanned<String>,
    pub(super) ipv6: Spanned<String>,
    pub(super) sign_in: Spanned<String>,
    pub(super) default: Spanned<String>,
    #[serde(default = "default_quic")]
    pub(super) quic: Spanned<String>,
    #[serde(default = "default_tunnel")]
    pub(super) tunnel: Spanned<String>,
    #[serde(default)]
    pub(super) services: Vec<Spanned<String>>,
}

/// The safe word: what is not asked for stays closed.
fn default_quic() -> Spanned<String> {
    Spanned::new(0..0, "reject".to_owned())
}

/// The safe word, as above.
fn default_tunnel() -> Spanned<String> {
    Spanned::new(0..0, "none".to_owned())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    pub(super) name: Spanned<String>,
    pub(super) ports: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) sites: Vec<Spanned<String>>,
    pub(super) speaks: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Device {
    pub(super) mac: Spanned<String>,
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<String>,
    pub(super) room: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Application {
    pub(super) name: Spanned<String>,
    pub(super) service: Spanned<Vec<Spanned<String>>>,
    pub(super) at: Option<Spanned<String>>,
    pub(super) authorities: Option<Spanned<String>>,
    #[serde(default = "default_user")]
    pub(super) user: Spanned<String>,
    #[serde(default)]
    pub(super) roles: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) proxies: bool,
    pub(super) attributes: Option<Spanned<String>>,
}

/// What applications call a person unless told otherwise.
fn default_user() -> Spanned<String> {
    Spanned::new(0..0, "login".to_owned())
}
