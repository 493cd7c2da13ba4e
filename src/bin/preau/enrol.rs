//! `preau enrol`: this machine becomes the box of a school.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use clap::Args;
use preau::{
    config,
    enforce::dns::Resolver,
    protocol::Token,
    sync::{
        self, Enrolment, Replace,
        client::{Resolve, resolve_by_system},
    },
    system::clock::Clock,
};

use super::{Configured, output::print};

/// The longest file that is looked into for a token, in bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024;

/// Where the state is on a machine that has no configuration yet.
const STATE_DIR: &str = "/var/lib/preau";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The token, or a file with it, such as one on a USB stick; `-` reads it from what is piped in
    #[arg(value_name = "TOKEN|FILE")]
    token: String,
    #[command(flatten)]
    configured: Configured,
    /// Enrols again, though this box is enrolled
    #[arg(long)]
    replace: bool,
}

/// Enrols, and says each step.
pub(super) async fn enrol(arguments: &Arguments) -> anyhow::Result<()> {
    let token = Token::read(&text(&arguments.token)?)?;
    let path = &arguments.configured.path;
    let (state_dir, school, resolvers) = if path.exists() {
        let (school, resolvers) = config::for_enrolment(path)?;
        (config::state_dir(path)?, Some(school), resolvers)
    } else {
        print(format_args!("`{}` is not there: the token says which school this is", path.display()))?;
        (PathBuf::from(STATE_DIR), None, Vec::new())
    };
    let replace = if arguments.replace { Replace::Enrolment } else { Replace::Nothing };
    let enrolment = Enrolment { token: &token, configured: school.as_ref(), state_dir: &state_dir, replace };
    let say = |step: &str| println!("» {step}");
    let (kept, before) = sync::enrol(&enrolment, Clock::of_the_machine(), resolve(resolvers), say).await?;
    print(format_args!(
        "✓ this machine is the box of {} ({}); its certificate holds until {} and renews itself",
        kept.school_name,
        kept.school.as_str(),
        kept.certificate_ends
    ))?;
    if let Some(setup) = before {
        take_over(path, &setup.configuration)?;
        let named = config::state_dir(path)?;
        if named != state_dir {
            let (named, state_dir) = (named.display(), state_dir.display());
            print(format_args!(
                "that configuration keeps its state in `{named}`: move `{state_dir}/central` there"
            ))?;
        }
    }
    print("a box that is running takes it up by itself; see `preau status`")
}

/// Asks the resolvers of the line, as the box will, and the system where they do not know or there are none.
fn resolve(resolvers: Vec<SocketAddr>) -> Resolve {
    let by_system = resolve_by_system();
    if resolvers.is_empty() {
        return by_system;
    }
    let by_line = Resolver::of_line(resolvers).finder();
    Arc::new(move |name| {
        let (by_line, by_system) = (Arc::clone(&by_line), Arc::clone(&by_system));
        Box::pin(async move {
            match by_line(name.clone()).await {
                Ok(found) => Ok(found),
                Err(_) => by_system(name).await,
            }
        })
    })
}

/// Hands over the configuration of the school's box before this one: in place where there is none, beside it otherwise.
fn take_over(path: &Path, configuration: &str) -> anyhow::Result<()> {
    let beside = path.with_extension("toml.before");
    let place = if path.exists() { &beside } else { path };
    if path.exists() && std::fs::read_to_string(path).is_ok_and(|own| own == configuration) {
        return print("the configuration is that of the school's box before this one");
    }
    if let Some(dir) = place.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    }
    preau::system::files::replace(place, configuration.as_bytes())
        .with_context(|| format!("cannot write `{}`", place.display()))?;
    print(format_args!(
        "the configuration of the school's box before this one is in `{}`; files it names, such as the portal's certificate, \
         are to be put back by hand: `preau check` says which",
        place.display()
    ))
}

/// The text that has the token in it.
fn text(argument: &str) -> anyhow::Result<String> {
    if argument == "-" {
        let mut text = String::new();
        if io::stdin().is_terminal() {
            bail!("nothing is piped in; give the token or a file");
        }
        io::stdin().take(FILE_BYTES_MAX).read_to_string(&mut text).context("cannot read what is piped in")?;
        return Ok(text);
    }
    if argument.trim_start().starts_with("preau") && !Path::new(argument).exists() {
        return Ok(argument.to_owned());
    }
    let mut text = String::new();
    let read = File::open(argument).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    read.with_context(|| format!("`{argument}` is no token, and no file that can be read"))?;
    Ok(text)
}
