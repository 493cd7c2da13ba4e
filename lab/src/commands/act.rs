//! The short commands: each finds the lab that is up, acts in it, and ends.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use preau_lab::{
    Browser, Lab, announce,
    plan::{POSTS, machines},
};

/// `preau-lab shell WHO`
pub(crate) fn shell(name: &str, who: &str) -> anyhow::Result<ExitCode> {
    let lab = attach(name)?;
    println!("a shell on `{who}`; leave it with `exit` or Ctrl-D");
    let status = lab.command(who, &["bash", "--norc"])?.status().context("cannot enter the lab")?;
    Ok(exit_code(status.code()))
}

/// `preau-lab run WHO -- COMMAND…`
pub(crate) fn run(name: &str, who: &str, command: &[String]) -> anyhow::Result<ExitCode> {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let status = attach(name)?.command(who, &words)?.status().context("cannot enter the lab")?;
    Ok(exit_code(status.code()))
}

/// `preau-lab browse WHO URL`
pub(crate) fn browse(
    name: &str,
    who: &str,
    url: &str,
    screenshot_path: &Path,
    size: (u32, u32),
) -> anyhow::Result<ExitCode> {
    let lab = attach(name)?;
    if !lab.has_browser()? {
        bail!("no Chromium and chromium-driver here (on Ubuntu they are snaps, which cannot enter the lab)");
    }
    let browser = Browser::open(&lab, who, size)?;
    // A page that cannot be reached has a picture too: what the person sees.
    let outcome = browser.go(url);
    fs::write(screenshot_path, browser.screenshot()?)
        .with_context(|| format!("cannot write `{}`", screenshot_path.display()))?;
    println!("{}\n{}\npicture in {}", browser.title()?, browser.current_url()?, screenshot_path.display());
    outcome.map(|()| ExitCode::SUCCESS)
}

/// `preau-lab cut line`
pub(crate) fn cut_line(name: &str) -> anyhow::Result<ExitCode> {
    attach(name)?.cut_line()?;
    println!("the line is cut; `preau-lab restore line` plugs it in again");
    Ok(ExitCode::SUCCESS)
}

/// `preau-lab restore line`
pub(crate) fn restore_line(name: &str) -> anyhow::Result<ExitCode> {
    attach(name)?.restore_line()?;
    println!("the line is back");
    Ok(ExitCode::SUCCESS)
}

/// `preau-lab status`
pub(crate) fn status(name: &str) -> anyhow::Result<ExitCode> {
    let lab = attach(name)?;
    for machine in machines() {
        match POSTS.iter().find(|post| post.name == machine) {
            Some(post) => println!("{machine:<12}{} ({})", lab.addresses(machine)?.join(", "), post.user),
            None => println!("{machine}"),
        }
    }
    match lab.box_pid() {
        Some(pid) => println!("\nthe box is process {pid} of the lab and says:"),
        None => println!("\nno box is running"),
    }
    let output = lab.preau(&["status"])?;
    print!("{}{}", output.stdout, output.stderr);
    Ok(exit_code(output.status))
}

/// `preau-lab down`
pub(crate) fn down(name: &str) -> anyhow::Result<ExitCode> {
    match announce::end(name)? {
        true => println!("the lab `{name}` has ended"),
        false => println!("no lab `{name}` is up"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads `1024x768`.
pub(crate) fn window_size(text: &str) -> Result<(u32, u32), String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    sides.ok_or_else(|| format!("`{text}` is no size such as 1024x768"))
}

fn attach(name: &str) -> anyhow::Result<Lab> {
    Ok(Lab::attach(announce::find_or_explain(name)?))
}

/// The status of a command as ours; a command ended by a signal counts as failed.
fn exit_code(status: Option<i32>) -> ExitCode {
    status.and_then(|status| u8::try_from(status).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
