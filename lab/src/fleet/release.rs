//! A rule published for the whole fleet, as somebody's click in the console does it.

use std::path::Path;

use anyhow::{Context as _, bail};
use preau::system::clock::Clock;
use preau_central::{
    config::Config,
    fleet::policy::{self, Edit, Lists, Plan, Published, TwoPersons},
    service,
    words::{Actor, DepartementCode, Grant, PersonId, Place, Right},
};
use tokio::time::Instant;

use super::register::DEPARTEMENT;

/// Publishes a rule for the simulated schools at the central of the configuration at `config_path`, and starts to bring it to
/// all of them at once. Returns the moment of the click: after the rule was judged, before anything of it was written.
pub(super) async fn click(config_path: &Path) -> anyhow::Result<Instant> {
    let database = service::open_database(&Config::load(config_path)?).await?;
    let place = Place::Departement(DepartementCode::new(DEPARTEMENT).context("a code is malformed")?);
    let clock = Clock::of_the_machine();
    let at = clock.now();
    let grants = [Right::Write, Right::Publish].map(|right| Grant { right, place: Place::Academie });
    let actor = Actor { id: PersonId(0), name: "preau-lab".to_owned(), grants: grants.into() };
    let granted = |right| actor.may(right, &place, &[Place::Academie]);
    let (writer, publisher) = (granted(Right::Write)?, granted(Right::Publish)?);
    let text = format!(
        "version = 1\nlevel = \"departement\"\nname = \"Flotte\"\n[[rule]]\nid = \"essai\"\neffect = \"block\"\n\
        reason = \"Essai.\"\nsites = [\"s{}.example\"]\n",
        at.unix_seconds()
    );
    let mut write = database.write().await?;
    let draft = policy::begin(&mut write, &writer, &place, None, "Flotte", at).await?;
    let draft = policy::edit(&mut write, &writer, draft.id, draft.revision, &Edit::Text(text), at).await?;
    write.commit().await?;
    let clicked = Instant::now();
    let mut write = database.write().await?;
    let (draft, by) = ((draft.id, draft.revision), (&TwoPersons::default(), &Lists::none()));
    let published = policy::publish(&mut write, &publisher, draft, "mesure", by, at).await?;
    let Published::Version(version) = published else { bail!("the rule waits for a second person") };
    let versions = [(place.clone(), version.number)];
    policy::start(&mut write, &[publisher], &versions, &Plan::at_once(), "mesure", at).await?;
    write.commit().await?;
    Ok(clicked)
}
