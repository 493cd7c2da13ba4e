//! The configuration as it would be run, shown to a technician: every value, written or taken by default.

use std::fmt::{self, Display};

use super::{Config, services};
use crate::{
    enforce::ent::Protocol,
    identity::EntMatch,
    model::{DefaultVerdict, Quic, Role, SignIn, TunnelAccess, Zone},
    portal::CertificateFrom,
};

impl Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        entry(f, "school", format_args!("{} ({})", self.school.name, self.school.uai.as_str()))?;
        entry(f, "state", self.state_dir.display())?;
        entry(f, "line", &self.line_interface)?;
        entry(f, "", format_args!("resolvers {}", joined(&self.dns.upstreams)))?;
        self.show_portal(f)?;
        entry(f, "accounts", format_args!("{} in {}", self.directory.count(), self.accounts_path.display()))?;
        let hours = self.identity.session_lifetime.as_secs() / 3600;
        let shared_hours = self.identity.shared_session_lifetime.as_secs() / 3600;
        entry(
            f,
            "",
            format_args!("a sign-in lasts {hours} h at most, {shared_hours} h on a shared computer"),
        )?;
        let machines = Role::ALL.map(|role| format!("{role} {}", self.identity.machines_max.of(role)));
        entry(f, "", format_args!("machines at once: {}", machines.join(", ")))?;
        self.show_ent(f)?;
        self.show_cache(f)?;
        self.show_calendar(f)?;
        match self.from_channel.policy {
            Some(number) => entry(f, "channel", format_args!("policy {number} of the académie is in force"))?,
            None => entry(f, "channel", "no policy of the académie: the rules of the file are in force")?,
        }
        if let Some(fault) = &self.from_channel.fault {
            entry(f, "", format_args!("not in force: {fault}"))?;
        }
        if self.rule_files.is_empty() {
            entry(f, "rules", "none: every zone's default speaks")?;
        }
        for (path, file) in &self.rule_files {
            let (count, level) = (file.all_rules().count(), file.level);
            entry(f, "rules", format_args!("{count} of {level}, {} ({})", file.name, path.display()))?;
        }
        self.show_lists(f)?;
        self.show_central(f)?;
        match &self.library {
            Some(library) => {
                let gigabytes = library.quota_bytes / 1_000_000_000;
                entry(f, "library", format_args!("{gigabytes} GB at most in {}", library.dir.display()))?;
            }
            None => entry(f, "library", "none")?,
        }
        if let Some(listen) = self.metrics {
            entry(f, "metrics", format_args!("figures for watchers at http://{listen}/metrics"))?;
        }
        for (zone, port) in self.zones.iter().zip(self.proxy.port_base..) {
            self.show_zone(zone, port, f)?;
        }
        if self.identity.devices.is_empty() {
            entry(f, "device", "none registered")?;
        }
        for application in &self.portal.cas.applications {
            entry(f, "cas", format_args!("{} at {}", application.name, joined(&application.services)))?;
        }
        for device in &self.identity.devices {
            entry(f, "device", format_args!("{} {} ({})", device.mac, device.name, device.kind.word()))?;
        }
        Ok(())
    }
}

impl Config {
    fn show_portal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        entry(f, "portal", format_args!("https://{}/", self.portal.name))?;
        let (certificate, key) = (self.portal.certificate_path.display(), self.portal.key_path.display());
        match self.portal.certificate_from {
            CertificateFrom::Files => entry(f, "", format_args!("certificate {certificate}, key {key}")),
            CertificateFrom::Central => {
                entry(f, "", format_args!("certificate {certificate}, which the académie's central obtains"))
            }
        }
    }

    fn show_lists(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.categories {
            Some(table) => {
                let (categories, names, date) = (table.categories, table.names, &table.list_date);
                let path = table.path.display();
                entry(f, "lists", format_args!("{categories} categories, {names} names, of {date} ({path})"))
            }
            None => entry(f, "lists", "none: rules can name no category"),
        }
    }

    fn show_ent(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ent) = &self.ent else {
            return entry(f, "ent", "none: people sign in by the passwords known here");
        };
        let protocol = match ent.protocol {
            Protocol::Cas => "CAS",
            Protocol::Oidc { .. } => "OpenID Connect",
        };
        let by = match ent.matches {
            EntMatch::Id => "identifier",
            EntMatch::Login => "login",
        };
        let id = ent.id.as_deref().unwrap_or("the user's name there");
        let days = self.identity.remember.as_secs() / 86_400;
        entry(f, "ent", format_args!("{}, {protocol} at {}", ent.name, ent.url.as_str()))?;
        entry(f, "", format_args!("{id} is a person's {by} here"))?;
        entry(f, "", format_args!("open before sign-in: {}", joined(&ent.sites)))?;
        entry(f, "", format_args!("a password for days without it is good for {days} days"))
    }

    fn show_cache(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(cache) = &self.cache else {
            return entry(f, "cache", "none: the ENT's pages come over the line each time");
        };
        entry(
            f,
            "cache",
            format_args!("{} GB in {}", cache.store.quota_bytes / 1_000_000_000, cache.store.dir.display()),
        )?;
        for origin in &cache.settings.origins {
            let (upstream, rules) = (&origin.upstream, origin.rules.len());
            let from = format_args!("from {} port {}", upstream.address, upstream.port);
            entry(f, "", format_args!("{}, {from}, {rules} rules", origin.host))?;
        }
        for warm in &cache.warm {
            let megabytes = warm.budget_bytes / 1_000_000;
            let what = format_args!("{} is warmed from {}, {megabytes} MB a night", warm.host, warm.from);
            entry(f, "", what)?;
        }
        let Some(updates) = &cache.updates else { return Ok(()) };
        let (store, hosts) = (&updates.store, updates.hosts.len());
        let gigabytes = store.quota_bytes / 1_000_000_000;
        entry(f, "", format_args!("updates of {hosts} hosts, {gigabytes} GB in {}", store.dir.display()))
    }

    fn show_central(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let central = &self.central;
        let rate = central
            .rate_bytes
            .map_or("as fast as the line".to_owned(), |rate| format!("at {} kbit/s", rate.get() / 125));
        let budget = central.budget_bytes.map_or("as much as there is".to_owned(), |budget| {
            format!("{} MB a day", budget.get() / 1_000_000)
        });
        let windows =
            if central.windows.is_empty() { "at any hour".to_owned() } else { joined(&central.windows) };
        entry(f, "central", format_args!("what is large: {rate}, {budget}, {windows}"))?;
        entry(f, "", format_args!("sticks are read below {}", central.media_dir.display()))
    }

    fn show_calendar(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(zone) = &self.terms.zone else {
            return entry(f, "calendar", "no zone: feeds cannot wait for holidays");
        };
        let until = self.terms.calendar.ends_on(zone);
        let until = until.map_or("nothing".to_owned(), |day| format!("until {day}"));
        entry(f, "calendar", format_args!("zone {zone}, known {until}"))
    }

    fn show_zone(&self, zone: &Zone, proxy_port: u16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        entry(f, "zone", format_args!("{} ({}) on {}", zone.name, zone.kind.word(), zone.interface))?;
        if let Some(bridge) = self.lan.bridges.iter().find(|bridge| bridge.name == zone.interface) {
            entry(f, "", format_args!("{} is a bridge of {}", bridge.name, joined(&bridge.ports)))?;
        }
        entry(f, "", format_args!("the box is {} and {}", zone.ipv4, zone.ipv6))?;
        let sign_in = match zone.sign_in {
            SignIn::Required => "people sign in",
            SignIn::NotAsked => "nobody is asked to sign in",
        };
        let default = match zone.default {
            DefaultVerdict::Allow => "allowed",
            DefaultVerdict::Block => "refused",
        };
        entry(f, "", format_args!("{sign_in}; where no rule speaks, sites are {default}"))?;
        let quic = match zone.quic {
            Quic::Reject => "QUIC is refused, so browsers take TCP",
            Quic::Filter => "QUIC is read and filtered",
        };
        entry(f, "", quic)?;
        if zone.tunnel == TunnelAccess::Academie {
            entry(f, "", "open: the académie's network, through the tunnel alone")?;
        }
        entry(f, "", format_args!("open: the web (proxy on port {proxy_port})"))?;
        services::shown(zone).try_for_each(|service| entry(f, "", format_args!("open: {service}")))
    }
}

/// One line: what it is about, or nothing where it goes on about the same, and what is said.
fn entry(f: &mut fmt::Formatter<'_>, about: &str, said: impl Display) -> fmt::Result {
    writeln!(f, "{about:<9} {said}")
}

fn joined(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
