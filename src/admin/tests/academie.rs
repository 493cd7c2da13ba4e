//! What is passed on to the académie, and what it answers.

use super::*;

#[tokio::test]
async fn what_is_passed_on_is_told_until_it_is_kept_and_the_answer_stands_where_it_was_asked() {
    let school = School::open();
    let number = school.ask("alix", "interdit.example", Some("6A")).await.unwrap();
    assert!(
        school.requests.untold().await.unwrap().is_empty(),
        "it stays in the school until it is passed on"
    );
    school.answer("durand", number, Answer::PassOn(" Pour\nle TP ".to_owned())).await.unwrap();
    let school = school.restart();
    let told = school.requests.untold().await.unwrap();
    assert_eq!(told.len(), 1);
    let one = &told[0];
    let said = (one.site.as_str(), one.wish.as_str(), one.class.as_str(), one.askers, one.word.as_str());
    assert_eq!(said, ("interdit.example", "open", "6A", 1, "Pour le TP"));
    let request = one.number;
    school.requests.are_told(told).await.unwrap();
    assert!(school.requests.untold().await.unwrap().is_empty());
    let settle = |number, site: &str, sentence: &'static str| {
        school.requests.settle(number, site.to_owned(), true, sentence, school.now())
    };
    assert!(!settle(request, "autre.example", "Non.").await.unwrap(), "another box's request of that number");
    assert!(!settle(request + 1, "interdit.example", "Non.").await.unwrap());
    assert!(settle(request, "interdit.example", "Ouvert\tlundi.").await.unwrap());
    let sentence = "Ouvert lundi.".to_owned();
    let settled = State::Settled { at: school.now(), granted: true, sentence };
    let own = school.requests.own(&school.granted("alix", Act::AskToOpen)).await.unwrap();
    assert_eq!(own[0].state, settled);
    assert_eq!(school.to_answer("durand").await[0].state, settled);
    assert_eq!(school.to_answer("robin").await[0].state, settled);
}

#[tokio::test]
async fn a_teacher_asks_for_a_site_to_be_closed_and_only_the_academie_can() {
    let school = School::open();
    let close = async |who: &str, class: Option<&str>| {
        let granted = school.granted(who, Act::AskToOpen);
        let site = "jeux.example".parse().unwrap();
        let class = class.map(ClassName::new);
        school.requests.ask(&granted, site, Wish::Close, class, "Distrait", school.now()).await
    };
    assert_eq!(kind(close("alix", Some("6A")).await), "not theirs");
    let number = close("durand", None).await.unwrap();
    let asked = school.to_answer("robin").await;
    assert_eq!((asked[0].number, asked[0].wish), (number, Wish::Close));
    let opened = school.answer("robin", number, Answer::Open(Lasts::Minutes(5))).await;
    assert_eq!(kind(opened), "not theirs");
    school.answer("robin", number, Answer::PassOn(String::new())).await.unwrap();
    assert_eq!(school.requests.untold().await.unwrap()[0].wish, "close");
}
