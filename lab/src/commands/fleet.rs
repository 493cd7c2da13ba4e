//! `preau-lab fleet`: many simulated boxes, and what central makes of them.

use std::{collections::HashMap, fs, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::Args;
use preau_lab::fleet::{self, Fleet};

/// How many boxes come where, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Coming {
    /// How many boxes.
    boxes: usize,
    /// Where central is reached: an address and a port, such as `127.0.0.1:8443`.
    #[arg(long)]
    central: SocketAddr,
    /// A file with tokens, one a line, for boxes that are not enrolled yet.
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// Enter the schools at the central with this configuration first, and write tokens for them to the file of tokens.
    #[arg(long, requires = "token_file")]
    register: Option<PathBuf>,
    /// Where enrolments are kept.
    #[arg(long, default_value = "fleet")]
    folder: PathBuf,
    /// How long it lasts once all have come.
    #[arg(long, default_value_t = 2)]
    minutes: u64,
    /// Seconds over which the boxes come.
    #[arg(long, default_value_t = 60)]
    come_within: u64,
    /// Have all boxes come at once.
    #[arg(long)]
    return_at_once: bool,
    /// A file with what boxes say of themselves: reports by their schools' codes, as JSON; `null` for a box that never comes.
    #[arg(long)]
    said: Option<PathBuf>,
    /// The process of central, whose processor time and memory are taken.
    #[arg(long)]
    watch: Option<u32>,
    /// Publish a rule for all schools at the central with this configuration once all have come.
    #[arg(long)]
    release: Option<PathBuf>,
}

/// Runs the fleet and shows what it measured.
pub(crate) fn fleet(coming: Coming) -> anyhow::Result<ExitCode> {
    let Coming { boxes, central, token_file, register, folder, minutes, come_within, .. } = coming;
    let Coming { return_at_once, watch, release, said, .. } = coming;
    let said = match said {
        Some(path) => {
            let text = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("cannot use `{}`", path.display()))?
        }
        None => HashMap::new(),
    };
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    if let (Some(config), Some(tokens)) = (register, &token_file) {
        let given = runtime.block_on(fleet::register(&config, boxes, tokens))?;
        eprintln!("  {given} schools were entered");
    }
    let fleet = Fleet {
        boxes,
        central,
        tokens_path: token_file,
        folder,
        lasts: Duration::from_secs(minutes * 60),
        come_within: if return_at_once { Duration::ZERO } else { Duration::from_secs(come_within) },
        watch,
        release,
        said,
    };
    let measured = runtime.block_on(fleet::run(&fleet, &mut |step| eprintln!("  {step}")))?;
    println!("{measured}");
    Ok(ExitCode::SUCCESS)
}
