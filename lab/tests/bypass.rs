//! The battery, whole: every way round the filter with its real program, behind a plain router, as a pupil, as a teacher.

use std::fs;

use preau_lab::bypass::{Score, markdown, play, rows, table};

#[test]
fn no_pupil_gets_round_the_filter_unexplained_and_nothing_allowed_is_missing() {
    let chosen: Vec<_> = rows::all().collect();
    let outcomes =
        play(&chosen, &mut |outcome| println!("{}", table(outcome))).expect("the schools must start");
    let surprises: Vec<String> = outcomes.iter().filter(|outcome| !outcome.is_good()).map(table).collect();
    let score = Score::of(&outcomes);
    assert!(score.is_good(), "{score}\n{}", surprises.join("\n"));
}

#[test]
fn the_published_table_is_the_batterys() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bypass.md");
    let published = fs::read_to_string(path).unwrap_or_default();
    assert!(
        published == markdown(),
        "docs/bypass.md is another battery's: write it with `preau-lab bypass --markdown > docs/bypass.md`"
    );
}
