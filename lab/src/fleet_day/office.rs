//! What is done beside central's database, on its host: persons come in there without a telephone that shows their codes.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use preau::system::clock::Clock;
use preau_central::{
    config::Config,
    people::{self, Choice, Invited, People, Token},
    service::House,
    words::{Actor, Grant, Place, Right},
};

/// Everybody's password. The persons are fictitious and exist nowhere else.
const PASSWORD: &str = "cheval pile agrafe 2026";

/// Makes two persons with every right at the central of that configuration, and gives the cookies of browsers they came in
/// with.
///
/// # Errors
/// When there are persons already.
pub async fn persons(config_path: &Path) -> anyhow::Result<[String; 2]> {
    let house = House::open(&Config::load(config_path)?).await?;
    let now = Clock::of_the_machine().now();
    // A code is good once: the one that proves a new password is of some steps ago.
    let before = |seconds: u64| Clock::from_fn(move || now - Duration::from_secs(seconds));
    let database = &house.database;
    let invited = people::first(database, now, "claude.modele", "Claude Modèle").await?;
    let first = invited.map_err(|refusal| anyhow::anyhow!("nobody is the first: {refusal:?}"))?;
    let grants = Right::ALL.map(|right| Grant { right, place: Place::Academie }).into_iter().collect();
    let chief = Actor { id: first.id, name: "Claude Modèle".into(), grants };
    let may = |right| chief.may(right, &Place::Academie, &[]).context("the first may do everything");
    let mut write = database.write().await?;
    let invited =
        people::invite(&mut write, now, &may(Right::People)?, "sacha.exemple", "Sacha Exemple").await?;
    let second = invited.map_err(|refusal| anyhow::anyhow!("nobody is the second: {refusal:?}"))?;
    for right in Right::ALL {
        let given = people::give(&mut write, now, &may(Right::People)?, second.id, right).await?;
        ensure!(given.is_ok(), "a right is not given");
    }
    write.commit().await?;
    let mut cookies = Vec::new();
    for (login, Invited { token, .. }) in [("claude.modele", first), ("sacha.exemple", second)] {
        let people = People::new(database.clone(), before(90));
        let key = people.look(&token).await?.context("a link is good")?.key;
        let code = key.code_at(now - Duration::from_secs(90));
        let chosen =
            people.accept(&token, Choice { password: PASSWORD, again: PASSWORD, code: &code }).await?;
        ensure!(chosen.is_ok(), "a password is not taken");
        let (people, address) = (People::new(database.clone(), before(0)), "198.51.100.78".parse()?);
        let stage = people.sign_in(login, PASSWORD, address).await?;
        let stage = stage.map_err(|refusal| anyhow::anyhow!("nobody comes in: {refusal:?}"))?;
        let came = people.prove(&stage, &key.code_at(now), address, "Firefox, Linux").await?;
        let token = came.map_err(|refusal| anyhow::anyhow!("nobody comes in: {refusal:?}"))?;
        cookies.push(format!("__Host-session={}", token.text()));
    }
    let second = cookies.pop().context("two came in")?;
    Ok([cookies.pop().context("two came in")?, second])
}

/// The code that the telephone of whoever holds a link shows.
///
/// # Errors
/// When the link is not good any more.
pub async fn code(config_path: &Path, secret: &str) -> anyhow::Result<String> {
    let house = House::open(&Config::load(config_path)?).await?;
    let people = People::new(house.database, house.clock.clone());
    let token = Token::read(secret).context("this is no link")?;
    let link = people.look(&token).await?.context("the link is not good any more")?;
    Ok(link.key.code_at(house.clock.now()))
}
