//! What `school.sqlite` keeps of people goes when they are deleted from the directory (arrêté du 30 novembre 2006,
//! article 6). The trail of acts stays for its year: it answers for what somebody did.

use rusqlite::{Connection, Transaction, params};

use super::Store;
use crate::model::{AccountId, Moment};

/// Every account that a table other than the trail names. A pupil's opening names them as `whom`.
const KEPT: &str = "SELECT account FROM asker
    UNION SELECT answered_by FROM request WHERE answered_by IS NOT NULL
    UNION SELECT whom FROM opening WHERE scope = 'pupil'
    UNION SELECT account FROM opening";

impl Store {
    /// Deletes what is kept of people whom `is_known` does not know any more: what they asked for, and the openings that
    /// ended before `now` and name them. Waits for the disk. Says of how many people there was something.
    ///
    /// # Errors
    /// When the disk refuses, or `is_known` does: nothing is then deleted.
    pub fn forget_unknown(
        &self,
        now: Moment,
        is_known: impl Fn(&AccountId) -> anyhow::Result<bool>,
    ) -> anyhow::Result<usize> {
        let mut gone = Vec::new();
        for account in self.read_at_start(accounts)? {
            if !is_known(&account)? {
                gone.push(account);
            }
        }
        if gone.is_empty() {
            return Ok(0);
        }
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        gone.iter().try_for_each(|account| forget(&transaction, account, now))?;
        // A request is its askers': where none of them is left, nothing of it is.
        transaction.execute(
            "DELETE FROM request WHERE NOT EXISTS (SELECT 1 FROM asker WHERE asker.request = request.number)",
            [],
        )?;
        transaction.commit()?;
        Ok(gone.len())
    }
}

fn accounts(on: &Connection) -> rusqlite::Result<Vec<AccountId>> {
    let mut query = on.prepare(KEPT)?;
    let rows = query.query_map([], |row| Ok(AccountId::new(&row.get::<_, String>(0)?)))?;
    rows.collect()
}

fn forget(on: &Transaction<'_>, account: &AccountId, now: Moment) -> rusqlite::Result<()> {
    let account = account.as_str();
    on.execute("DELETE FROM asker WHERE account = ?1", [account])?;
    on.execute("UPDATE request SET answered_by = NULL WHERE answered_by = ?1", [account])?;
    // One that runs goes on to its end: without it something may be open that it closes.
    on.execute(
        "DELETE FROM opening WHERE until <= ?2 AND (account = ?1 OR (scope = 'pupil' AND whom = ?1))",
        params![account, now.unix_milliseconds()],
    )
    .map(drop)
}
