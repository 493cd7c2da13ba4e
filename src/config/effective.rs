//! The configuration as it would be run, shown to a technician.

use std::fmt;

use super::Config;
use crate::model::{DefaultVerdict, SignIn, Transport, Zone};

impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "school    {} ({})", self.school.name, self.school.uai)?;
        writeln!(f, "state     {}", self.state_dir.display())?;
        let resolvers: Vec<String> = self.dns.upstreams.iter().map(ToString::to_string).collect();
        writeln!(f, "line      {}, resolvers {}", self.line_interface, resolvers.join(", "))?;
        writeln!(f, "portal    https://{}/", self.portal.name)?;
        writeln!(f, "          certificate {}", self.portal.certificate_path.display())?;
        let hours = self.identity.session_lifetime.as_secs() / 3600;
        writeln!(f, "accounts  {}, signed in for {hours} h at most", self.directory.count())?;
        for (path, file) in &self.rule_files {
            writeln!(f, "rules     {} of {} ({})", file.rules.len(), file.level.word(), path.display())?;
        }
        match &self.categories_path {
            Some(path) => writeln!(f, "lists     {}", path.display())?,
            None => writeln!(f, "lists     none: rules cannot name categories")?,
        }
        for zone in &self.zones {
            show_zone(zone, f)?;
        }
        for bridge in &self.lan.bridges {
            writeln!(f, "bridge    {} of {}", bridge.name, bridge.ports.join(", "))?;
        }
        for device in &self.identity.devices {
            writeln!(f, "device    {} {} ({})", device.mac, device.name, device.kind.word())?;
        }
        Ok(())
    }
}

fn show_zone(zone: &Zone, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let sign_in = match zone.sign_in {
        SignIn::Required => "sign-in required",
        SignIn::NotAsked => "no sign-in",
    };
    let default = match zone.default {
        DefaultVerdict::Allow => "allow",
        DefaultVerdict::Block => "block",
    };
    let services: Vec<String> = zone
        .services
        .iter()
        .map(|service| match service.transport {
            Transport::Tcp => format!("tcp/{}", service.port),
            Transport::Udp => format!("udp/{}", service.port),
        })
        .collect();
    writeln!(f, "zone      {} ({}) on {}", zone.name, zone.kind.word(), zone.interface)?;
    writeln!(f, "          {} and {}; {sign_in}; default {default}", zone.ipv4, zone.ipv6)?;
    if services.is_empty() { Ok(()) } else { writeln!(f, "          opens {}", services.join(", ")) }
}
