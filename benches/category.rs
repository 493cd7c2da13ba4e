//! Figures of the category table and the judge, plain: `cargo bench --bench category -- FOLDER QUERIES`.
//!
//! FOLDER is a folder of lists in UT1's layout; QUERIES a file with a name at the start of each line (the rest of the
//! line is ignored). Without them nothing is measured. Times are this process's CPU time, so that a busy machine counts
//! less; memory includes the pages of the mapped files.

use std::{collections::HashSet, env, fs, hint::black_box, path::Path, sync::Arc, time::Duration};

use preau::{
    lists,
    model::{
        Account, AccountId, ClassName, ClockTrust, DefaultVerdict, Domain, Moment, Quic, Role, SignIn, Site,
        Subject, Zone, ZoneKind,
    },
    policy::{Policy, Question, RuleFile, category::Table},
    system::mapped::Mapped,
};
use rustix::time::{ClockId, clock_gettime};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [folder, queries] = arguments.as_slice() else {
        println!("give a folder of lists and a file of names to ask");
        return Ok(());
    };
    let dir = tempfile::tempdir()?;
    let out = dir.path().join("categories.table");
    let started = cpu_seconds();
    let report = lists::build(Path::new(folder), &out, &lists::Options::default())?;
    println!(
        "build            {:8.2} s, {} names, {} left out",
        (cpu_seconds() - started),
        report.names,
        report.faults_count()
    );
    for fault in &report.faults {
        println!("                 left out: {fault}");
    }
    println!("peak memory      {:8} kB", memory("VmHWM:"));
    println!("table            {:8.1} MB", megabytes(&out)?);
    println!("names file       {:8.1} MB", megabytes(&dir.path().join("categories.table.names"))?);
    let anonymous = memory("RssAnon:");
    let started = cpu_seconds();
    let table = Table::open(Mapped::open(&out)?)?;
    println!("open             {:8.0} µs", (cpu_seconds() - started) * 1e6);
    let started = cpu_seconds();
    table.verify()?;
    println!("verify           {:8.1} ms", (cpu_seconds() - started) * 1e3);
    println!("memory of its own{:8} kB", memory("RssAnon:").saturating_sub(anonymous));
    let names: Vec<Domain> = fs::read_to_string(queries)?
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    look_up(&table, &names);
    judge(table, &names)
}

/// Asks the table for every name: as they come, few of them often, and each name alone in no order.
fn look_up(table: &Table, names: &[Domain]) {
    // A name that is asked was just read from a packet: copies lie in the order they are asked in, so that the misses
    // counted are the table's.
    let distinct: HashSet<&Domain> = names.iter().collect();
    let distinct: Vec<Domain> = distinct.into_iter().filter_map(|name| name.as_str().parse().ok()).collect();
    let skewed: Vec<Domain> = names.iter().filter_map(|name| name.as_str().parse().ok()).collect();
    for (what, names) in [("as they come", skewed), ("each name once", distinct)] {
        for _ in 0..3 {
            let started = cpu_seconds();
            let listed = names.iter().filter(|name| !black_box(table.categories_of(name)).is_empty()).count();
            rate(&format!("look up, {what} ({listed} listed)"), names.len(), started);
        }
    }
}

/// Asks a judge of 200 rules of 50 sites each.
fn judge(table: Table, names: &[Domain]) -> anyhow::Result<()> {
    let category = Arc::clone(&table.categories()[0].name);
    let mut text =
        "version = 1\nlevel = \"academie\"\nname = \"x\"\n[timetables]\nc = { monday = [\"08:00-12:00\"] }\n"
            .to_owned();
    for rule in 0..200 {
        let sites: Vec<_> = (0..50).map(|site| format!("s{site}.r{rule}.example")).collect();
        text += &format!(
            "[[rule]]\nid = \"r{rule}\"\neffect = \"block\"\nreason = \"x\"\nsites = {sites:?}\ncategories = [\"{category}\"]\n\
             roles = [\"enseignant\"]\nduring = \"c\"\n"
        );
    }
    text += &format!(
        "[[rule]]\nid = \"last\"\neffect = \"block\"\nreason = \"x\"\ncategories = [\"{category}\"]\n"
    );
    let policy = Policy::new(vec![RuleFile::parse(&text)?], Some(table))?;
    let subject = Subject::Person(Arc::new(Account {
        id: AccountId::new("1"),
        display_name: String::new(),
        role: Role::Eleve,
        classes: vec![ClassName::new("6A")],
    }));
    let zone = Zone {
        name: "pedagogique".parse()?,
        kind: ZoneKind::Pedagogique,
        interface: Arc::from("lan0"),
        ipv4: "10.0.0.1/24".parse()?,
        ipv6: "fd00::1/64".parse()?,
        sign_in: SignIn::Required,
        default: DefaultVerdict::Allow,
        quic: Quic::Reject,
        tunnel: preau::model::TunnelAccess::None,
        services: Vec::new(),
    };
    let at = Moment::from_unix_seconds(1_795_417_200);
    let sites: Vec<Site> = names.iter().cloned().map(Site::Name).collect();
    let started = cpu_seconds();
    for site in &sites {
        let _ = black_box(policy.judge(&Question {
            subject: &subject,
            machine: None,
            zone: &zone,
            site,
            path: None,
            at,
            clock: ClockTrust::Trusted,
        }));
    }
    rate("judge, 201 rules", sites.len(), started);
    Ok(())
}

fn rate(what: &str, count: usize, started: f64) {
    let seconds = cpu_seconds() - started;
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    println!("{what}: {:.2} million/s, {:.0} ns each", count / seconds / 1e6, seconds / count * 1e9);
}

fn cpu_seconds() -> f64 {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default().as_secs_f64()
}

fn megabytes(path: &Path) -> anyhow::Result<f64> {
    Ok(f64::from(u32::try_from(fs::metadata(path)?.len() / 1000)?) / 1e3)
}

/// A line of this process's status, in kB.
fn memory(line: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|found| found.strip_prefix(line));
    value.and_then(|value| value.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
