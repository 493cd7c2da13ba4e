//! How keys follow one another while connections inside go on.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use preau_central::concentrator::public_of;

use crate::stage::{APPLICATION, Academie, Talk, pause, play, run, succeeds, until};

#[test]
fn a_connection_inside_outlives_a_change_of_keys() {
    play(
        "keys::a_connection_inside_outlives_a_change_of_keys",
        || {},
        async || {
            let academie = Academie::new().await;
            let one = academie.school("one", "0809999Z", 2).await;
            one.until_it_reaches_the_application().await;
            let talk = Talk::begin(&one, academie.dir.path());
            let next = STANDARD.encode([77; 32]);
            let now = academie.say(&one, &next, false).await;
            let (old, new) = (public_of(&one.private).unwrap(), public_of(&next).unwrap());
            let has = |key: &str| succeeds(&format!("wg show preau0 peers | grep -qF '{key}'"));
            until("both keys are accepted", async || has(&old) && has(&new)).await;
            assert!(one.reaches(APPLICATION), "by the one it has");
            pause();
            one.hold(&next, &now);
            until("the one before is dropped", async || !has(&old)).await;
            assert!(has(&new) && one.reaches(APPLICATION));
            pause();
            let (longest, count) = talk.end();
            eprintln!("{count} answers, the longest wait {longest:?}");
            assert!(longest < Duration::from_secs(15), "{longest:?}");
        },
    );
}

#[test]
fn a_box_that_gives_its_next_key_up_goes_on_by_the_first() {
    play(
        "keys::a_box_that_gives_its_next_key_up_goes_on_by_the_first",
        || {},
        async || {
            let academie = Academie::new().await;
            let one = academie.school("one", "0809999Z", 2).await;
            one.until_it_reaches_the_application().await;
            // A key that the box keeps for itself: it never shakes hands by it.
            academie.say(&one, &STANDARD.encode([78; 32]), false).await;
            until("both keys are accepted", async || run("wg show preau0 peers").lines().count() == 2).await;
            for _ in 0..5 {
                pause();
                assert!(one.reaches(APPLICATION));
            }
            // Another one takes the place of the one that was not used.
            let other = STANDARD.encode([79; 32]);
            let now = academie.say(&one, &other, false).await;
            let key = public_of(&other).unwrap();
            until("the other is accepted", async || run("wg show preau0 peers").contains(&key)).await;
            one.hold(&other, &now);
            until("it alone counts", async || run("wg show preau0 peers").trim() == key).await;
            assert!(one.reaches(APPLICATION));
        },
    );
}
