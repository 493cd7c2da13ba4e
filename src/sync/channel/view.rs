//! What a proved view names: by role, each target with its length and digest.

use std::collections::BTreeMap;

use tough::{Repository, schema::Target};

use super::{
    refusal::{Refusal, Why},
    source::is_plain,
};
use crate::{
    model::{Moment, Uai},
    protocol::names::{Role, TARGETS_DIR},
};

/// One school's view of the repository, proved.
#[derive(Clone, Debug)]
pub(super) struct View {
    version: u64,
    roles: BTreeMap<Role, Named>,
}

/// What one role names.
#[derive(Clone, Debug)]
struct Named {
    /// Until when its signature holds.
    expires: Moment,
    /// The keys it is trusted by, in order.
    keys: String,
    targets: BTreeMap<String, Wanted>,
}

/// A target as it was signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) sha256: [u8; 32],
    pub(super) length: u64,
}

impl View {
    /// What a repository that tough has proved names.
    pub(super) fn of(repository: &Repository) -> Self {
        let roles = Role::ALL.into_iter().filter_map(|role| Some((role, named(repository, role)?))).collect();
        Self { version: repository.timestamp().signed.version.get(), roles }
    }

    /// Its version: that of its timestamp.
    pub(super) const fn version(&self) -> u64 {
        self.version
    }

    /// The keys that speak for a role here, as one text.
    pub(super) fn keys(&self, role: Role) -> &str {
        self.roles.get(&role).map_or("", |named| &named.keys)
    }

    /// Whether it holds anything of a role.
    pub(super) fn holds(&self, role: Role) -> bool {
        self.roles.contains_key(&role)
    }

    /// Whether it names anything of another school.
    pub(super) fn names_others_than(&self, school: &Uai) -> bool {
        let is_others = |name: &String| {
            let whose = name.strip_prefix("schools/").and_then(|rest| rest.split('/').next());
            whose.is_some_and(|whose| whose != school.as_str())
        };
        self.roles.values().any(|named| named.targets.keys().any(is_others))
    }

    /// The target `name` as `role` signed for it; no other role is asked.
    pub(super) fn wanted(&self, role: Role, name: &str, now: Moment) -> Result<Wanted, Refusal> {
        let word = role.word();
        let Some(named) = self.roles.get(&role) else {
            return Err(Refusal::new(Why::NotForUs, format!("the view holds nothing of the role {word}")));
        };
        if now > named.expires {
            let sentence = format!("the signature of the role {word} ran out on {}", named.expires);
            return Err(Refusal::new(Why::Expired, sentence));
        }
        if !may_name(role, name) {
            return Err(Refusal::new(
                Why::OutOfRole,
                format!("the role {word} is not trusted for such a name"),
            ));
        }
        named.targets.get(name).cloned().ok_or_else(|| {
            Refusal::new(
                Why::NotForUs,
                format!("the view lacks a target of the role {word} that it should have"),
            )
        })
    }

    /// The digests of everything that is named.
    pub(super) fn digests(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.roles.values().flat_map(|named| named.targets.values().map(|wanted| &wanted.sha256))
    }
}

impl Wanted {
    /// Its digest in hexadecimal.
    pub(super) fn hex(&self) -> String {
        hex(&self.sha256)
    }

    /// Where it lies in the repository.
    pub(super) fn path(&self) -> String {
        let (dir, file) = self.name.rsplit_once('/').unwrap_or(("", &self.name));
        let hex = self.hex();
        if dir.is_empty() {
            format!("{TARGETS_DIR}/{hex}.{file}")
        } else {
            format!("{TARGETS_DIR}/{dir}/{hex}.{file}")
        }
    }
}

/// `bytes` in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn named(repository: &Repository, role: Role) -> Option<Named> {
    let delegations = repository.targets().signed.delegations.as_ref()?;
    let delegated = delegations.roles.iter().find(|delegated| delegated.name == role.word())?;
    let signed = &delegated.targets.as_ref()?.signed;
    let mut keys: Vec<String> = delegated.keyids.iter().map(|key| hex(key)).collect();
    keys.sort();
    let targets = signed
        .targets
        .iter()
        .filter_map(|(name, target)| Some((name.raw().to_owned(), wanted(name.raw(), target)?)))
        .collect();
    let expires = Moment::from_unix_milliseconds(signed.expires.as_millisecond());
    Some(Named { expires, keys: format!("{} of {}", delegated.threshold, keys.join(" ")), targets })
}

/// The target, where its name and digest are of the form that every source can hold.
fn wanted(name: &str, target: &Target) -> Option<Wanted> {
    let sha256 = <[u8; 32]>::try_from(target.hashes.sha256.as_ref()).ok()?;
    is_plain(name).then(|| Wanted { name: name.to_owned(), sha256, length: target.length })
}

/// Whether the name fits one of the role's patterns, in which `*` stands for one part of a path. tough lets it stand for
/// several, and asks no more than that *some* role may name a target.
fn may_name(role: Role, name: &str) -> bool {
    role.patterns().iter().any(|pattern| {
        let (pattern, name) = (pattern.split('/'), name.split('/'));
        pattern.clone().count() == name.clone().count()
            && pattern.zip(name).all(|(pattern, part)| pattern == "*" || pattern == part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_names_what_its_patterns_hold_part_by_part() {
        for (role, name, may) in [
            (Role::Policy, "policy/a.toml", true),
            (Role::Policy, "policy/a/b.toml", false),
            (Role::Policy, "schools/0809999Z/policy.json", true),
            (Role::Policy, "schools/0809999Z/accounts/policy.json", false),
            (Role::Accounts, "schools/0809999Z/accounts/00000001.sealed", true),
            (Role::Accounts, "schools/0809999Z/policy.json", false),
            (Role::Lists, "lists/index.json", true),
            (Role::Lists, "policy/a.toml", false),
        ] {
            assert_eq!(may_name(role, name), may, "{} {name}", role.word());
        }
    }
}
