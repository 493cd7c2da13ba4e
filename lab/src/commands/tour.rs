//! `preau-lab tour`: plays the steps and shows a table.

use std::process::ExitCode;

use preau_lab::{
    Gateway, Lab, announce,
    tour::{Outcome, STEPS, play},
};

/// Plays every step in the lab that is up, or in one started for it.
pub(crate) fn tour(name: &str, json: bool) -> anyhow::Result<ExitCode> {
    let mut lab = match announce::find(name)? {
        Some(door) => Lab::attach(door),
        None => {
            eprintln!("no lab `{name}` is up: starting one for the tour");
            Lab::start_with(Gateway::Box, &mut |step| {
                eprintln!("  ✓ {:<12}{} ({:.1} s)", step.what, step.detail, step.elapsed.as_secs_f32());
            })?
        }
    };
    let mut outcomes = Vec::new();
    if !json {
        println!("\n    {:<12}{:<72}{:>7}", "who", "expectation", "time");
    }
    for step in &STEPS {
        let outcome = play(step, &mut lab);
        if !json {
            show(&outcome);
        }
        outcomes.push(outcome);
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    if json {
        println!("{}", serde_json::to_string_pretty(&outcomes)?);
    } else if failed == 0 {
        println!("\n✓ all {} steps went as expected", outcomes.len());
    } else {
        println!(
            "\n✗ {failed} of {} steps did not go as expected; the box's last words:\n{}",
            outcomes.len(),
            lab.box_log()
        );
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(outcome: &Outcome) {
    let Outcome { who, expectation, passed, seen, milliseconds, name: _ } = outcome;
    let (mark, seconds) = (if *passed { '✓' } else { '✗' }, std::time::Duration::from_millis(*milliseconds));
    println!("  {mark} {who:<12}{expectation:<72}{:>6.1}s", seconds.as_secs_f32());
    for line in seen.lines().filter(|line| !line.trim().is_empty()) {
        println!("    {:<12}  {line}", "");
    }
}
