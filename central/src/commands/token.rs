//! `preau-central token`: the tokens that boxes are enrolled with.

use std::{
    fs::File,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use preau::model::Uai;
use preau_central::{authority::By, channel::Channel, config::Config, fleet::schools, service::House};
use qrcodegen::{QrCode, QrCodeEcc};

use super::school::uai;

/// Give and withdraw the tokens that boxes are enrolled with
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Gives a token for a school's box; one that was given before is good no more
    Give {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
        /// The box takes the place of the one the school has, which can do nothing any more from then on
        #[arg(long)]
        replace: bool,
        /// Writes the token to a file, such as one on a USB stick, in place of showing it
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Shows the token as a QR code too
        #[arg(long)]
        qr: bool,
    },
    /// Takes back the token of a school that was not used yet
    Withdraw {
        /// The school's code in the national register
        #[arg(value_name = "UAI", value_parser = uai)]
        school: Uai,
    },
}

pub(crate) async fn carry_out(token: &Token, config: &Config) -> anyhow::Result<()> {
    match &token.act {
        Act::Give { school, replace, file, qr } => give(config, school, *replace, file.as_deref(), *qr).await,
        Act::Withdraw { school } => {
            let House { database, authority, .. } = House::open(config).await?;
            let mut write = database.write().await?;
            let was_there = authority.withdraw_token(&mut write, By::Central, school).await?;
            write.commit().await?;
            ensure!(was_there, "{} has no token that could still be used", school.as_str());
            println!("the token of {} is good no more", school.as_str());
            Ok(())
        }
    }
}

async fn give(
    config: &Config,
    school: &Uai,
    replace: bool,
    file: Option<&Path>,
    qr: bool,
) -> anyhow::Result<()> {
    let House { database, authority, .. } = House::open(config).await?;
    let known = schools::find(&database, school).await?;
    let known = known.with_context(|| format!("{} is not in the register of schools", school.as_str()))?;
    let mut write = database.write().await?;
    let token = if replace {
        authority.give_replacing_token(&mut write, By::Central, school).await?
    } else {
        authority.give_token(&mut write, By::Central, school).await?
    };
    Channel::add_school(&mut write, school).await?;
    let text = token.text();
    // Before it is true: a token that could not be handed over is none.
    if let Some(path) = file {
        let written = File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .and_then(|mut file| writeln!(file, "{text}").and_then(|()| file.sync_all()));
        written.with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    write.commit().await?;
    println!("token for {} ({}), good once and for 14 days:", known.name, school.as_str());
    match file {
        Some(path) => println!("written to `{}`", path.display()),
        None => println!("\n{text}\n"),
    }
    if qr {
        println!("{}", picture(&text)?);
    }
    println!(
        "on the box: preau enrol {}",
        file.map_or_else(|| "TOKEN".into(), |path| path.display().to_string())
    );
    Ok(())
}

/// The QR code in half blocks, two rows a line, with the quiet zone of four around it.
fn picture(text: &str) -> anyhow::Result<String> {
    let code =
        QrCode::encode_text(text, QrCodeEcc::Low).ok().context("the token is too long for a QR code")?;
    let mut picture = String::new();
    for y in (-4..code.size() + 4).step_by(2) {
        for x in -4..code.size() + 4 {
            picture.push(match (code.get_module(x, y), code.get_module(x, y + 1)) {
                (true, true) => ' ',
                (true, false) => '▄',
                (false, true) => '▀',
                (false, false) => '█',
            });
        }
        picture.push('\n');
    }
    Ok(picture)
}
