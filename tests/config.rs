//! The configuration as people write it: what a sound one comes to, and what each fault is answered.
//!
//! `tests/config/sound/` is a whole school. Each directory of `tests/config/faults/` is named by one fault and holds what
//! differs from the sound school (whole files, or lines in `change`) and, in `expected`, every problem that must be
//! found. A `change` names a file, then the lines that go (`-`) and those that come in their place (`+`).
//!
//! Certificates are made for each run; no key is kept. After an intended change of messages:
//! `PREAU_GOLDEN=write cargo test --test config`, then read the difference.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use preau::{
    config::{Config, FromChannel, check_form},
    lists,
    model::Moment,
    sync::in_force,
};
use proptest::prelude::*;
use tempfile::TempDir;

/// 2026-11-20T00:00:00Z, the date of the sound school's lists.
const LISTS_SECONDS: u64 = 1_795_132_800;

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn a_sound_configuration_is_shown_with_every_value() {
    let school = School::sound();
    let shown = school.load().unwrap();
    compare(&sources().join("sound/expected"), &shown);
}

#[test]
fn every_fault_is_answered_with_its_place_and_remedy() {
    let mut count = 0;
    for entry in fs::read_dir(sources().join("faults")).unwrap() {
        let dir = entry.unwrap().path();
        let school = School::sound();
        school.spoil(&dir);
        let problems = match school.load() {
            Err(problems) => problems,
            Ok(_) => panic!("{}: nothing was found wrong", dir.display()),
        };
        compare(&dir.join("expected"), &format!("{problems}\n"));
        count += 1;
    }
    assert!(count >= 70, "only {count} faults");
}

#[test]
fn what_the_channel_brought_stands_in_place_of_the_files_rules() {
    let school = School::sound();
    let own = school.config();
    assert_eq!(own.from_channel, FromChannel::default());
    school.take_policy(4, "id = 'quatre'\neffect = 'allow'\nsites = ['a.example']");
    assert_eq!(rule_ids(&school.config()), rule_ids(&own), "it is not in force yet");
    in_force::set_policy(&own.state_dir, 4).unwrap();
    let config = school.config();
    assert_eq!((rule_ids(&config), config.from_channel.policy), (vec!["quatre".to_owned()], Some(4)));
}

#[test]
fn a_damaged_policy_of_the_channel_gives_way_to_the_one_before_and_then_to_the_file() {
    let school = School::sound();
    let own = school.config();
    school.take_policy(4, "id = 'quatre'\neffect = 'allow'\nsites = ['a.example']");
    school.take_policy(5, "id = 'cinq'\neffect = 'refuse'");
    in_force::set_policy(&own.state_dir, 5).unwrap();
    let config = school.config();
    assert_eq!(rule_ids(&config), ["quatre"]);
    let fault = config.from_channel.fault.unwrap();
    assert!(fault.contains("policy 5") && fault.contains("academie version 5"), "{fault}");
    fs::remove_file(in_force::policy_dir(&own.state_dir, 4).join("00.toml")).unwrap();
    let config = school.config();
    assert_eq!((rule_ids(&config), config.from_channel.policy), (rule_ids(&own), None));
}

#[test]
fn the_lists_of_the_channel_stand_in_place_of_the_files_where_the_rules_can_be_judged_by_them() {
    let school = School::sound();
    let own = school.config();
    let taken = in_force::categories_path(&own.state_dir);
    fs::create_dir_all(taken.parent().unwrap()).unwrap();
    fs::copy(school.path("categories.table"), &taken).unwrap();
    assert_eq!(school.config().categories.unwrap().path, taken);
    fs::write(&taken, "no table").unwrap();
    let config = school.config();
    assert_eq!(config.categories, own.categories);
    assert!(config.from_channel.fault.unwrap().contains("lists of the channel"));
}

#[test]
fn every_cut_within_a_line_is_refused_with_a_line() {
    let text = fs::read_to_string(sources().join("sound/preau.toml")).unwrap();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let cut = &text[..end];
        match check_form(Path::new("preau.toml"), cut) {
            Ok(()) => assert!(cut.ends_with('\n') || text[end..].starts_with('\n'), "cut at byte {end}"),
            Err(problems) => {
                assert!(
                    problems.iter().all(|problem| problem.line.is_some()),
                    "cut at byte {end}: {problems}"
                );
            }
        }
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let school = School::sound();
    let sound = school.load().unwrap();
    for name in ["preau.toml", "academie.toml", "etablissement.toml", "accounts.csv"] {
        let path = school.path(name);
        let text = fs::read_to_string(&path).unwrap().replace('\n', "\r\n");
        fs::write(&path, format!("\u{feff}{text}")).unwrap();
    }
    assert_eq!(school.load().unwrap(), sound);
}

#[test]
fn a_sound_configuration_of_today_has_no_warnings() {
    assert_eq!(School::sound().warnings(10), "");
}

#[test]
fn old_dates_and_rules_that_never_speak_are_warned_of() {
    let school = School::sound();
    school.write_certificate("portal", "portail.college.exemple", 2027);
    let rules = school.path("etablissement.toml");
    let text = fs::read_to_string(&rules).unwrap();
    fs::write(&rules, text.replace("zones = [\"pedagogique\"]", "zones = [\"pedagogie\"]")).unwrap();
    fs::write(school.path("accounts.csv"), "id,login,name,role,classes,password\n").unwrap();
    assert_eq!(
        school.warnings(41),
        "portal: the certificate in `portal.pem` ends within 30 days; renew it\n\
         lists: categories.table is 41 days old; build it from a fresh list\n\
         accounts: accounts.csv holds no account, so nobody can sign in\n\
         etablissement.toml:6: rule `radio` never speaks: this box has no zone pedagogie\n"
    );
    let ended = school.warnings(80);
    assert!(ended.contains("does not hold: it ended at 2027-01-01T00:00:00.000Z; renew it"), "{ended}");
}

#[test]
fn rules_about_pages_are_warned_of_where_they_do_less_than_they_seem_to() {
    let school = School::sound();
    let rules = school.path("etablissement.toml");
    let mut text = fs::read_to_string(&rules).unwrap();
    for (id, effect, site) in [
        ("a", "block", "exemple.fr/jeux"),
        ("b", "allow", "exemple.fr/jeux/echecs"),
        ("c", "allow", "exemple.fr/cours"),
    ] {
        text.push_str(&format!(
            "\n[[rule]]\nid = \"{id}\"\neffect = \"{effect}\"\nsites = [\"{site}\"]\nreason = \"x\"\n"
        ));
    }
    fs::write(&rules, text).unwrap();
    let told = school.warnings(10);
    let lines: Vec<_> = told.lines().collect();
    assert!(lines[0].ends_with("rule `a` closes `exemple.fr/jeux` in plain HTTP only: over HTTPS the box sees nothing but the name `exemple.fr`"), "{told}");
    assert!(lines[1].contains("rule `c` opens nothing by `exemple.fr/cours`"), "{told}");
    assert!(!told.contains("rule `b`"), "{told}");
}

proptest! {
    #[test]
    fn a_configuration_with_odd_bytes_is_answered_without_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]=\"'{},.#0-9é\n-]{0,3}"), 1..4)
    ) {
        let mut text = fs::read_to_string(sources().join("sound/preau.toml")).unwrap();
        for (place, odd) in changes {
            let at = place.index(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(at + 1) {
                text.replace_range(at..=at, &odd);
            }
        }
        if let Err(problems) = check_form(Path::new("preau.toml"), &text) {
            prop_assert!(problems.iter().next().is_some());
        }
    }
}

/// A sound school in a directory of its own, to be spoilt.
struct School(TempDir);

fn rule_ids(config: &Config) -> Vec<String> {
    config.policy.rules().iter().map(|rule| rule.id.to_string()).collect()
}

impl School {
    fn sound() -> Self {
        let school = Self(tempfile::tempdir().unwrap());
        copy_dir(&sources().join("sound"), school.0.path());
        for category in ["games", "gambling"] {
            let list = File::options().append(true).open(school.path("lists").join(category).join("domains"));
            list.unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(LISTS_SECONDS)).unwrap();
        }
        let (folder, table) = (school.path("lists"), school.path("categories.table"));
        assert!(lists::build(&folder, &table, &lists::Options::default()).unwrap().refusals.is_empty());
        school.write_certificate("portal", "portail.college.exemple", 2100);
        school.write_certificate("other", "autre.exemple", 2100);
        school
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn config(&self) -> Config {
        Config::load(&self.path("preau.toml")).unwrap()
    }

    /// Lays a policy of that number with one rule where the channel leaves it; it is not in force by that.
    fn take_policy(&self, number: u64, rule: &str) {
        let dir = in_force::policy_dir(&self.path("state"), number);
        fs::create_dir_all(&dir).unwrap();
        let index = format!(
            r#"{{"version":1,"school":"0809999Z","number":{number},
                "documents":[{{"target":"policy/academie.toml","place":"academie","version":{number}}}]}}"#
        );
        fs::write(dir.join("policy.json"), index).unwrap();
        let text = format!("version = 1\nlevel = 'academie'\nname = 'Académie'\n[[rule]]\n{rule}\n");
        fs::write(dir.join("00.toml"), text).unwrap();
    }

    /// Writes a certificate for `host` that ends with the beginning of a year, and its key.
    fn write_certificate(&self, name: &str, host: &str, ends: i32) {
        let mut params = rcgen::CertificateParams::new([host.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(ends, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    /// Puts the fault of `dir` in place.
    fn spoil(&self, dir: &Path) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.file_name().unwrap().to_str().unwrap() {
                "expected" => {}
                "change" => self.change(&fs::read_to_string(&path).unwrap()),
                name => {
                    fs::copy(&path, self.path(name)).unwrap();
                }
            }
        }
    }

    fn change(&self, change: &str) {
        let mut lines = change.lines().peekable();
        while let Some(name) = lines.next() {
            let mut block = |sign: char| {
                let mut text = String::new();
                while let Some(line) = lines.next_if(|line| line.starts_with(sign)) {
                    text.push_str(line[1..].strip_prefix(' ').unwrap_or(""));
                    text.push('\n');
                }
                text
            };
            let (gone, come) = (block('-'), block('+'));
            let text = fs::read_to_string(self.path(name)).unwrap();
            assert_eq!(text.matches(&gone).count(), 1, "{name} does not hold once:\n{gone}");
            fs::write(self.path(name), text.replace(&gone, &come)).unwrap();
        }
    }

    /// What `preau check` shows, or what is wrong; paths begin at the school.
    fn load(&self) -> Result<String, String> {
        match Config::load(&self.path("preau.toml")) {
            Ok(config) => Ok(self.relative(&config.to_string())),
            Err(problems) => Err(self.relative(&problems.to_string())),
        }
    }

    /// The warnings some days after the lists' date, one a line.
    fn warnings(&self, days: u32) -> String {
        let config = Config::load(&self.path("preau.toml")).unwrap();
        let lists = Moment::from_unix_seconds(i64::try_from(LISTS_SECONDS).unwrap());
        let lines = config.warnings(lists + DAY * days).into_iter().map(|warning| warning + "\n");
        self.relative(&lines.collect::<String>())
    }

    fn relative(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config")
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn compare(path: &Path, text: &str) {
    if std::env::var_os("PREAU_GOLDEN").is_some_and(|word| word == "write") {
        fs::write(path, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(text, expected, "{} holds another text", path.display());
}
