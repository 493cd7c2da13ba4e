//! The tour, step by step, through the real box: what every person of the school should and should not be able to do.

use preau_lab::{
    Lab,
    tour::{STEPS, play},
};

#[test]
fn everybody_finds_what_they_should_and_nothing_else() {
    let mut lab = Lab::start().expect("the lab must start");
    let mut surprises = Vec::new();
    for step in &STEPS {
        let outcome = play(step, &mut lab);
        if !outcome.passed {
            surprises.push(format!(
                "{}: `{}` {}, but: {}",
                outcome.name, outcome.who, outcome.expectation, outcome.seen
            ));
        }
    }
    assert!(surprises.is_empty(), "{}\n\nthe box says:\n{}", surprises.join("\n"), lab.box_log());
    lab.stop_box().expect("the box must end in order");
}
