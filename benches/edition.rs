//! What a day's change of the lists costs on the line: `cargo bench --bench edition -- FOLDER`.
//!
//! FOLDER is a folder of lists in UT1's layout. A second edition is made of it in which, of every thousand names, five go
//! and five others come, and the way from one to the other is written, measured, and gone. Times are this process's CPU time.

use std::{env, fs, io::Write as _, path::Path};

use preau::lists::edition::{apply_difference, gather, read_whole, write_difference, write_whole};
use rustix::time::{ClockId, clock_gettime};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [folder] = arguments.as_slice() else {
        println!("give a folder of lists");
        return Ok(());
    };
    let dir = tempfile::tempdir_in(".")?;
    let at = |name: &str| dir.path().join(name);
    let manifest = timed("gather", || gather(Path::new(folder), &at("one")))?;
    change(&at("one"), &at("changed"), &manifest.categories.keys().cloned().collect::<Vec<_>>())?;
    let changed = gather(&at("changed"), &at("two"))?;
    timed("write whole", || write_whole(&at("one"), fs::File::create(at("whole"))?))?;
    timed("read whole", || read_whole(fs::File::open(at("whole"))?, &manifest.digest(), &at("read")))?;
    timed("write difference", || {
        write_difference(&at("one"), &at("two"), fs::File::create(at("difference"))?)
    })?;
    let before = anonymous_kilobytes();
    timed("apply difference", || {
        apply_difference(&at("one"), fs::File::open(at("difference"))?, &changed.digest(), &at("applied"))
    })?;
    println!("memory of it     {:8} kB", anonymous_kilobytes().saturating_sub(before));
    for name in ["whole", "difference"] {
        println!("{name:<17}{:8} bytes", fs::metadata(at(name))?.len());
    }
    Ok(())
}

/// Another folder with the same lists, of which every two hundredth name went and as many came.
fn change(from: &Path, to: &Path, categories: &[String]) -> anyhow::Result<()> {
    for category in categories {
        let Ok(text) = fs::read_to_string(from.join(category).join("domains")) else { continue };
        fs::create_dir_all(to.join(category))?;
        let mut out = fs::File::create(to.join(category).join("domains"))?;
        let mut kept = String::with_capacity(text.len());
        for (number, line) in text.lines().enumerate() {
            // What comes looks like what is there: the name some way off, with another beginning.
            match number % 200 {
                77 => continue,
                133 => kept.push_str(&format!("{}{}\n", char::from(b'a' + u8::try_from(number % 26)?), line)),
                _ => {}
            }
            kept.push_str(line);
            kept.push('\n');
        }
        out.write_all(kept.as_bytes())?;
    }
    Ok(())
}

fn timed<T>(what: &str, act: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let started = cpu_seconds();
    let done = act()?;
    println!("{what:<17}{:8.2} s", cpu_seconds() - started);
    Ok(done)
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    std::time::Duration::try_from(time).unwrap_or_default().as_secs_f64()
}

fn anonymous_kilobytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}
