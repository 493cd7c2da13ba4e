//! `preau-lab serve`: the servers that run inside the lab.

use std::{fs, path::Path, process::ExitCode};

use anyhow::Context as _;
use preau_lab::{enclosure::LAB_DIR, internet, portal_door};

use crate::Servers;

/// Runs until killed.
pub(crate) fn serve(what: Servers) -> anyhow::Result<ExitCode> {
    let dir = Path::new(LAB_DIR);
    let authority_dir = dir.join("authority");
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let ready = |who: &str| {
        // Without its notice the lab's start fails in time and shows this log.
        if let Err(cause) = fs::write(dir.join(format!("log/{who}.ready")), "") {
            eprintln!("cannot say that {who} is ready: {cause}");
        }
    };
    runtime.block_on(async {
        match what {
            Servers::Internet => {
                internet::serve(&authority_dir, &dir.join("internet/questions"), || ready("internet")).await
            }
            Servers::Academie => internet::serve_site(&authority_dir, || ready("academie")).await,
            Servers::Door => portal_door::serve(dir).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
