//! What somebody should know of the channel before it fails.

use std::{os::unix::fs::PermissionsExt as _, time::Duration};

use anyhow::Context as _;
use preau::model::{Moment, Uai};
use tough::schema::{Root, Signed, Targets};

use super::{
    Channel,
    keys::{self, OnLine},
    metadata::days,
    renew, views,
};

/// How long before the end of a root it is told: a ceremony takes several people.
const ROOT_TOLD_BEFORE: Duration = days(180);

/// How long before the end of what else is signed off line it is told.
const ROLE_TOLD_BEFORE: Duration = days(90);

/// How often publishing a view may fail before it is told: about ten minutes.
const FAILURES_MAX: i64 = 10;

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is published, or boxes refuse what is.
    Wrong,
    /// Somebody should look at it in time.
    Warning,
}

/// Something to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// How grave it is.
    pub severity: Severity,
    /// A word for it, such as `root-ends`.
    pub code: &'static str,
    /// A sentence for the technician, with what to do.
    pub sentence: String,
}

impl Channel {
    /// What somebody should know, the gravest first; nothing when all is well.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn health(&self) -> anyhow::Result<Vec<Concern>> {
        let now = self.clock.now();
        let mut concerns = self.ends(now).await?;
        concerns.extend(self.keys_in_order().await?);
        concerns.extend(self.late_views().await?);
        concerns.sort_by_key(|concern| concern.severity);
        Ok(concerns)
    }

    /// Until when holds what was signed off line, by its role.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn signed_until(&self) -> anyhow::Result<[(&'static str, Moment); 3]> {
        let mut write = self.database.write().await?;
        let roots = views::roots(&mut write).await?;
        let root: Signed<Root> = renew::read(roots.last().context("there is no root of trust")?)?;
        let targets: Signed<Targets> = renew::read(&views::signed_off_line(&mut write, "targets").await?)?;
        let system: Signed<Targets> = renew::read(&views::signed_off_line(&mut write, "system").await?)?;
        drop(write);
        let ends = [
            ("root", root.signed.expires),
            ("targets", targets.signed.expires),
            ("system", system.signed.expires),
        ];
        Ok(ends.map(|(role, ends)| (role, Moment::from_unix_seconds(ends.as_second()))))
    }

    /// How many views there are, and those that lack something that was placed or removed: each with a number that counts
    /// up when it is published.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn backlog(&self) -> anyhow::Result<(i64, Vec<(Uai, i64)>)> {
        let views = self.count("SELECT COUNT(*) FROM channel_view", &[]).await?;
        let sql = "SELECT school, done FROM channel_view WHERE wish > done";
        let due = self.database.read(sql, &[]).await?;
        let due = due.iter().map(|row| {
            let school = Uai::new(row.text(0)?).context("a school's code is malformed")?;
            anyhow::Ok((school, row.integer(1)?))
        });
        Ok((views, due.collect::<anyhow::Result<_>>()?))
    }

    /// How many schools' boxes know later versions of their views than this database, which was restored from a backup then:
    /// nothing is published for them until [`Channel::mend`].
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn restored(&self) -> anyhow::Result<i64> {
        self.count("SELECT COUNT(*) FROM channel_view WHERE seen_version > version", &[]).await
    }

    /// What was signed off line ends one day.
    async fn ends(&self, now: Moment) -> anyhow::Result<Vec<Concern>> {
        let told_before = [
            ("root-ends", ROOT_TOLD_BEFORE),
            ("targets-end", ROLE_TOLD_BEFORE),
            ("system-ends", ROLE_TOLD_BEFORE),
        ];
        let ends = self.signed_until().await?.into_iter().zip(told_before);
        let told = ends.filter_map(|((role, ends), (code, before))| {
            let left = ends.unix_seconds() - now.unix_seconds();
            let told = left < i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            told.then(|| Concern {
                severity: if left <= 0 { Severity::Wrong } else { Severity::Warning },
                code,
                sentence: format!(
                    "the signatures of `{role}` end on {}: fetch the off-line keys and run `preau-central keys renew {role}`",
                    ends.to_string().get(..10).unwrap_or_default()
                ),
            })
        });
        Ok(told.collect())
    }

    async fn keys_in_order(&self) -> anyhow::Result<Vec<Concern>> {
        let mut concerns = Vec::new();
        let in_order = match OnLine::read(&self.keys_dir) {
            Ok(keys) => views::check_keys(&mut self.database.write().await?, &keys).await,
            Err(error) => Err(error),
        };
        if let Err(error) = in_order {
            concerns.push(Concern {
                severity: Severity::Wrong,
                code: "keys-wrong",
                sentence: format!("nothing can be published here: {error:#}; copy the folder of keys from an instance that works"),
            });
        }
        for role in keys::ON_LINE {
            let path = keys::path(&self.keys_dir, role);
            let Ok(there) = std::fs::metadata(&path) else { continue };
            if there.permissions().mode() & 0o077 != 0 {
                concerns.push(Concern {
                    severity: Severity::Warning,
                    code: "keys-readable",
                    sentence: format!("others may read `{}`: chmod 600, and rotate it", path.display()),
                });
            }
        }
        Ok(concerns)
    }

    async fn late_views(&self) -> anyhow::Result<Vec<Concern>> {
        let behind = self.restored().await?;
        let sql = "SELECT COUNT(*) FROM channel_view
            WHERE seen_version <= version AND version - published_version > $1";
        let late = self.count(sql, &[FAILURES_MAX.into()]).await?;
        let mut concerns = Vec::new();
        if behind > 0 {
            concerns.push(Concern {
                severity: Severity::Wrong,
                code: "restored",
                sentence: format!(
                    "the boxes of {behind} schools know later versions than this database: it was restored from a backup; run `preau-central channel mend`"
                ),
            });
        }
        if late > 0 {
            concerns.push(Concern {
                severity: Severity::Wrong,
                code: "publishing-late",
                sentence: format!("the views of {late} schools could not be published: see the log for why"),
            });
        }
        Ok(concerns)
    }

    async fn count(&self, sql: &str, values: &[crate::database::Value]) -> anyhow::Result<i64> {
        self.database.read(sql, values).await?.first().map_or(Ok(0), |row| row.integer(0))
    }
}
