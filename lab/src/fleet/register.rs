//! The schools of a simulated fleet, entered at the central they come to, with a token for each.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Context as _;
use preau::model::Uai;
use preau_central::{
    authority::By,
    channel::Channel,
    config::Config,
    fleet::schools::{self, School},
    service::House,
    words::DepartementCode,
};

/// The first of the simulated schools' numbers: no département's.
const FIRST: usize = 9_900_000;

/// The département that the simulated schools are in: none of France.
pub(super) const DEPARTEMENT: &str = "99";

/// Schools entered in one transaction.
const BATCH: usize = 200;

/// Enters `count` simulated schools at the central of the configuration at `config_path`, and writes tokens for those that
/// have no box yet to `tokens_path`, one a line. Returns how many tokens those are.
///
/// # Errors
/// When central is not set up, its database refuses, or the file cannot be written.
pub async fn register(config_path: &Path, count: usize, tokens_path: &Path) -> anyhow::Result<usize> {
    let House { database, authority, .. } = House::open(&Config::load(config_path)?).await?;
    let enrolled: Vec<Uai> = authority.boxes().await?.into_iter().map(|known| known.school).collect();
    let mut tokens = String::new();
    let mut given = 0;
    let schools = (FIRST..FIRST + count).filter_map(|number| Uai::new(&format!("{number:07}Z")));
    let missing: Vec<Uai> = schools.filter(|school| !enrolled.contains(school)).collect();
    for batch in missing.chunks(BATCH) {
        let mut write = database.write().await?;
        for uai in batch {
            let school = School {
                uai: uai.clone(),
                name: format!("École simulée {}", uai.as_str()),
                kind: String::new(),
                town: String::new(),
                departement: DepartementCode::new(DEPARTEMENT)
                    .context("a département's code is malformed")?,
            };
            schools::enter(&mut write, &school).await?;
            Channel::add_school(&mut write, uai).await?;
            let token = authority.give_token(&mut write, By::Central, uai).await?;
            writeln!(tokens, "{}", token.text())?;
            given += 1;
        }
        write.commit().await?;
    }
    fs::write(tokens_path, tokens).with_context(|| format!("cannot write `{}`", tokens_path.display()))?;
    Ok(given)
}
