//! Signing somebody else out: the trace of it. The session itself ends where sessions begin, in `enforce::sign_in`.

use super::{Act, Granted, Store};
use crate::model::{Account, Mac, Moment};

impl Store {
    /// Writes that whoever was granted it signs `account` out, on `machine` or everywhere. It is written before it is
    /// done: a trace of something that a power cut kept from happening harms less than an act without a trace.
    ///
    /// # Errors
    /// When the disk refuses, or something else was granted: then it must not be done.
    pub async fn announce_sign_out(
        &self,
        granted: &Granted,
        account: &Account,
        machine: Option<Mac>,
        now: Moment,
    ) -> anyhow::Result<()> {
        granted.is_for(Act::KeepSessions)?;
        let who = &account.display_name;
        let what = match machine {
            Some(machine) => format!("déconnecte {who} ({machine})"),
            None => format!("déconnecte {who} partout"),
        };
        self.act(granted, what, now, |_| Ok(())).await
    }
}
