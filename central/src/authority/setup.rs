//! How each school's box is set up, kept so that another machine can take its place.

use preau::{model::Uai, protocol::enrolment::Setup};

use super::{Authority, EnrolRefusal, enrolment::Outcome, limits::SETUP_BYTES_MAX};
use crate::database::Write;

impl Authority {
    /// Keeps what the box of `school` says of its setup, in place of what it said before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn keep_setup(&self, school: &Uai, setup: &Setup) -> Outcome<()> {
        let text = serde_json::to_string(setup)?;
        if text.len() > SETUP_BYTES_MAX {
            return Ok(Err(EnrolRefusal::TooLong));
        }
        let mut write = self.0.database.write().await?;
        let sql = "INSERT INTO authority_setup (school, setup, at) VALUES ($1, $2, $3)
            ON CONFLICT (school) DO UPDATE SET setup = excluded.setup, at = excluded.at";
        let values = [school.as_str().into(), text.into(), self.now().unix_milliseconds().into()];
        write.execute(sql, &values).await?;
        write.commit().await?;
        Ok(Ok(()))
    }

    /// What the box of `school` last said of its setup.
    pub(super) async fn setup_in(&self, write: &mut Write, school: &Uai) -> anyhow::Result<Option<Setup>> {
        let sql = "SELECT setup FROM authority_setup WHERE school = $1";
        let rows = write.read(sql, &[school.as_str().into()]).await?;
        rows.first().map(|row| Ok(serde_json::from_str(row.text(0)?)?)).transpose()
    }
}
