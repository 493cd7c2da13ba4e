//! `preau explain`: the judge's answer to one question, asked of the configuration without a running box.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use preau::{
    config::Config,
    daemon,
    model::{Account, AccountId, ClassName, ClockTrust, Mac, Moment, Role, Site, Subject, Zone},
    policy::{Question, Verdict},
    system::clock::Clock,
};

use super::{
    Configured,
    output::print,
    site::{Sought, sought},
};

/// The time zone of every school the box serves.
const TIME_ZONE: &str = "Europe/Paris";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    configured: Configured,
    /// Who asks: a login of the accounts file
    #[arg(long = "as", value_name = "LOGIN", conflicts_with_all = ["role", "device"])]
    login: Option<String>,
    /// Who asks: anybody of this role (eleve, enseignant, administratif, referent, invite)
    #[arg(long, value_name = "ROLE", conflicts_with = "device")]
    role: Option<Role>,
    /// The class of somebody given by --role; may be repeated
    #[arg(long, value_name = "CLASS", requires = "role")]
    class: Vec<String>,
    /// Who asks: the registered machine of this hardware address
    #[arg(long, value_name = "MAC")]
    device: Option<Mac>,
    /// From which zone; the first one of the file unless said
    #[arg(long, value_name = "NAME")]
    zone: Option<String>,
    /// When, in Paris time, such as "2026-11-24 14:05"; now unless said, by a clock that is doubted as the box would
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// As while the clock is in doubt: what depends on the hour falls to its stricter side
    #[arg(long)]
    clock_in_doubt: bool,
    /// What: an http:// URL with its path, an https:// URL, of which only the host can be judged, a name or an address
    #[arg(value_name = "SITE|URL")]
    site: String,
}

/// Answers the question and prints what spoke, what did not, and what would change it.
pub(super) fn explain(arguments: &Arguments) -> anyhow::Result<()> {
    let config = Config::load(&arguments.configured.path)?;
    let zone = zone(&config, arguments.zone.as_deref())?;
    let subject = subject(&config, arguments)?;
    let Sought { site, path, hides_path } = sought(&arguments.site)?;
    let (at, doubt) = match &arguments.at {
        Some(text) => (moment(text)?, None),
        None => {
            let now = Clock::of_the_machine().now();
            (now, daemon::doubt_at_start(&config.state_dir, now))
        }
    };
    let is_doubted = arguments.clock_in_doubt || doubt.is_some();
    let clock = if is_doubted { ClockTrust::Doubtful } else { ClockTrust::Trusted };
    let question = Question {
        subject: &subject,
        machine: arguments.device,
        zone: &zone,
        site: &site,
        path: path.as_ref(),
        at,
        clock,
    };
    let mut explanation = config.policy.explain(&question);
    explanation.are_pages_judged |= hides_path;
    let services = services(&explanation.verdict, &zone, &site);
    print(format_args!("{explanation}{services}"))
}

/// The services that the zone opens at an allowed site beside the web, as the explanation's last line.
fn services(verdict: &Verdict, zone: &Zone, site: &Site) -> String {
    let open = zone.services.iter().filter(|service| service.is_open_at(site));
    let names: Vec<&str> = open.map(|service| &*service.name).collect();
    match verdict {
        Verdict::Allow(_) if !names.is_empty() => {
            format!("beside   {}\n", names.join(", "))
        }
        Verdict::Allow(_) | Verdict::Refuse(_) => String::new(),
    }
}

fn zone(config: &Config, name: Option<&str>) -> anyhow::Result<Arc<Zone>> {
    let found = match name {
        None => config.zones.first(),
        Some(name) => config.zones.iter().find(|zone| zone.name.as_str() == name),
    };
    found.cloned().ok_or_else(|| {
        let names: Vec<&str> = config.zones.iter().map(|zone| zone.name.as_str()).collect();
        anyhow!("no zone `{}`; the zones are {}", name.unwrap_or_default(), names.join(", "))
    })
}

fn subject(config: &Config, arguments: &Arguments) -> anyhow::Result<Subject> {
    if let Some(login) = &arguments.login {
        let account = config.directory.account_by_login(login).with_context(|| {
            format!(
                "no account of `{}` has the login `{login}`; --role asks for anybody",
                config.accounts_path.display()
            )
        })?;
        return Ok(Subject::Person(Arc::clone(account)));
    }
    if let Some(role) = arguments.role {
        let classes = arguments.class.iter().map(|class| ClassName::new(class)).collect();
        let account = Account { id: AccountId::new(""), display_name: String::new(), role, classes };
        return Ok(Subject::Person(Arc::new(account)));
    }
    if let Some(mac) = arguments.device {
        let device = config.identity.devices.iter().find(|device| device.mac == mac);
        let device = device
            .with_context(|| format!("no `[[device]]` of the configuration has the address `{mac}`"))?;
        return Ok(Subject::Device(Arc::new(device.clone())));
    }
    Ok(Subject::Nobody)
}

fn moment(text: &str) -> anyhow::Result<Moment> {
    let civil: jiff::civil::DateTime =
        text.trim().parse().map_err(|_| anyhow!("`{text}` is no time; write it as \"2026-11-24 14:05\""))?;
    let Ok(zoned) = civil.in_tz(TIME_ZONE) else { bail!("there is no such time as `{text}` in {TIME_ZONE}") };
    Ok(Moment::from_unix_milliseconds(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_the_school_clock_shows_it() {
        assert_eq!(moment("2026-11-24 14:05").unwrap().to_string(), "2026-11-24T13:05:00.000Z");
        assert_eq!(moment("2026-07-01T14:05").unwrap().to_string(), "2026-07-01T12:05:00.000Z");
        assert!(moment("tomorrow").is_err());
    }
}
