//! Drafts, versions and questions on a small académie.

use std::collections::BTreeSet;

use preau::model::{DefaultVerdict, Moment, Role, Uai, ZoneKind};

use super::*;
use crate::{
    audit, channel, database,
    database::{Database, trial},
    fleet::{
        observed,
        schools::{self, School},
    },
    words::{Actor, DepartementCode, Grant, Granted, GroupName, PersonId, Place, Right},
};

pub(super) const PARTS: [database::Part; 5] =
    [audit::PART, schools::PART, observed::PART, channel::PART, PART];
pub(super) const NOW: Moment = Moment::from_unix_seconds(1_795_417_200);

pub(super) fn uai(number: u32) -> Uai {
    Uai::new(&format!("{number:07}A")).unwrap()
}

pub(super) fn somme() -> Place {
    Place::Departement(DepartementCode::new("80").unwrap())
}

pub(super) fn rep() -> Place {
    Place::Group(GroupName::new("rep-plus").unwrap())
}

pub(super) fn actor(id: i64, place: &Place) -> Actor {
    let grants = [Right::Write, Right::Publish].map(|right| Grant { right, place: place.clone() });
    Actor { id: PersonId(id), name: format!("Personne {id}"), grants: grants.to_vec() }
}

pub(super) fn granted(id: i64, right: Right, place: &Place) -> Granted {
    actor(id, place).may(right, place, &[]).unwrap()
}

/// An académie of two départements; the first `rep` schools of the Somme are in the group.
pub(super) struct Fleet {
    _dir: tempfile::TempDir,
    pub(super) database: Database,
}

impl Fleet {
    pub(super) async fn of(count: u32, rep_count: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let location = trial::location(&dir.path().join("x")).await;
        let database = Database::open(&location, &PARTS).await.unwrap();
        let mut write = database.write().await.unwrap();
        for number in 0..count {
            let school = School {
                uai: uai(number),
                name: format!("Collège {number}"),
                kind: String::new(),
                town: String::new(),
                departement: DepartementCode::new(if number % 2 == 0 { "80" } else { "02" }).unwrap(),
            };
            schools::enter(&mut write, &school).await.unwrap();
            if number < rep_count {
                let group = GroupName::new("rep-plus").unwrap();
                schools::put_into(&mut write, &group, &uai(number)).await.unwrap();
            }
        }
        write.commit().await.unwrap();
        Self { _dir: dir, database }
    }

    /// Publishes `text` as the document of `place`.
    pub(super) async fn publish(&self, place: &Place, rules: &str) -> Result<Published, Refused> {
        let text = text(place, rules);
        let mut write = self.database.write().await.unwrap();
        let writer = granted(1, Right::Write, place);
        let draft = begin(&mut write, &writer, place, None, "Essai", NOW).await?;
        let draft = edit(&mut write, &writer, draft.id, draft.revision, &Edit::Text(text), NOW).await?;
        let publisher = granted(1, Right::Publish, place);
        let published = publish(
            &mut write,
            &publisher,
            (draft.id, draft.revision),
            "essai",
            (&TwoPersons::default(), &Lists::none()),
            NOW,
        )
        .await?;
        write.commit().await.unwrap();
        Ok(published)
    }

    /// Settles the latest version of `place`, as a finished release does.
    pub(super) async fn settle(&self, place: &Place) {
        let latest = latest_version(&self.database, place).await.unwrap().unwrap();
        let mut write = self.database.write().await.unwrap();
        wanted::settle(&mut write, place, latest.number, true).await.unwrap();
        write.commit().await.unwrap();
    }
}

pub(super) fn text(place: &Place, rules: &str) -> String {
    format!("version = 1\nlevel = \"{}\"\nname = \"Essai\"\n{rules}", level_of(place))
}

pub(super) fn rule(id: &str, effect: &str, rest: &str) -> String {
    format!("[[rule]]\nid = \"{id}\"\neffect = \"{effect}\"\nreason = \"motif\"\n{rest}\n")
}

fn asked(place: Place, address: &str) -> Asked {
    Asked {
        place,
        who: Who::Person { role: Role::Eleve, classes: vec!["6A".to_owned()] },
        zone: ZoneKind::Pedagogique,
        default: DefaultVerdict::Allow,
        address: address.to_owned(),
        at: NOW,
    }
}

#[tokio::test]
async fn a_version_says_which_it_is_and_reads_back_as_what_was_written() {
    let fleet = Fleet::of(1, 0).await;
    let rules = rule("jeux", "block", "sites = [\"jeux.example\"]");
    fleet.publish(&somme(), &rules).await.unwrap();
    let version = latest_version(&fleet.database, &somme()).await.unwrap().unwrap();
    assert!(
        version.text.starts_with("# Préau, departement/80, version 1 of 2026-11-23."),
        "{}",
        version.text
    );
    assert!(!version.text.contains("Personne"), "no author travels to the schools");
    let document = version.document().unwrap();
    assert_eq!(document, Document::read(&text(&somme(), &rules), &somme()).unwrap());
    assert_eq!(target(&somme(), 1), "policy/departement-80-v1.toml");
    assert_eq!(
        difference(&fleet.database, &version).await.unwrap().changes.len(),
        2,
        "the name and the rule"
    );
    assert_eq!(history(&fleet.database, &somme(), None).await.unwrap(), [version]);
}

#[tokio::test]
async fn a_draft_that_somebody_changed_meanwhile_is_looked_at_again() {
    let fleet = Fleet::of(1, 0).await;
    let place = somme();
    let writer = granted(1, Right::Write, &place);
    let mut write = fleet.database.write().await.unwrap();
    let draft = begin(&mut write, &writer, &place, None, "Somme", NOW).await.unwrap();
    let named = edit(&mut write, &writer, draft.id, 1, &Edit::Name("La Somme".into()), NOW).await.unwrap();
    let late = edit(&mut write, &writer, draft.id, 1, &Edit::Name("Autre".into()), NOW).await;
    assert!(matches!(late, Err(Refused::Changed { .. })), "{late:?}");
    write.commit().await.unwrap();
    assert_eq!(find_draft(&fleet.database, draft.id).await.unwrap(), Some(named.clone()));

    fleet.publish(&place, &rule("jeux", "block", "sites = [\"jeux.example\"]")).await.unwrap();
    let mut write = fleet.database.write().await.unwrap();
    let publisher = granted(1, Right::Publish, &place);
    let (two, lists) = (TwoPersons::default(), Lists::none());
    let published =
        publish(&mut write, &publisher, (named.id, named.revision), "x", (&two, &lists), NOW).await;
    assert!(matches!(published, Err(Refused::Newer { number: 1, .. })), "{published:?}");
    let seen = look_again(&mut write, &writer, named.id, named.revision, 1, NOW).await.unwrap();
    let published = publish(&mut write, &publisher, (seen.id, seen.revision), "x", (&two, &lists), NOW).await;
    assert!(matches!(published, Ok(Published::Version(version)) if version.number == 2));
}

#[tokio::test]
async fn a_proof_for_another_place_or_right_is_none() {
    let fleet = Fleet::of(1, 0).await;
    let mut write = fleet.database.write().await.unwrap();
    for proof in [granted(1, Right::Publish, &somme()), granted(1, Right::Write, &rep())] {
        let begun = begin(&mut write, &proof, &somme(), None, "x", NOW).await;
        assert!(matches!(begun, Err(Refused::NotGranted(_))), "{begun:?}");
    }
}

#[tokio::test]
async fn a_locked_rule_of_the_academie_is_published_by_two_persons() {
    let fleet = Fleet::of(1, 0).await;
    let place = Place::Academie;
    let open = rule("jeux", "block", "sites = [\"jeux.example\"]");
    assert!(matches!(fleet.publish(&place, &open).await, Ok(Published::Version(_))), "nothing is locked yet");
    let locked = format!("{open}locked = true\n");
    assert_eq!(fleet.publish(&place, &locked).await.unwrap(), Published::Proposed);
    let draft = all_drafts(&fleet.database).await.unwrap().remove(0);
    let which = (draft.id, draft.revision);
    let mut write = fleet.database.write().await.unwrap();
    let same = approve(&mut write, &granted(1, Right::Publish, &place), which, &Lists::none(), NOW).await;
    assert!(matches!(same, Err(Refused::SamePerson)), "{same:?}");
    let version = approve(&mut write, &granted(2, Right::Publish, &place), which, &Lists::none(), NOW).await;
    let version = version.unwrap();
    assert_eq!((version.number, version.author.as_str()), (2, "Personne 1"));
    assert_eq!(version.second.as_deref(), Some("Personne 2"));
}

#[tokio::test]
async fn a_changed_draft_is_not_what_was_proposed() {
    let fleet = Fleet::of(1, 0).await;
    let place = Place::Academie;
    let rules = rule("jeux", "block", "sites = [\"jeux.example\"]\nlocked = true");
    assert_eq!(fleet.publish(&place, &rules).await.unwrap(), Published::Proposed);
    let draft = all_drafts(&fleet.database).await.unwrap().remove(0);
    let mut write = fleet.database.write().await.unwrap();
    let proof = granted(1, Right::Write, &place);
    let draft = edit(&mut write, &proof, draft.id, draft.revision, &Edit::Name("Autre".into()), NOW).await;
    let draft = draft.unwrap();
    let which = (draft.id, draft.revision);
    let late = approve(&mut write, &granted(2, Right::Publish, &place), which, &Lists::none(), NOW).await;
    assert!(matches!(late, Err(Refused::NotNow(_))), "{late:?}");
}

#[tokio::test]
async fn departements_and_groups_share_a_level_and_so_their_ids() {
    let fleet = Fleet::of(2, 1).await;
    let rules = rule("jeux", "block", "sites = [\"jeux.example\"]");
    fleet.publish(&somme(), &rules).await.unwrap();
    let taken = fleet.publish(&rep(), &rules).await;
    assert!(matches!(&taken, Err(Refused::TakenId { place, .. }) if *place == somme()), "{taken:?}");
    let aisne = Place::Departement(DepartementCode::new("02").unwrap());
    assert!(fleet.publish(&aisne, &rules).await.is_ok(), "no school is in two départements");
}

#[tokio::test]
async fn a_school_has_what_is_above_it_in_order_and_a_draft_in_its_place() {
    let fleet = Fleet::of(2, 1).await;
    let school = Place::School(uai(0));
    for (place, id) in [(Place::Academie, "a"), (somme(), "d"), (rep(), "g"), (school.clone(), "e")] {
        fleet.publish(&place, &rule(id, "block", "sites = [\"jeux.example\"]")).await.unwrap();
        fleet.settle(&place).await;
    }
    let places = |composed: &Composed| -> Vec<_> {
        composed.layers.iter().map(|layer| (layer.place.clone(), layer.version)).collect()
    };
    let composed = compose(&fleet.database, &Lists::none(), &school, None).await.unwrap();
    let all = [(Place::Academie, Some(1)), (somme(), Some(1)), (rep(), Some(1)), (school.clone(), Some(1))];
    assert_eq!(places(&composed), all);
    let other = Place::School(uai(1));
    let of_other = compose(&fleet.database, &Lists::none(), &other, None).await.unwrap();
    assert_eq!(places(&of_other), [(Place::Academie, Some(1))]);

    let draft = text(&rep(), &rule("g2", "allow", "sites = [\"jeux.example\"]\nlocked = true"));
    let draft = Document::read(&draft, &rep()).unwrap();
    let answer = ask(
        &fleet.database,
        &Lists::none(),
        &asked(school, "https://www.jeux.example/x"),
        Some((&rep(), &draft)),
    )
    .await
    .unwrap();
    assert!(answer.is_changed() && answer.now.is_allowed() && !answer.lists_known);
    let spoke = Spoke { place: rep(), version: None, rule: "g2".to_owned() };
    assert_eq!(answer.now.spoke, Some(spoke));
    let before = answer.before.unwrap();
    let spoke = Spoke { place: Place::School(uai(0)), version: Some(1), rule: "e".to_owned() };
    assert_eq!(before.spoke, Some(spoke), "the most specific open rule");
    let elsewhere =
        ask(&fleet.database, &Lists::none(), &asked(other, "jeux.example"), Some((&rep(), &draft))).await;
    assert!(!elsewhere.unwrap().is_changed(), "the group's draft is nothing to a school outside of it");
}

#[tokio::test]
async fn a_rule_behind_a_locked_one_is_told_with_the_schools_where_it_is() {
    let fleet = Fleet::of(4, 1).await;
    let closed = rule("jeux", "block", "sites = [\"jeux.example\"]\nlocked = true");
    fleet.publish(&somme(), &closed).await.unwrap();
    fleet.settle(&somme()).await;
    let draft = format!(
        "{}{}",
        rule("essai", "allow", "sites = [\"www.jeux.example\", \"echecs.example\"]"),
        rule("jamais", "allow", "sites = [\"jeux.example\"]\nroles = [\"eleve\"]"),
    );
    let draft = Document::read(&text(&Place::Academie, &draft), &Place::Academie).unwrap();
    let told = warnings(&fleet.database, &Place::Academie, &draft).await.unwrap();
    let told: Vec<_> = told
        .warnings
        .iter()
        .map(|warning| (warning.silent.rule.as_str(), warning.silent.wholly, warning.schools.clone()))
        .collect();
    let of_the_somme = vec![uai(0), uai(2)];
    assert_eq!(told, [("essai", false, of_the_somme.clone()), ("jamais", true, of_the_somme)]);
}

#[tokio::test]
async fn a_lock_tells_which_rules_below_it_silences() {
    let fleet = Fleet::of(2, 0).await;
    let school = Place::School(uai(1));
    fleet
        .publish(&school, &rule("ici", "allow", "sites = [\"jeux.example\"]\nclasses = [\"6A\"]"))
        .await
        .unwrap();
    fleet.settle(&school).await;
    let draft = rule("jeux", "block", "sites = [\"example\"]\nlocked = true\nroles = [\"eleve\"]");
    let of = |rules: &str| Document::read(&text(&Place::Academie, rules), &Place::Academie).unwrap();
    let told = warnings(&fleet.database, &Place::Academie, &of(&draft)).await.unwrap();
    assert_eq!(told.warnings, [], "a teacher of the class is still let through");
    let draft = of(&draft.replace("roles", "classes").replace("eleve", "6A"));
    let told = warnings(&fleet.database, &Place::Academie, &draft).await.unwrap().warnings;
    assert_eq!(told.len(), 1);
    assert!(told[0].of_another && told[0].schools == [uai(1)]);
    assert_eq!(told[0].silent.behind, [(Place::Academie, "jeux".to_owned())]);
}

#[tokio::test]
async fn a_rehearsal_counts_what_would_change_and_names_what_is_nobodys() {
    let fleet = Fleet::of(1, 0).await;
    let school = Place::School(uai(0));
    let before = compose(&fleet.database, &Lists::none(), &school, None).await.unwrap();
    let draft = rule("jeux", "block", "sites = [\"jeux.example\"]\nroles = [\"eleve\"]");
    let draft = Document::read(&text(&school, &draft), &school).unwrap();
    let after = compose(&fleet.database, &Lists::none(), &school, Some((&school, &draft))).await.unwrap();
    let counts = [
        ("www.jeux.example", Role::Eleve, 6),
        ("a.jeux.example", Role::Eleve, 9),
        ("www.jeux.example", Role::Eleve, 4),
        ("www.jeux.example", Role::Enseignant, 100),
        ("ecole.example", Role::Eleve, 1000),
    ];
    let who = |role| Who::Person { role, classes: Vec::new() };
    let counts = counts.map(|(name, role, count)| (name.parse().unwrap(), who(role), count));
    let zone = (ZoneKind::Pedagogique, DefaultVerdict::Allow);
    let mut rehearsal = Rehearsal::default();
    // What two schools asked for counts together.
    let (one, other) = counts.split_at(2);
    rehearsal.ask(&before, &after, one.to_vec(), zone, NOW);
    rehearsal.ask(&before, &after, other.to_vec(), zone, NOW);
    let rehearsed = rehearsal.done();
    assert_eq!((rehearsed.questions, rehearsed.closed, rehearsed.opened), (1119, 19, 0));
    assert_eq!(rehearsed.by_rule.len(), 1);
    assert_eq!(rehearsed.by_rule[0].rule, Some((school, "jeux".to_owned())));
    assert_eq!(rehearsed.by_rule[0].names, [("www.jeux.example".to_owned(), 10)]);
}

#[test]
fn acts_are_read_by_their_words() {
    for act in [Act::LockedRules, Act::Academie] {
        assert_eq!(Act::read(act.word()), Some(act));
    }
    assert_eq!(TwoPersons::default().0, BTreeSet::from([Act::LockedRules]));
}
