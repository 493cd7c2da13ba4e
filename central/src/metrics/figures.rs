//! What was seen, as figures.
//!
//! Versions and faults are words that boxes send: of each only so many are told apart, the rest together.

use std::collections::{BTreeMap, HashMap};

use preau::{model::Uai, protocol::line::Report, system::metrics};

use super::look::{Look, Stood};
use crate::{
    authority::KnownBox,
    channel::Severity,
    fleet::{observed::Seen, standing::Standing},
};

/// Words of one kind that are told apart.
const WORDS_MAX: usize = 40;

/// What all the rest is called.
const OTHER: &str = "other";

/// The figures of `look`, in OpenMetrics.
///
/// # Errors
/// When they cannot be written.
pub fn figures(look: &Look) -> anyhow::Result<String> {
    let mut figures = metrics::Figures::new("preau_central");
    let reachable = i64::from(look.stood.is_ok());
    figures.gauge("database_reachable", "1 where the database answers", reachable);
    let waiting = i64::try_from(look.waiting)?;
    figures.gauge("line_waiting", "Boxes whose request waits on this instance's live line", waiting);
    figures.counter("line_answers", "Answers on this instance's live line since its start", look.answers);
    let mut ends = look.ends.clone();
    if let Ok(stood) = &look.stood {
        ends.extend(stood.signed_until);
        fleet(&mut figures, stood);
        boxes(&mut figures, stood, look.at.unix_seconds())?;
        channel(&mut figures, stood)?;
        releases(&mut figures, stood)?;
        let requests = stood.requests.iter();
        let requests = requests.map(|(level, count)| ([level.word().to_owned()], *count));
        figures.gauges("requests_open", "Requests of schools that wait for an answer", ["level"], requests);
    }
    let ends = ends.into_iter().map(|(of, end)| ([of.to_owned()], end.unix_seconds()));
    let help = "When a certificate or a signature ends, in Unix time";
    figures.gauges("end_timestamp_seconds", help, ["of"], ends);
    figures.text()
}

fn fleet(figures: &mut metrics::Figures, stood: &Stood) {
    let seen: HashMap<&Uai, &Seen> = stood.seen.iter().map(|seen| (&seen.school, seen)).collect();
    let boxes: HashMap<&Uai, &KnownBox> = stood.boxes.iter().map(|known| (&known.school, known)).collect();
    let mut states = Standing::ALL.map(|state| ([state.word().to_owned()], 0));
    for school in &stood.schools {
        let state = Standing::of(seen.get(&school.uai).copied(), boxes.get(&school.uai).copied());
        states.iter_mut().filter(|([word], _)| word == state.word()).for_each(|(_, count)| *count += 1);
    }
    figures.gauges("schools", "Schools by how they stand", ["state"], states);
    let reports = || stood.seen.iter().filter(|seen| !seen.silent).map(|seen| &seen.report);
    let versions = counted(reports().map(|report| [report.version.clone()]), [OTHER]);
    figures.gauges(
        "boxes_by_version",
        "Boxes that are heard, by their program's version",
        ["version"],
        versions,
    );
    let findings = reports().flat_map(|report| &report.findings);
    let findings =
        counted(findings.map(|finding| [finding.code.clone(), finding.severity.clone()]), [OTHER, "warning"]);
    figures.gauges("findings", "Schools where something is wrong, by what", ["code", "severity"], findings);
    let refused = reports().filter_map(|report| report.in_force.refused.as_ref());
    let refused = counted(refused.map(|refused| [refused.what.clone(), refused.why.clone()]), [OTHER; 2]);
    let help = "Schools that did not take what the channel brought, by what it was and why";
    figures.gauges("refusing", help, ["what", "why"], refused);
    let behind = stood.seen.iter().filter(|seen| {
        !seen.silent
            && stood.published.get(&seen.school).is_some_and(|version| seen.report.in_force.view < *version)
    });
    figures.gauge("schools_behind", "Schools that are heard and lack the latest view", counted_in(behind));
    let sum = |of: fn(&Report) -> u64| {
        reports()
            .map(of)
            .fold(0, |sum: i64, part| sum.saturating_add(i64::try_from(part).unwrap_or(i64::MAX)))
    };
    figures.gauge(
        "signed_in",
        "Persons signed in, in all schools that are heard",
        sum(|r| r.figures.signed_in),
    );
    figures.gauge("machines", "Machines seen, in all schools that are heard", sum(|r| r.figures.machines));
}

fn boxes(figures: &mut metrics::Figures, stood: &Stood, now: i64) -> anyhow::Result<()> {
    let held = stood.boxes.iter().filter(|known| known.revoked.is_none());
    let soonest = held.clone().filter_map(|known| known.certificate_ends).min();
    figures.gauge(
        "boxes_enrolled",
        "Boxes that are enrolled and not revoked",
        i64::try_from(held.clone().count())?,
    );
    let ending = held.filter_map(|known| known.certificate_ends);
    let ending = ending.filter(|end| end.unix_seconds() < now + CERTIFICATE_LATE_SECONDS);
    let help = "Boxes whose certificate ends within a week: they renew it much earlier";
    figures.gauge("box_certificates_ending", help, i64::try_from(ending.count())?);
    if let Some(end) = soonest {
        let help = "When the first certificate of a box ends, in Unix time";
        figures.gauge("box_certificate_end_timestamp_seconds", help, end.unix_seconds());
    }
    Ok(())
}

/// A box's certificate that ends within this many seconds should have been renewed.
const CERTIFICATE_LATE_SECONDS: i64 = 7 * 86_400;

fn channel(figures: &mut metrics::Figures, stood: &Stood) -> anyhow::Result<()> {
    let (due, oldest) = stood.due;
    figures.gauge("views", "Views of the signed channel: one a school", stood.views);
    figures.gauge("views_due", "Views that lack something that was placed", i64::try_from(due)?);
    let help =
        "For how long the view has lacked something that has for longest, as this instance has seen it";
    figures.gauge("views_due_seconds", help, i64::try_from(oldest.as_secs())?);
    let concerns = stood.concerns.iter().map(|concern| {
        let severity = match concern.severity {
            Severity::Wrong => "wrong",
            Severity::Warning => "warning",
        };
        ([concern.code.to_owned(), severity.to_owned()], 1)
    });
    let help = "What somebody should know of the signed channel; `preau-central check` says it in a sentence";
    figures.gauges("channel_concerns", help, ["code", "severity"], concerns);
    Ok(())
}

fn releases(figures: &mut metrics::Figures, stood: &Stood) -> anyhow::Result<()> {
    let states = stood.releases.iter().map(|progress| ([progress.release.state.word().to_owned()], 1));
    figures.gauges("releases", "Releases that may still reach schools, by their state", ["state"], states);
    let mut schools = Vec::new();
    for progress in &stood.releases {
        let release = progress.release.id.to_string();
        for stage in &progress.stages {
            let counts = [
                ("left", stage.left),
                ("effective", stage.effective),
                ("refusing", stage.refusing),
                ("underway", stage.underway),
                ("silent", stage.silent),
            ];
            for (state, count) in counts {
                schools.push(([release.clone(), state.to_owned()], i64::try_from(count)?));
            }
        }
    }
    figures.gauges(
        "release_schools",
        "Schools of an open release, by how it stands there",
        ["release", "state"],
        schools,
    );
    Ok(())
}

/// How often each of `words` comes; beyond so many, the rest as `other`.
fn counted<const N: usize>(
    words: impl Iterator<Item = [String; N]>,
    other: [&str; N],
) -> Vec<([String; N], i64)> {
    let mut counts: BTreeMap<[String; N], i64> = BTreeMap::new();
    for words in words {
        let words = words.map(|word| metrics::label(&word));
        let is_told = counts.len() < WORDS_MAX || counts.contains_key(&words);
        let words = if is_told { words } else { other.map(str::to_owned) };
        *counts.entry(words).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn counted_in(those: impl Iterator) -> i64 {
    i64::try_from(those.count()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
