//! Removal of what nothing names any more: old metadata of views, and targets that are placed nowhere. Each stays for thirty
//! days, for boxes that are reading it, and for a central that comes back from a backup.

use std::time::Duration;

use preau::{model::Uai, protocol::names::metadata_dir};

use super::{Channel, metadata::days, objects::target_object};

/// How long what nothing names stays.
const STAYS: Duration = days(30);

/// Objects removed while the database is held once.
const BATCH: i64 = 100;

impl Channel {
    /// Removes what nothing has named for thirty days, and says how many objects.
    ///
    /// Never what a published snapshot names: a file is kept while the view's last publication has it, a target while any
    /// view is due that was last published before the target was found unneeded.
    pub(super) async fn sweep(&self) -> anyhow::Result<usize> {
        let now = self.clock.now().unix_milliseconds();
        let mut write = self.database.write().await?;
        let sql = "UPDATE channel_stored SET unneeded = $1 WHERE unneeded IS NULL AND NOT EXISTS (
            SELECT 1 FROM channel_target WHERE channel_target.name = channel_stored.name
                AND channel_target.sha256 = channel_stored.sha256)";
        write.execute(sql, &[now.into()]).await?;
        write.commit().await?;
        let mut removed = 0;
        loop {
            let files = self.sweep_files().await?;
            let targets = self.sweep_targets().await?;
            removed += files + targets;
            if files + targets == 0 {
                return Ok(removed);
            }
        }
    }

    async fn sweep_files(&self) -> anyhow::Result<usize> {
        let before = (self.clock.now() - STAYS).unix_milliseconds();
        let mut write = self.database.write().await?;
        // A file's name has no space in it, and the list of a view's files none at its ends.
        let sql = "SELECT channel_old.school, file FROM channel_old
            JOIN channel_view ON channel_view.school = channel_old.school
            WHERE since < $1 AND ' ' || files || ' ' NOT LIKE '% ' || file || ' %'
            ORDER BY since LIMIT $2";
        let rows = write.read(sql, &[before.into(), BATCH.into()]).await?;
        for row in &rows {
            let (school, file) = (row.text(0)?, row.text(1)?);
            if let Some(uai) = Uai::new(school) {
                self.objects.remove(&format!("{}/{file}", metadata_dir(&uai))).await?;
            }
            let sql = "DELETE FROM channel_old WHERE school = $1 AND file = $2";
            write.execute(sql, &[school.into(), file.into()]).await?;
        }
        write.commit().await?;
        Ok(rows.len())
    }

    /// The database is held while the bytes are removed: whoever stores the same target meanwhile puts them again after.
    async fn sweep_targets(&self) -> anyhow::Result<usize> {
        let before = (self.clock.now() - STAYS).unix_milliseconds();
        let mut write = self.database.write().await?;
        let sql = "SELECT name, sha256 FROM channel_stored WHERE unneeded < $1
            AND NOT EXISTS (SELECT 1 FROM channel_target WHERE channel_target.name = channel_stored.name
                AND channel_target.sha256 = channel_stored.sha256)
            AND NOT EXISTS (SELECT 1 FROM channel_view WHERE wish <> done AND published_at <= unneeded)
            ORDER BY unneeded LIMIT $2";
        let rows = write.read(sql, &[before.into(), BATCH.into()]).await?;
        for row in &rows {
            let (name, sha256) = (row.text(0)?, row.bytes(1)?);
            self.objects.remove(&target_object(name, sha256)).await?;
            let sql = "DELETE FROM channel_stored WHERE name = $1 AND sha256 = $2";
            write.execute(sql, &[name.into(), sha256.into()]).await?;
        }
        write.commit().await?;
        Ok(rows.len())
    }
}
