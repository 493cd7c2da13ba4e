//! How often somebody may try, so that guessing leads nowhere and nobody can lock out another.
//!
//! Wrong tries are counted for what was tried (a login, a person's codes) from one network address, and for the address
//! over all. Who has come in from an address before is counted apart from the rest of the world: when strangers have tried
//! a login often enough that every stranger must wait, its owner still comes in from their own desk.
//! A try is written down before it is judged, so that a hundred at once are a hundred.

use std::{net::IpAddr, time::Duration};

use preau::model::Moment;

use crate::{
    database::{Database, Row},
    words::PersonId,
};

/// Wrong tries at one thing from one address, in [`WINDOW`].
const OF_ADDRESS_MAX: usize = 6;

/// Wrong tries at everything from one address, in [`WINDOW`]: an office behind one address is many people.
const ADDRESS_MAX: usize = 60;

/// Wrong tries at one thing from everywhere, in [`WINDOW`]; beyond, only addresses that are known count.
const EVERYWHERE_MAX: usize = 30;

/// How long a wrong try counts.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// How long an address is known after somebody came in from it.
const KNOWN: Duration = Duration::from_secs(90 * 86_400);

/// What wrong tries there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tries {
    of_address: usize,
    address: usize,
    everywhere: usize,
}

/// Whether one more try may be judged.
fn may_try(tries: Tries, is_known: bool) -> bool {
    let Tries { of_address, address, everywhere } = tries;
    of_address < OF_ADDRESS_MAX && address < ADDRESS_MAX && (is_known || everywhere < EVERYWHERE_MAX)
}

/// The address as it is counted: of IPv6 the network of 64 bits, which one machine has all of.
pub(super) fn counted(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Writes down a try at `who` from `address`, and says whether it may be judged. `person` is whose it is, where that is
/// known.
pub(super) async fn try_now(
    database: &Database,
    now: Moment,
    who: &str,
    address: &str,
    person: Option<PersonId>,
) -> anyhow::Result<bool> {
    let mut write = database.write().await?;
    let since = (now - WINDOW).unix_milliseconds();
    write.execute("DELETE FROM people_try WHERE tried < $1", &[since.into()]).await?;
    let count = |rows: Vec<Row>| rows.first().map_or(Ok(0), |row| row.integer(0));
    let of_address = "SELECT COUNT(*) FROM people_try WHERE who = $1 AND address = $2";
    let of_address = count(write.read(of_address, &[who.into(), address.into()]).await?)?;
    let of_all =
        count(write.read("SELECT COUNT(*) FROM people_try WHERE address = $1", &[address.into()]).await?)?;
    let everywhere =
        count(write.read("SELECT COUNT(*) FROM people_try WHERE who = $1", &[who.into()]).await?)?;
    let mut is_known = false;
    if let Some(PersonId(id)) = person {
        let sql = "SELECT COUNT(*) FROM people_known WHERE person = $1 AND address = $2 AND seen > $3";
        let values = [id.into(), address.into(), (now - KNOWN).unix_milliseconds().into()];
        is_known = count(write.read(sql, &values).await?)? > 0;
    }
    let tries = Tries {
        of_address: usize::try_from(of_address)?,
        address: usize::try_from(of_all)?,
        everywhere: usize::try_from(everywhere)?,
    };
    let may = may_try(tries, is_known);
    if may {
        let sql = "INSERT INTO people_try (who, address, tried) VALUES ($1, $2, $3)";
        write.execute(sql, &[who.into(), address.into(), now.unix_milliseconds().into()]).await?;
    }
    write.commit().await?;
    Ok(may)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_lock_out_who_comes_from_their_own_desk() {
        let flood = Tries { everywhere: 10_000, ..Tries::default() };
        assert!(!may_try(flood, false));
        assert!(may_try(flood, true));
        assert!(!may_try(Tries { of_address: OF_ADDRESS_MAX, ..Tries::default() }, true));
        assert!(!may_try(Tries { address: ADDRESS_MAX, ..Tries::default() }, true));
        assert!(may_try(Tries { of_address: 5, address: 59, everywhere: 29 }, false));
    }

    #[test]
    fn one_machine_is_one_address() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(counted(address.parse().unwrap()), expected);
        }
    }
}
