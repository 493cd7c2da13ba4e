//! Plays the scenarios of `tests/scenarios/`: a school, its rules, questions, and the answers they must get. The form
//! is described at the head of `order.scenario`.

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use jiff::{Timestamp, civil, tz::TimeZone};
use preau::{
    model::{
        Account, AccountId, ClassName, ClockTrust, DefaultVerdict, Device, Domain, Mac, Moment, Quic, SignIn,
        Site, Subject, UrlPath, Zone, ZoneKind,
    },
    policy::{
        Cause, Effect, ListedBy, Matched, Mode, Opening, Origin, Policy, Question, RuleFile, Scope, Verdict,
        category::{Builder, Description, Since, Table},
    },
};

#[test]
fn every_scenario_gets_the_answers_it_expects() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut questions = 0;
    let mut faults = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "scenario"))
    {
        let text = fs::read_to_string(file).unwrap();
        let name = file.file_name().unwrap().display();
        match Scenario::read(&text) {
            Ok(scenario) => {
                questions += scenario.asked.len();
                faults.extend(
                    scenario.play().into_iter().map(|(line, fault)| format!("{name}:{line}: {fault}")),
                );
            }
            Err((line, fault)) => faults.push(format!("{name}:{line}: {fault}")),
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    assert!(questions > 80, "only {questions} questions were played");
}

/// A fault with its line.
type Fault = (usize, String);

/// A school and its questions.
#[derive(Default)]
struct Scenario {
    zones: HashMap<String, Zone>,
    subjects: HashMap<String, Subject>,
    list: Option<List>,
    files: Vec<RuleFile>,
    openings: Vec<Opening>,
    welcome: Vec<Domain>,
    asked: Vec<Asked>,
    policy: Option<Policy>,
}

/// A category table to be: its date, and each category with what is in it.
struct List {
    date: String,
    categories: Vec<(String, Vec<Entry>)>,
}

/// One entry of a category.
enum Entry {
    Site(Site),
    Url(Site, UrlPath),
    Expression(String),
}

/// One question and its answer.
struct Asked {
    line: usize,
    subject: Subject,
    machine: Option<Mac>,
    zone: Zone,
    site: Site,
    path: Option<UrlPath>,
    at: Moment,
    clock: ClockTrust,
    answer: String,
    until: Option<Until>,
}

/// When the answer becomes the other one.
#[derive(Debug, PartialEq)]
enum Until {
    Moment(Moment),
    Forever,
}

impl Scenario {
    fn read(text: &str) -> Result<Self, Fault> {
        let mut scenario = Self::default();
        let (mut at, mut clock) = (None, ClockTrust::Trusted);
        let lines: Vec<&str> = text.lines().collect();
        let mut number = 0;
        while let Some(line) = lines.get(number) {
            number += 1;
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let is_inside = |line: &&&str| line.is_empty() || line.starts_with("    ");
            let inside: Vec<&str> = lines[number..].iter().take_while(is_inside).copied().collect();
            let fault = |message: String| (number, message);
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "zone" => scenario.zone(rest).map_err(fault)?,
                "person" => scenario.person(rest).map_err(fault)?,
                "device" => scenario.device(rest).map_err(fault)?,
                "list" => {
                    let categories = read_list(&inside).map_err(fault)?;
                    scenario.list = Some(List { date: rest.to_owned(), categories });
                }
                "rules" => scenario.files.push(
                    RuleFile::parse(&inside.join("\n"))
                        .map_err(|error| (number + error.line, error.to_string()))?,
                ),
                "opening" => scenario.openings.push(scenario.opening(rest).map_err(fault)?),
                "welcome" => {
                    let names = rest.split(' ').map(|name| {
                        name.parse().map_err(|error: preau::model::DomainError| error.to_string())
                    });
                    scenario.welcome = names.collect::<Result<_, _>>().map_err(fault)?;
                }
                "at" => at = Some(read_time(rest).map_err(fault)?),
                "clock" => {
                    let trusts = [("trusted", ClockTrust::Trusted), ("doubtful", ClockTrust::Doubtful)];
                    clock = one_of(rest, trusts).map_err(fault)?;
                }
                _ => {
                    let at = at.ok_or_else(|| fault("no `at` line above the question".to_owned()))?;
                    scenario.asked.push(scenario.question(line, number, at, clock).map_err(fault)?);
                }
            }
            if ["list", "rules"].contains(&word) {
                number += inside.len();
            }
        }
        scenario.policy = Some(scenario.policy().map_err(|message| (1, message))?);
        Ok(scenario)
    }

    /// Asks every question; tells what is not as expected.
    fn play(&self) -> Vec<Fault> {
        let policy = self.policy.as_ref().expect("read makes the policy");
        let mut faults = Vec::new();
        for asked in &self.asked {
            let question = Question {
                subject: &asked.subject,
                machine: asked.machine,
                zone: &asked.zone,
                site: &asked.site,
                path: asked.path.as_ref(),
                at: asked.at,
                clock: asked.clock,
            };
            let answer = describe(&policy.judge(&question));
            let explanation = policy.explain(&question);
            let mut unlike = |what: &str, found: String, expected: &str| {
                if found != expected {
                    let message = format!("{what} is `{found}`, expected `{expected}`\n{explanation}");
                    faults.push((asked.line, message));
                }
            };
            unlike("the answer", answer, &asked.answer);
            unlike("the explained answer", describe(&explanation.verdict), &asked.answer);
            if let Some(until) = &asked.until {
                let found =
                    explanation.changes.as_ref().map_or(Until::Forever, |change| Until::Moment(change.at));
                unlike("the change", format!("{found:?}"), &format!("{until:?}"));
            }
        }
        faults
    }

    fn policy(&self) -> Result<Policy, String> {
        let table = self.list.as_ref().map(build_table).transpose()?;
        let policy = Policy::new(self.files.clone(), table).map_err(|error| error.to_string())?;
        Ok(policy.with_openings(self.openings.clone()).with_welcome(self.welcome.clone()))
    }

    fn zone(&mut self, rest: &str) -> Result<(), String> {
        let [name, sign_in, default] = words(rest)?;
        let zone = Zone {
            name: name.parse().map_err(text)?,
            kind: ZoneKind::Pedagogique,
            interface: Arc::from("lan0"),
            ipv4: "10.0.0.1/24".parse().map_err(text)?,
            ipv6: "fd00::1/64".parse().map_err(text)?,
            sign_in: one_of(sign_in, [("sign-in", SignIn::Required), ("no-sign-in", SignIn::NotAsked)])?,
            default: one_of(default, [("allow", DefaultVerdict::Allow), ("block", DefaultVerdict::Block)])?,
            quic: Quic::Reject,
            tunnel: preau::model::TunnelAccess::None,
            services: Vec::new(),
        };
        self.zones.insert(name.to_owned(), zone);
        Ok(())
    }

    fn person(&mut self, rest: &str) -> Result<(), String> {
        let mut words = rest.split_whitespace();
        let (name, role) = words.next().zip(words.next()).ok_or("write `person NAME ROLE [CLASS ...]`")?;
        let account = Account {
            id: AccountId::new(name),
            display_name: name.to_owned(),
            role: role.parse()?,
            classes: words.map(ClassName::new).collect(),
        };
        self.subjects.insert(name.to_owned(), Subject::Person(Arc::new(account)));
        Ok(())
    }

    fn device(&mut self, rest: &str) -> Result<(), String> {
        let [name, kind, mac] = words(rest)?;
        let device = Device {
            mac: mac.parse().map_err(text)?,
            name: name.to_owned(),
            kind: kind.parse()?,
            room: None,
        };
        self.subjects.insert(name.to_owned(), Subject::Device(Arc::new(device)));
        Ok(())
    }

    fn opening(&self, rest: &str) -> Result<Opening, String> {
        let (head, sites): (Vec<&str>, Vec<&str>) = {
            let all: Vec<&str> = rest.split_whitespace().collect();
            let (head, sites) = all.split_at(all.len().min(5));
            (head.to_vec(), sites.to_vec())
        };
        let [effect, scope, whom, from, until] = head[..] else {
            return Err("the opening lacks words".to_owned());
        };
        let sites: Vec<Domain> =
            sites.into_iter().map(|site| site.parse().map_err(text)).collect::<Result<_, _>>()?;
        Ok(Opening {
            scope: match scope {
                "person" => Scope::Person(AccountId::new(whom)),
                "class" => Scope::Class(ClassName::new(whom)),
                "room" => {
                    let macs: Result<_, String> =
                        whom.split(',').map(|mac| mac.parse().map_err(text)).collect();
                    Scope::Machines(Arc::new(macs?))
                }
                _ => Scope::Zone(self.zones.get(whom).ok_or("no such zone")?.name.clone()),
            },
            mode: match effect {
                "exam" => Mode::Exam(sites),
                _ => {
                    let sites = if sites.is_empty() { None } else { Some(sites) };
                    match effect.parse::<Effect>()? {
                        Effect::Allow => Mode::Open(sites),
                        Effect::Block => Mode::Close(sites),
                    }
                }
            },
            from: read_time(&from.replace('T', " "))?,
            until: read_time(&until.replace('T', " "))?,
            label: Arc::from(format!("{scope} {whom}")),
        })
    }

    fn question(&self, line: &str, number: usize, at: Moment, clock: ClockTrust) -> Result<Asked, String> {
        let (asked, answer) = line.split_once(": ").ok_or("write `WHO in ZONE asks SITE: ANSWER`")?;
        let (head, site) = asked.split_once(" asks ").ok_or("write `WHO in ZONE asks SITE: ANSWER`")?;
        let (head, machine) = head.split_once(" on ").map_or((head, None), |(head, mac)| (head, Some(mac)));
        let (who, zone) = head.split_once(" in ").ok_or("write `WHO in ZONE asks SITE: ANSWER`")?;
        let (host, path) = match site.split_once("://") {
            None => (site, None),
            Some((scheme, rest)) => {
                let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (host, (scheme == "http").then_some(path))
            }
        };
        let subject = match who {
            "nobody" => Subject::Nobody,
            _ => self.subjects.get(who).ok_or_else(|| format!("no `{who}` above"))?.clone(),
        };
        let (answer, until) =
            answer.split_once("; ").map_or((answer, None), |(answer, until)| (answer, Some(until)));
        let until = match until {
            None => None,
            Some("for ever") => Some(Until::Forever),
            Some(until) => {
                let time = until.strip_prefix("until ").ok_or("write `; until TIME` or `; for ever`")?;
                Some(Until::Moment(read_time(time)?))
            }
        };
        Ok(Asked {
            line: number,
            subject,
            machine: machine.map(|mac| mac.parse().map_err(text)).transpose()?,
            zone: self.zones.get(zone).ok_or_else(|| format!("no zone `{zone}` above"))?.clone(),
            site: host.parse().map_err(text)?,
            path: path.map(UrlPath::from),
            at,
            clock,
            answer: answer.to_owned(),
            until,
        })
    }
}

/// A verdict in the words of scenarios.
fn describe(verdict: &Verdict) -> String {
    let (effect, origin) = match verdict {
        Verdict::Allow(permit) => ("allow", permit.origin()),
        Verdict::Refuse(refusal) => match &refusal.cause {
            Cause::Policy(origin) => ("refuse", origin),
            Cause::SignInNeeded => return "refuse before sign-in".to_owned(),
            Cause::NotRecorded => return "refuse unrecorded".to_owned(),
        },
    };
    let served = match verdict {
        Verdict::Allow(permit) => permit.served_as().zip(permit.served_by()),
        Verdict::Refuse(_) => None,
    };
    let served = served.map_or(String::new(), |(name, search)| {
        format!(", as {name} by {}/{}", search.rule.level, search.rule.id)
    });
    let spoken = match origin {
        Origin::Opening { .. } => format!("{effect} by opening"),
        Origin::ZoneDefault => format!("{effect} by default"),
        Origin::Welcome => format!("{effect} by welcome"),
        Origin::Evasion(evasion) => format!("{effect} by the box, {evasion}"),
        Origin::Rule { rule, matched } => {
            let matched = match matched {
                Matched::Site(site) => format!("site {site}"),
                Matched::Engine(site) => format!("engine {site}"),
                Matched::Address => "address".to_owned(),
                Matched::Url(page) => format!("page {page}"),
                Matched::Category { category, list_date, by } => {
                    let by = match by {
                        ListedBy::Site => "",
                        ListedBy::Url => " by page",
                        ListedBy::Expression => " by expression",
                    };
                    format!("category {category} {list_date}{by}")
                }
                Matched::Everything => "everything".to_owned(),
            };
            format!("{effect} by {}/{}, {matched}", rule.level, rule.id)
        }
    };
    spoken + &served
}

fn read_list(lines: &[&str]) -> Result<Vec<(String, Vec<Entry>)>, String> {
    let mut categories = Vec::new();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        let name = words.next().ok_or("write `CATEGORY SITE ...`")?.to_owned();
        categories.push((name, words.map(read_entry).collect::<Result<_, _>>()?));
    }
    Ok(categories)
}

fn read_entry(word: &str) -> Result<Entry, String> {
    if let Some(expression) = word.strip_prefix('~') {
        return Ok(Entry::Expression(expression.to_owned()));
    }
    let (host, path) = word.split_at(word.find('/').unwrap_or(word.len()));
    let site = host.parse().map_err(text)?;
    Ok(if path.is_empty() { Entry::Site(site) } else { Entry::Url(site, UrlPath::from(path)) })
}

fn build_table(list: &List) -> Result<Table, String> {
    let mut bytes = Vec::new();
    let mut builder = Builder::new(1, Vec::new()).map_err(text)?;
    for (name, entries) in &list.categories {
        let id = builder.category(name).map_err(text)?;
        for entry in entries {
            match entry {
                Entry::Site(site) => builder.add(site, id).map_err(text)?,
                Entry::Url(host, path) => builder.add_url(host, path, id).map_err(text)?,
                Entry::Expression(expression) => builder.add_expression(expression, id).map_err(text)?,
            }
        }
    }
    let description = Description { date: Arc::from(list.date.as_str()), ..Description::default() };
    let since = Since::first(list.date.parse().map_err(text)?);
    builder.finish(&description, &since, &mut bytes).map_err(text)?;
    Table::open(bytes).map_err(text)
}

/// Reads `2026-11-23 10:00:00` in Paris, with an offset behind it where the clock shows that time twice.
fn read_time(text: &str) -> Result<Moment, String> {
    let wrong = |error: jiff::Error| format!("`{text}`: {error}");
    let paris = TimeZone::get("Europe/Paris").map_err(wrong)?;
    let timestamp = match text.rsplit_once(' ').filter(|(_, offset)| offset.starts_with(['+', '-'])) {
        Some((time, offset)) => {
            let timestamp: Timestamp = format!("{time}{offset}").parse().map_err(wrong)?;
            let shown = timestamp.to_zoned(paris).strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
            if shown != text {
                return Err(format!("clocks in Paris show `{shown}` then, not `{text}`"));
            }
            timestamp
        }
        None => {
            let time: civil::DateTime = text.parse().map_err(wrong)?;
            paris.to_ambiguous_timestamp(time).unambiguous().map_err(wrong)?
        }
    };
    Ok(Moment::from_unix_milliseconds(timestamp.as_millisecond()))
}

fn words<const N: usize>(text: &str) -> Result<[&str; N], String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.try_into().map_err(|_| format!("expected {N} words"))
}

fn one_of<T>(word: &str, choices: [(&str, T); 2]) -> Result<T, String> {
    let known = choices.each_ref().map(|(name, _)| *name).join(" or ");
    choices
        .into_iter()
        .find(|(name, _)| *name == word)
        .map(|(_, value)| value)
        .ok_or(format!("write {known}"))
}

fn text(error: impl ToString) -> String {
    error.to_string()
}
