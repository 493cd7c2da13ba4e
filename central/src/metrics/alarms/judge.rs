//! What is an alarm. Pure.

use std::{collections::HashMap, time::Duration};

use preau::{
    model::{Moment, Uai},
    system::metrics::label,
};

use crate::{
    channel::Severity,
    fleet::policy::State,
    metrics::look::{Look, Stood},
};

/// How long before the end of a certificate that files tell of it is an alarm.
const CERTIFICATE_BEFORE: Duration = Duration::from_secs(21 * 86_400);

/// How long before the end of a box's certificate: it should have been renewed long before.
const BOX_CERTIFICATE_BEFORE: Duration = Duration::from_secs(7 * 86_400);

/// Faults of one school that are named.
const NAMED_MAX: usize = 6;

/// Something that somebody should know at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alarm {
    /// What it is about: the same for as long as it lasts.
    pub(super) what: String,
    /// `wrong`, or `warning` for what has time.
    pub(super) severity: &'static str,
    /// For the technician.
    pub(super) sentence: String,
}

/// The alarms of this moment, each `what` once.
pub(super) fn alarms(look: &Look, stood: &Stood) -> Vec<Alarm> {
    let names: HashMap<&Uai, &str> =
        stood.schools.iter().map(|school| (&school.uai, school.name.as_str())).collect();
    let mut alarms = of_schools(stood, &names);
    alarms.extend(of_boxes(stood, &names, look.at));
    for progress in &stood.releases {
        let release = &progress.release;
        if release.state == State::Halted {
            let id = release.id;
            alarms.push(Alarm {
                what: format!("release/{id}"),
                severity: "wrong",
                sentence: format!("release {id} has halted: somebody has to let it go on or roll it back"),
            });
        }
    }
    alarms.extend(stood.concerns.iter().map(|concern| Alarm {
        what: format!("channel/{}", concern.code),
        severity: match concern.severity {
            Severity::Wrong => "wrong",
            Severity::Warning => "warning",
        },
        sentence: concern.sentence.clone(),
    }));
    let ends = look.ends.iter().filter(|(_, end)| *end < look.at + CERTIFICATE_BEFORE);
    alarms.extend(ends.map(|(of, end)| Alarm {
        what: format!("certificate/{of}"),
        severity: if *end <= look.at { "wrong" } else { "warning" },
        sentence: format!("the certificate of the {of} ends at {end}"),
    }));
    alarms
}

fn of_schools(stood: &Stood, names: &HashMap<&Uai, &str>) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    // A box that was revoked is meant to be silent.
    let revoked: Vec<&Uai> =
        stood.boxes.iter().filter(|known| known.revoked.is_some()).map(|known| &known.school).collect();
    for seen in stood.seen.iter().filter(|seen| !revoked.contains(&&seen.school)) {
        let school = named(&seen.school, names);
        let mut alarm = |word: &str, sentence: String| {
            let what = format!("school/{}/{word}", seen.school.as_str());
            alarms.push(Alarm { what, severity: "wrong", sentence });
        };
        if seen.silent {
            alarm("silent", format!("{school} is not heard since {}", seen.at));
            continue;
        }
        let wrong = seen.report.findings.iter().filter(|finding| finding.severity == "wrong");
        let mut wrong: Vec<_> = wrong.map(|finding| label(&finding.code)).take(NAMED_MAX).collect();
        if !seen.report.open {
            wrong.insert(0, "the web is closed".to_owned());
        }
        if !wrong.is_empty() {
            alarm("wrong", format!("{school}: {}", wrong.join(", ")));
        }
        if let Some(refused) = &seen.report.in_force.refused {
            let (what, why) = (label(&refused.what), label(&refused.why));
            alarm("refused", format!("{school} does not take {what} {}: {why}", refused.number));
        }
    }
    alarms
}

fn of_boxes(stood: &Stood, names: &HashMap<&Uai, &str>, now: Moment) -> Vec<Alarm> {
    let held = stood.boxes.iter().filter(|known| known.revoked.is_none());
    let ending = held.filter_map(|known| {
        let end = known.certificate_ends.filter(|end| *end < now + BOX_CERTIFICATE_BEFORE)?;
        let school = named(&known.school, names);
        Some(Alarm {
            what: format!("school/{}/certificate", known.school.as_str()),
            severity: if end <= now { "wrong" } else { "warning" },
            sentence: format!("{school}: the box's certificate ends at {end} and was not renewed"),
        })
    });
    ending.collect()
}

fn named(school: &Uai, names: &HashMap<&Uai, &str>) -> String {
    let name = names.get(school).copied().unwrap_or_default();
    format!("{} {name}", school.as_str()).trim_end().to_owned()
}
