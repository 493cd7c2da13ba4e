//! Who signs in by what.

use super::*;

fn named(id: &str, given_name: &str, family_name: &str) -> PersonRecord {
    let mut record = pupil(id, "6A");
    record.person.given_name = given_name.to_owned();
    record.person.family_name = family_name.to_owned();
    record
}

fn login(office: &Office, id: &str) -> String {
    office.register.find(id).unwrap().unwrap().person.login.unwrap()
}

#[test]
fn homonyms_are_numbered_and_local_logins_are_left_alone() {
    let office = Office::new();
    let delivery = Delivery::complete(20)
        .person(named("1", "Alix", "Exemple"))
        .person(named("2", "Álix", "EXEMPLE"))
        .person(named("3", "alix", "exemple"))
        .person(named("4", "", "Référent"));
    office.in_force(&delivery);
    let logins = ["1", "2", "3", "4"].map(|id| login(&office, id));
    assert_eq!(logins, ["alix.exemple", "alix.exemple2", "alix.exemple3", "referent2"]);
}

#[test]
fn a_login_stays_when_the_name_changes_and_is_not_given_again_while_its_owner_is_in_the_trash() {
    let mut office = Office::new();
    office.in_force(&Delivery::complete(10).person(named("1", "Alix", "Exemple")));
    office.in_force(&Delivery::complete(11).person(named("1", "Alix", "Nouveau")));
    assert_eq!(login(&office, "1"), "alix.exemple");
    office.in_force(&Delivery::complete(12).person(named("2", "Alix", "Exemple")));
    assert_eq!(login(&office, "2"), "alix.exemple2");
    office.on(date(2027, 3, 1)).apply();
    let later = Delivery::new(Format::Aaf, Extent::Complete, Some(date(2027, 3, 1)))
        .school(HERE)
        .person(named("2", "Alix", "Exemple"))
        .person(named("3", "Alix", "Exemple"));
    office.in_force(&later);
    assert_eq!(login(&office, "2"), "alix.exemple2");
    assert_eq!(login(&office, "3"), "alix.exemple3");
}

#[test]
fn a_login_of_the_source_goes_before_one_of_the_box_and_follows_the_source() {
    let office = Office::new();
    let with_login = |login: &str| {
        let mut record = named("2", "Alix", "Exemple");
        record.person.login = Some(login.to_owned());
        record
    };
    let first = Delivery::complete(10).person(named("1", "Alix", "Exemple"));
    office.in_force(&first.person(with_login("Alix.Exemple")));
    assert_eq!([login(&office, "1"), login(&office, "2")], ["alix.exemple2", "alix.exemple"]);
    let second = Delivery::complete(11).person(named("1", "Alix", "Exemple"));
    office.in_force(&second.person(with_login("alix.autre")));
    assert_eq!([login(&office, "1"), login(&office, "2")], ["alix.exemple2", "alix.autre"]);
    assert!(!office.register.find("2").unwrap().unwrap().is_login_of_the_box);
}

#[test]
fn of_two_people_with_one_login_of_the_source_the_second_gets_another_and_somebody_is_told() {
    let office = Office::new();
    let with_login = |id: &str| {
        let mut record = named(id, "Alix", "Exemple");
        record.person.login = Some("aexemple".to_owned());
        record
    };
    office.in_force(&Delivery::complete(10).person(with_login("1")).person(with_login("2")));
    assert_eq!([login(&office, "1"), login(&office, "2")], ["aexemple", "alix.exemple"]);
    assert_eq!(office.register.quarantine().unwrap()[0].id, Some(AccountId::new("2")));
}
