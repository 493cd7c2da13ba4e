//! What a school's page tells: what to do, the rules that are in force, what of the channel is, figures.

use preau::{
    model::{Moment, Uai},
    protocol::line::{Report, What},
};

use crate::{
    console::{
        figure,
        filtering::{document_path, place_name},
        language::Language,
        road::Console,
        time,
        visit::Visit,
        words::{RepairWords, SchoolWords, Told, TunnelWords, finding_told, refused_told, tunnel_trouble},
    },
    editions,
    fleet::{
        observed::{self, Became, Seen},
        orders,
        policy::{self, WhyNot},
        schools::School,
        standing::Standing,
    },
    words::Place,
};

/// Orders and changes shown.
const SHOWN_MAX: usize = 30;

/// Something to do.
#[derive(Debug)]
pub(super) struct Task {
    /// The class of its notice.
    pub(super) class: &'static str,
    pub(super) what: String,
    pub(super) remedy: String,
    /// The box's own words, in English; empty for none.
    pub(super) detail: String,
}

/// A document of rules that speaks at the school.
#[derive(Debug)]
pub(super) struct RuleRow {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) wanted: String,
    pub(super) effective: String,
    pub(super) is_in_force: bool,
}

/// The rules that are in force, and why others are not.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) rows: Vec<RuleRow>,
    /// What keeps the school from what it is to have, and the class of its badge; nothing where it has it.
    pub(super) why_not: Option<String>,
    pub(super) since: String,
}

/// An order as a row.
#[derive(Debug)]
pub(super) struct OrderRow {
    pub(super) what: String,
    pub(super) by: String,
    pub(super) given: String,
    pub(super) class: &'static str,
    pub(super) state: &'static str,
    pub(super) text: String,
}

/// Room on the disk, as a bar.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) used_percent: u64,
    pub(super) text: String,
}

/// What somebody has to do about a school that stands so.
pub(super) fn tasks(language: Language, standing: Standing, seen: Option<&Seen>) -> Vec<Task> {
    let words = SchoolWords::of(language);
    let of_all = |class, what: &str| {
        vec![Task { class, what: what.to_owned(), remedy: String::new(), detail: String::new() }]
    };
    match (standing, seen) {
        (Standing::Revoked, _) => of_all("", words.revoked_to_do),
        (Standing::Without, _) => of_all("", words.give_a_token),
        (Standing::Awaited, _) | (_, None) => of_all("warn", words.awaited_to_do),
        (Standing::Silent, _) => of_all("bad", words.silent_to_do),
        (_, Some(seen)) => of_report(language, &seen.report),
    }
}

fn of_report(language: Language, report: &Report) -> Vec<Task> {
    let words = SchoolWords::of(language);
    let task = |class, told: Told, detail: &str| Task {
        class,
        what: told.what,
        remedy: told.remedy.to_owned(),
        detail: detail.to_owned(),
    };
    let mut tasks = Vec::new();
    let has = |code: &str| report.findings.iter().any(|finding| finding.code == code);
    if !report.open && !has("journal-silent") && !has("gate-closed") {
        let told = Told { what: words.closed.to_owned(), remedy: words.closed_to_do };
        tasks.push(task("bad", told, ""));
    }
    for finding in &report.findings {
        let class = match finding.severity.as_str() {
            "wrong" => "bad",
            "notice" => "",
            _ => "warn",
        };
        tasks.push(task(class, finding_told(language, &finding.code), ""));
    }
    if !report.clock_trusted && !has("clock-in-doubt") {
        tasks.push(task("warn", finding_told(language, "clock-in-doubt"), ""));
    }
    if let Some(refused) = &report.in_force.refused {
        tasks.push(task("warn", refused_told(language, &refused.what, &refused.why), &refused.sentence));
    }
    tasks
}

/// The documents that speak at the school: which version it is to have, which it has.
pub(super) async fn rules(console: &Console, visit: &Visit, school: &School) -> anyhow::Result<Rules> {
    let (language, words) = (visit.language(), SchoolWords::of(visit.language()));
    let standing = policy::standing(&console.parts.database, &school.uai).await?;
    let effective = standing.effective.map(|content| content.stack).unwrap_or_default();
    let mut places: Vec<Place> = standing.wanted.iter().map(|(place, _)| place.clone()).collect();
    for (place, _) in &effective {
        if !places.contains(place) {
            places.push(place.clone());
        }
    }
    let version = |stack: &policy::Stack, place: &Place| {
        stack.iter().find(|(of, _)| of == place).map(|(_, version)| *version)
    };
    let written =
        |version: Option<u64>| version.map_or_else(|| String::from("–"), |number| number.to_string());
    let row = |place: &Place| {
        let (wanted, effective) = (version(&standing.wanted, place), version(&effective, place));
        let is_own = *place == Place::School(school.uai.clone());
        RuleRow {
            name: if is_own { words.own_rules.to_owned() } else { place_name(language, place) },
            path: document_path(place),
            is_in_force: wanted == effective,
            wanted: written(wanted),
            effective: written(effective),
        }
    };
    let rows = places.iter().map(row).collect();
    let why_not = standing.why_not.map(|why| match why {
        WhyNot::Unfit(why) => format!("{} {why}", words.unfit),
        WhyNot::NotPlaced => words.not_placed.to_owned(),
        WhyNot::NeverHeard => words.never_heard_rules.to_owned(),
        WhyNot::Silent(_) => words.silent_rules.to_owned(),
        WhyNot::Refused(refused) => refused_told(language, &refused.what, &refused.why).what,
        WhyNot::Underway => words.underway_rules.to_owned(),
    });
    let since = standing.since.map(|since| time::written(language, since)).unwrap_or_default();
    Ok(Rules { rows, why_not, since })
}

/// What of the channel is in force: lists with their age, accounts, program.
pub(super) async fn channel(
    console: &Console,
    visit: &Visit,
    school: &Uai,
    report: &Report,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    /// Editions among which the box's is looked for.
    const EDITIONS: u32 = 60;
    let (language, words) = (visit.language(), SchoolWords::of(visit.language()));
    let editions = editions::latest(&console.parts.database, EDITIONS).await?;
    let in_force = &report.in_force;
    let latest = editions.first().map_or(0, |known| known.number);
    let lists = match (in_force.lists, editions.iter().find(|known| known.number == in_force.lists)) {
        (0, _) => words.no_lists.to_owned(),
        (number, None) => format!("{} {number}", words.edition),
        (number, Some(known)) => {
            let age = time::ago(language, known.at, visit.now);
            let last = if number == latest {
                words.latest.to_owned()
            } else {
                format!("{} {latest}", words.latest_is)
            };
            format!("{} {number}, {} {} ({age}), {last}", words.edition, words.of_day, known.date)
        }
    };
    let given = console.parts.accounts.last_delivery(school).await?;
    let accounts = match (in_force.accounts, given) {
        (0, None) => words.no_delivery.to_owned(),
        (number, Some(given)) if given != number => {
            format!("{} {number}, {} {given}", words.delivery, words.latest_is)
        }
        (number, _) => format!("{} {number}", words.delivery),
    };
    Ok(vec![(words.lists, lists), (words.accounts, accounts), (words.program, report.version.clone())])
}

/// Figures of the machine and of its use.
pub(super) fn figures(language: Language, report: &Report) -> Vec<(&'static str, String)> {
    let (words, figures) = (SchoolWords::of(language), &report.figures);
    let count = |number| figure::count(language, number);
    let is_down = report.findings.iter().any(|finding| finding.code == "line-down");
    vec![
        (words.line, if is_down { words.line_down } else { words.line_up }.to_owned()),
        (
            words.clock_figure,
            if report.clock_trusted { words.clock_sure } else { words.clock_doubtful }.to_owned(),
        ),
        (words.up, time::lasted(language, std::time::Duration::from_secs(report.up_seconds))),
        (words.portal_certificate, format!("{} {}", count(figures.certificate_days), words.days)),
        (words.memory, figure::bytes(language, figures.memory_bytes)),
        (words.signed_in, count(figures.signed_in)),
        (words.machines, count(figures.machines)),
        (words.sign_ins_refused, count(figures.sign_ins_refused)),
        (words.allowed, count(figures.allowed)),
        (words.refused_questions, count(figures.refused)),
    ]
}

/// How the tunnel stands.
#[derive(Debug)]
pub(super) struct Tunnel {
    pub(super) words: &'static TunnelWords,
    pub(super) is_up: bool,
    /// What to do; none where it is up.
    pub(super) to_do: Option<&'static str>,
    pub(super) facts: Vec<(&'static str, String)>,
}

/// How the tunnel of a box stands; none where it has none, or does not tell.
pub(super) fn tunnel(language: Language, report: &Report, now: Moment) -> Option<Tunnel> {
    let told = report.figures.tunnel.as_ref()?;
    let words = TunnelWords::of(language);
    let at = |seconds| Moment::from_unix_seconds(seconds);
    let mut facts = Vec::new();
    if told.since > 0 {
        let since = at(told.since);
        let ago = time::told_ago(language, since, now);
        facts.push((words.since, format!("{} ({ago})", time::written(language, since))));
    }
    let way = if told.way == "tls" { words.tls } else { words.udp };
    facts.push((words.way, way.to_owned()));
    facts.push((words.concentrator, figure::count(language, told.concentrator)));
    let handshake = match told.handshake {
        0 => words.never.to_owned(),
        seconds => time::written(language, at(seconds)),
    };
    facts.push((words.handshake, handshake));
    if let Some(lost) = told.lost_permille {
        let mark = if language == Language::French { ',' } else { '.' };
        let lost = lost.min(1000);
        facts.push((words.lost, format!("{}{mark}{} %", lost / 10, lost % 10)));
    }
    if !told.up {
        facts.push((words.tried, figure::count(language, told.tried)));
    }
    let to_do = (!told.up).then(|| tunnel_trouble(language, &told.trouble));
    Some(Tunnel { words, is_up: told.up, to_do, facts })
}

/// Room on the disk; none where the box does not know.
pub(super) fn room(language: Language, report: &Report) -> Option<Room> {
    let (free, all) = (report.figures.disk_free_bytes, report.figures.disk_bytes);
    let used = all.saturating_sub(free);
    let used_percent = used.saturating_mul(100).checked_div(all)?;
    let [free, all] = [free, all].map(|bytes| figure::bytes(language, bytes));
    Some(Room { used_percent, text: format!("{free} {} {all}", SchoolWords::of(language).disk_free) })
}

/// The last orders.
pub(super) async fn orders(
    console: &Console,
    visit: &Visit,
    school: &School,
) -> anyhow::Result<Vec<OrderRow>> {
    let (words, language) = (SchoolWords::of(visit.language()), visit.language());
    let given = orders::of(&console.parts.database, &school.uai).await?;
    let row = |given: orders::Given| {
        let (class, state, text) = match &given.outcome {
            Some(outcome) if outcome.well => ("ok", words.done, outcome.text.clone()),
            Some(outcome) => ("bad", words.failed, outcome.text.clone()),
            None if given.order.expires < visit.now.unix_seconds() => ("off", words.expired, String::new()),
            None => ("away", words.waits, String::new()),
        };
        let what = match &given.order.what {
            What::Diagnose {} => words.diagnose,
            What::Fetch {} => words.fetch,
            What::RenewCertificate {} => words.renew,
            What::SendCounts {} => words.send_counts,
            What::ChangeTunnelKey {} => words.change_tunnel_key,
            What::AnswerRequest { .. } => words.answer,
            What::OpenRepair { .. } => words.open_repair,
            What::EndRepair { .. } => words.end_repair,
            What::Repair { act, .. } => RepairWords::of(language).act(*act),
        };
        let given_at = time::written(language, given.given);
        OrderRow { what: what.to_owned(), by: given.by, given: given_at, class, state, text }
    };
    Ok(given.into_iter().take(SHOWN_MAX).map(row).collect())
}

/// The last changes: when, in the reader's words and for machines, and what.
pub(super) async fn history(
    console: &Console,
    visit: &Visit,
    school: &School,
) -> anyhow::Result<Vec<(String, String, String)>> {
    let (words, language) = (SchoolWords::of(visit.language()), visit.language());
    let changes = observed::history(&console.parts.database, &school.uai).await?;
    let told = |became: Became| match became {
        Became::Came => words.came.to_owned(),
        Became::Silent => words.fell_silent.to_owned(),
        Became::Began(finding) => format!("{} {}", words.began, finding_told(language, &finding.code).what),
        Became::Ended(finding) => format!("{} {}", words.ended, finding_told(language, &finding.code).what),
    };
    let at = |at: Moment| (time::written(language, at), time::machine(at));
    let row = |change: observed::Change| {
        let (written, machine) = at(change.at);
        (written, machine, told(change.what))
    };
    Ok(changes.into_iter().take(SHOWN_MAX).map(row).collect())
}
