//! What each view is to name: placed and removed in the database, in one writing with whatever caused it.

use anyhow::{bail, ensure};
use preau::{model::Uai, protocol::names::Role};

use crate::database::{Part, Write};

/// The tables.
pub const PART: Part = Part {
    name: "channel",
    steps: &["
        CREATE TABLE channel_root (version BIGINT PRIMARY KEY, signed BLOB NOT NULL);
        CREATE TABLE channel_stored (
            name TEXT NOT NULL,
            sha256 BLOB NOT NULL,
            length BIGINT NOT NULL,
            unneeded BIGINT,
            PRIMARY KEY (name, sha256)
        );
        CREATE TABLE channel_target (
            whose TEXT NOT NULL,
            role TEXT NOT NULL,
            name TEXT NOT NULL,
            sha256 BLOB NOT NULL,
            length BIGINT NOT NULL,
            PRIMARY KEY (whose, role, name)
        );
        CREATE INDEX channel_target_name ON channel_target (name);
        CREATE TABLE channel_role (
            whose TEXT NOT NULL,
            role TEXT NOT NULL,
            wish BIGINT NOT NULL,
            done BIGINT NOT NULL,
            version BIGINT NOT NULL,
            key TEXT NOT NULL,
            signed_at BIGINT NOT NULL,
            signed BLOB NOT NULL,
            PRIMARY KEY (whose, role)
        );
        CREATE TABLE channel_view (
            school TEXT PRIMARY KEY,
            wish BIGINT NOT NULL,
            done BIGINT NOT NULL,
            due_at BIGINT NOT NULL,
            version BIGINT NOT NULL,
            published_version BIGINT NOT NULL,
            published_at BIGINT NOT NULL,
            seen_version BIGINT NOT NULL,
            files TEXT NOT NULL
        );
        CREATE INDEX channel_view_due ON channel_view (due_at);
        CREATE TABLE channel_old (
            school TEXT NOT NULL,
            file TEXT NOT NULL,
            since BIGINT NOT NULL,
            PRIMARY KEY (school, file)
        );"],
};

/// The longest name of a target, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// What the tables have in place of a school where something is everyone's.
pub(super) const EVERYONE: &str = "";

/// The roles that each school has of its own.
pub(super) const OF_A_SCHOOL: [Role; 2] = [Role::Accounts, Role::Policy];

/// The roles that are signed on line and are the same in all views.
pub(super) const SHARED: [Role; 2] = [Role::Lists, Role::Content];

/// Whose views a target is named in.
#[derive(Clone, Copy, Debug)]
pub enum Whose<'a> {
    /// All of them.
    Everyone,
    /// One school's.
    School(&'a Uai),
}

/// A target's bytes, as they lie in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 of them.
    pub sha256: [u8; 32],
    /// How many there are.
    pub length: u64,
}

/// Has the views name `stored` as `name`.
pub(super) async fn place(
    write: &mut Write,
    whose: Whose<'_>,
    role: Role,
    name: &str,
    stored: &Stored,
) -> anyhow::Result<()> {
    check_name(role, name)?;
    check_whose(whose, role, name)?;
    let owner = owner(whose);
    let sql = "SELECT sha256 FROM channel_target WHERE whose = $1 AND role = $2 AND name = $3";
    let rows = write.read(sql, &[owner.into(), role.word().into(), name.into()]).await?;
    if let Some(row) = rows.first()
        && row.bytes(0)? == stored.sha256
    {
        return Ok(());
    }
    let sql = "UPDATE channel_stored SET unneeded = NULL WHERE name = $1 AND sha256 = $2";
    let known = write.execute(sql, &[name.into(), stored.sha256.as_slice().into()]).await?;
    ensure!(known == 1, "the target `{name}` was not stored before it was placed");
    let sql = "INSERT INTO channel_target (whose, role, name, sha256, length) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (whose, role, name) DO UPDATE SET sha256 = excluded.sha256, length = excluded.length";
    let values = [
        owner.into(),
        role.word().into(),
        name.into(),
        stored.sha256.as_slice().into(),
        i64::try_from(stored.length)?.into(),
    ];
    write.execute(sql, &values).await?;
    mark_due(write, whose, role).await
}

/// Has the views name `name` no more; one that they do not name is no error.
pub(super) async fn remove(
    write: &mut Write,
    whose: Whose<'_>,
    role: Role,
    name: &str,
) -> anyhow::Result<()> {
    let sql = "DELETE FROM channel_target WHERE whose = $1 AND role = $2 AND name = $3";
    match write.execute(sql, &[owner(whose).into(), role.word().into(), name.into()]).await? {
        0 => Ok(()),
        _ => mark_due(write, whose, role).await,
    }
}

/// Gives `school` a view; one that has a view keeps it.
pub(super) async fn add_school(write: &mut Write, school: &Uai) -> anyhow::Result<()> {
    let sql = "INSERT INTO channel_view
        (school, wish, done, due_at, version, published_version, published_at, seen_version, files)
        VALUES ($1, 1, 0, 0, 0, 0, 0, 0, '') ON CONFLICT (school) DO NOTHING";
    if write.execute(sql, &[school.as_str().into()]).await? == 0 {
        return Ok(());
    }
    for role in OF_A_SCHOOL {
        add_role(write, school.as_str(), role).await?;
    }
    write.signal(format!("view/{}", school.as_str()));
    Ok(())
}

/// Enters a role that has to be signed.
pub(super) async fn add_role(write: &mut Write, owner: &str, role: Role) -> anyhow::Result<()> {
    let sql = "INSERT INTO channel_role (whose, role, wish, done, version, key, signed_at, signed)
        VALUES ($1, $2, 1, 0, 0, '', 0, $3)";
    write.execute(sql, &[owner.into(), role.word().into(), Vec::new().into()]).await?;
    Ok(())
}

/// Marks every view due.
pub(super) async fn mark_all_due(write: &mut Write) -> anyhow::Result<()> {
    write.execute("UPDATE channel_view SET wish = wish + 1, due_at = 0", &[]).await?;
    write.signal("view/*");
    Ok(())
}

/// Marks what changed, and the views that name it.
async fn mark_due(write: &mut Write, whose: Whose<'_>, role: Role) -> anyhow::Result<()> {
    match whose {
        Whose::School(school) => {
            let sql = "UPDATE channel_view SET wish = wish + 1, due_at = 0 WHERE school = $1";
            if write.execute(sql, &[school.as_str().into()]).await? == 0 {
                // Its view is made due by being made.
                return add_school(write, school).await;
            }
            let sql = "UPDATE channel_role SET wish = wish + 1 WHERE whose = $1 AND role = $2";
            write.execute(sql, &[school.as_str().into(), role.word().into()]).await?;
            write.signal(format!("view/{}", school.as_str()));
            Ok(())
        }
        Whose::Everyone => {
            // The shared file of the role, or each school's own.
            let sql = "UPDATE channel_role SET wish = wish + 1 WHERE role = $1";
            write.execute(sql, &[role.word().into()]).await?;
            mark_all_due(write).await
        }
    }
}

pub(super) fn owner(whose: Whose<'_>) -> &str {
    match whose {
        Whose::Everyone => EVERYONE,
        Whose::School(school) => school.as_str(),
    }
}

/// A name must be one that every client reads the same way, and one that the role is trusted for.
pub(super) fn check_name(role: Role, name: &str) -> anyhow::Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let part_is_plain = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
    ensure!(
        name.len() <= NAME_BYTES_MAX && name.split('/').all(part_is_plain),
        "the target `{name}` has a name with other than letters, digits, `.`, `_`, `-` and `/`"
    );
    let trusted = role.patterns().iter().any(|pattern| matches(pattern, name));
    ensure!(trusted, "the role `{}` is not trusted for a target `{name}`", role.word());
    Ok(())
}

/// A school's own roles hold its own targets and everyone's; all others hold everyone's only.
fn check_whose(whose: Whose<'_>, role: Role, name: &str) -> anyhow::Result<()> {
    if role == Role::System {
        bail!("targets of the role `system` are signed off line");
    }
    let of = name.strip_prefix("schools/").and_then(|rest| rest.split('/').next());
    match whose {
        Whose::Everyone => ensure!(of.is_none(), "the target `{name}` is one school's, not everyone's"),
        Whose::School(school) => {
            ensure!(OF_A_SCHOOL.contains(&role), "the role `{}` is everyone's, no school's own", role.word());
            ensure!(of.is_none_or(|of| of == school.as_str()), "the target `{name}` is another school's");
        }
    }
    Ok(())
}

/// `*` stands for anything within one part (specification 4.5).
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = name.split('/');
    pattern.split('/').all(|wanted| parts.next().is_some_and(|part| wanted == "*" || wanted == part))
        && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_takes_only_names_it_is_trusted_for() {
        for (role, name, taken) in [
            (Role::Policy, "policy/a.toml", true),
            (Role::Policy, "schools/0809999Z/policy.json", true),
            (Role::Policy, "policy/a/b.toml", false),
            (Role::Policy, "lists/index.json", false),
            (Role::Policy, "policy/../lists", false),
            (Role::Policy, "policy/", false),
            (Role::Policy, "policy/é", false),
            (Role::Accounts, "schools/0809999Z/accounts/00000001.sealed", true),
            (Role::Accounts, "schools/0809999Z/policy.json", false),
        ] {
            assert_eq!(check_name(role, name).is_ok(), taken, "{name}");
        }
    }

    #[test]
    fn what_is_one_schools_is_never_placed_for_another() {
        let school = Uai::new("0809999Z").unwrap();
        let own = "schools/0809999Z/policy.json";
        assert!(check_whose(Whose::School(&school), Role::Policy, own).is_ok());
        assert!(check_whose(Whose::Everyone, Role::Policy, own).is_err());
        assert!(check_whose(Whose::School(&school), Role::Policy, "schools/0801234A/policy.json").is_err());
        assert!(check_whose(Whose::School(&school), Role::Lists, "lists/index.json").is_err());
        assert!(check_whose(Whose::Everyone, Role::System, "system/a").is_err());
    }
}
