//! Follows the table of the edition in force, so that drafts are judged by what boxes have.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use preau::lists;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::lists::Lists;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Looks at the file that `path` names from time to time, and hands on the lists in it. A file that is damaged is passed over
/// until it changes: the lists before stay.
///
/// # Errors
/// Never; the signature is that of every service.
pub async fn follow_lists(
    path: impl Fn() -> Option<PathBuf>,
    lists: watch::Sender<Lists>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut known = None;
    loop {
        let found = path().and_then(|path| Some((written(&path)?, path)));
        if let Some((at, path)) = found.filter(|(at, _)| known != Some(*at)) {
            known = Some(at);
            match tokio::task::spawn_blocking(move || lists::open(&path)).await? {
                Ok(table) => drop(lists.send_replace(Lists::of(table))),
                Err(error) => tracing::warn!(error = format!("{error:#}"), "the lists are not readable here"),
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

fn written(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}
