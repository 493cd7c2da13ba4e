//! The ruleset as a value: printed as nft text, loaded in one transaction, and read back.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::system::nft;

/// The whole packet filter. Its `Display` is the nft text that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruleset(pub(super) Vec<Table>);

/// One table of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// With its family.
    pub(super) name: &'static str,
    pub(super) sets: Vec<Set>,
    pub(super) chains: Vec<Chain>,
}

/// A set whose elements come at run time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) name: &'static str,
    /// Everything between the braces.
    pub(super) definition: &'static str,
}

/// A list of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) name: String,
    /// Where the kernel enters it; none for a chain that others jump to.
    pub(super) hook: Option<Hook>,
    pub(super) rules: Vec<Rule>,
}

/// Where and when the kernel enters a chain, and what becomes of a packet that no rule takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hook {
    pub(super) kind: &'static str,
    pub(super) point: &'static str,
    pub(super) priority: i32,
    pub(super) policy: &'static str,
}

/// One rule. The comment names it in the read-back and to technicians; it is unique in its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) expression: String,
    pub(super) comment: String,
}

/// What of a table is compared: sets by name; chains with their hook and the comments of their rules in order.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outline {
    sets: BTreeSet<String>,
    chains: BTreeMap<String, (Option<String>, Vec<String>)>,
}

impl Ruleset {
    /// Replaces whatever tables there are by these with every set empty, in one transaction: nothing is forwarded
    /// until the heartbeat beats, and flows of an earlier run of the daemon, which nobody can vouch for, are cut.
    ///
    /// # Errors
    /// When `nft` refuses, or when the kernel reads back something else.
    pub async fn load_closed(&self) -> anyhow::Result<()> {
        let mut script = String::new();
        for Table { name, .. } in &self.0 {
            script += &format!("table {name} {{}}\ndelete table {name}\n");
        }
        script += &self.to_string();
        nft::run(&script).await.context("cannot load the closed ruleset")?;
        self.read_back().await
    }

    /// Replaces the rules and keeps the elements of the sets, in one transaction: flows that run are not disturbed and
    /// no packet meets half a ruleset.
    ///
    /// # Errors
    /// As [`Self::load_closed`]; the earlier ruleset then still holds unless the read-back failed.
    pub async fn apply(&self) -> anyhow::Result<()> {
        let mut script = String::new();
        for table in &self.0 {
            let name = table.name;
            script += &format!("table {name} {{}}\nflush table {name}\n");
            // Chains of zones that are gone: empty after the flush, but still there.
            if let Ok(objects) = nft::list(name).await {
                let wanted = Outline::of_table(table);
                for chain in Outline::of_kernel(&objects)?.chains.into_keys() {
                    if !wanted.chains.contains_key(&chain) {
                        script += &format!("delete chain {name} {chain}\n");
                    }
                }
            }
        }
        script += &self.to_string();
        nft::run(&script).await.context("cannot apply the ruleset")?;
        self.read_back().await
    }

    /// Asks the kernel what it holds and compares.
    ///
    /// # Errors
    /// The first difference, or why the kernel cannot be asked.
    pub async fn read_back(&self) -> anyhow::Result<()> {
        for table in &self.0 {
            let objects = nft::list(table.name).await.context("cannot read the ruleset back")?;
            Outline::of_table(table).compare(&Outline::of_kernel(&objects)?)?;
        }
        Ok(())
    }
}

impl Outline {
    fn of_table(table: &Table) -> Self {
        let chain = |chain: &Chain| {
            let comments = chain.rules.iter().map(|rule| rule.comment.clone()).collect();
            (chain.name.clone(), (chain.hook.as_ref().map(Hook::outline), comments))
        };
        Self {
            sets: table.sets.iter().map(|set| set.name.to_owned()).collect(),
            chains: table.chains.iter().map(chain).collect(),
        }
    }

    /// Reads nft's list of objects; chains come before rules in it.
    fn of_kernel(objects: &[Value]) -> anyhow::Result<Self> {
        let mut outline = Self::default();
        for object in objects {
            if let Some(set) = object.get("set") {
                outline.sets.insert(text(set, "name")?);
            } else if let Some(chain) = object.get("chain") {
                outline.chains.insert(text(chain, "name")?, (hook_outline(chain)?, Vec::new()));
            } else if let Some(rule) = object.get("rule") {
                let chain = text(rule, "chain")?;
                let (_, comments) = outline.chains.get_mut(&chain).context("nft lists a rule of no chain")?;
                comments.push(text(rule, "comment").unwrap_or_default());
            }
        }
        Ok(outline)
    }

    /// Whether the kernel holds exactly what was meant, with the first difference as the error.
    fn compare(&self, kernel: &Self) -> anyhow::Result<()> {
        ensure!(self.sets == kernel.sets, "sets read back as {:?}, not {:?}", kernel.sets, self.sets);
        for (name, (hook, rules)) in &self.chains {
            let Some((kernel_hook, kernel_rules)) = kernel.chains.get(name) else {
                bail!("chain `{name}` is missing in the kernel");
            };
            ensure!(hook == kernel_hook, "chain `{name}` hangs at {kernel_hook:?}, not {hook:?}");
            if let Some(at) =
                (0..rules.len().max(kernel_rules.len())).find(|at| rules.get(*at) != kernel_rules.get(*at))
            {
                bail!(
                    "rule {at} of chain `{name}` reads back as {:?}, not {:?}",
                    kernel_rules.get(at),
                    rules.get(at)
                );
            }
        }
        match kernel.chains.keys().find(|name| !self.chains.contains_key(*name)) {
            Some(name) => bail!("the kernel holds a chain `{name}` that is not ours"),
            None => Ok(()),
        }
    }
}

impl Hook {
    /// The form that both sides of the comparison are brought to.
    fn outline(&self) -> String {
        format!("{} {} {} {}", self.kind, self.point, self.priority, self.policy)
    }
}

/// The hook of a chain in nft's JSON, as [`Hook::outline`] writes it.
fn hook_outline(chain: &Value) -> anyhow::Result<Option<String>> {
    if chain.get("hook").is_none() {
        return Ok(None);
    }
    let priority = chain.get("prio").and_then(Value::as_i64).context("nft lists a hook without priority")?;
    Ok(Some(format!(
        "{} {} {priority} {}",
        text(chain, "type")?,
        text(chain, "hook")?,
        text(chain, "policy")?
    )))
}

fn text(object: &Value, key: &str) -> anyhow::Result<String> {
    let value = object.get(key).and_then(Value::as_str);
    value.map(str::to_owned).with_context(|| format!("nft lists an object without `{key}`"))
}

impl fmt::Display for Ruleset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|table| write!(f, "{table}"))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "table {} {{", self.name)?;
        for set in &self.sets {
            writeln!(f, "\tset {} {{ {} }}", set.name, set.definition)?;
        }
        for chain in &self.chains {
            write!(f, "\n{chain}")?;
        }
        writeln!(f, "}}")
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\tchain {} {{", self.name)?;
        if let Some(Hook { kind, point, priority, policy }) = &self.hook {
            writeln!(f, "\t\ttype {kind} hook {point} priority {priority}; policy {policy};")?;
        }
        for Rule { expression, comment } in &self.rules {
            writeln!(f, "\t\t{expression} comment \"{comment}\"")?;
        }
        writeln!(f, "\t}}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn small() -> Table {
        Table {
            name: "inet preau",
            sets: vec![Set { name: "alive", definition: "type nf_proto" }],
            chains: vec![Chain {
                name: "through_box".to_owned(),
                hook: Some(Hook { kind: "filter", point: "forward", priority: 0, policy: "drop" }),
                rules: vec![
                    Rule { expression: "accept".to_owned(), comment: "one".to_owned() },
                    Rule { expression: "drop".to_owned(), comment: "two".to_owned() },
                ],
            }],
        }
    }

    fn kernel(policy: &str, comments: &[&str]) -> Vec<Value> {
        let mut objects = vec![
            json!({"metainfo": {"version": "1.0.6"}}),
            json!({"set": {"name": "alive"}}),
            json!({"chain": {"name": "through_box", "type": "filter", "hook": "forward", "prio": 0, "policy": policy}}),
        ];
        objects.extend(
            comments.iter().map(|comment| json!({"rule": {"chain": "through_box", "comment": comment}})),
        );
        objects
    }

    fn check(objects: &[Value], expected: Result<(), &str>) {
        let compared = Outline::of_table(&small()).compare(&Outline::of_kernel(objects).unwrap());
        assert_eq!(compared.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_ruleset_read_back_as_written_is_accepted() {
        check(&kernel("drop", &["one", "two"]), Ok(()));
    }

    #[test]
    fn a_difference_in_the_kernel_is_named() {
        check(
            &kernel("accept", &["one", "two"]),
            Err(
                r#"chain `through_box` hangs at Some("filter forward 0 accept"), not Some("filter forward 0 drop")"#,
            ),
        );
        check(
            &kernel("drop", &["two", "one"]),
            Err(r#"rule 0 of chain `through_box` reads back as Some("two"), not Some("one")"#),
        );
        check(
            &kernel("drop", &["one"]),
            Err(r#"rule 1 of chain `through_box` reads back as None, not Some("two")"#),
        );
        check(
            &kernel("drop", &["one", "two", "three"]),
            Err(r#"rule 2 of chain `through_box` reads back as Some("three"), not None"#),
        );
        check(&[], Err(r#"sets read back as {}, not {"alive"}"#));
        check(&[json!({"set": {"name": "alive"}})], Err("chain `through_box` is missing in the kernel"));
        let mut more = kernel("drop", &["one", "two"]);
        more.push(json!({"chain": {"name": "from_old"}}));
        check(&more, Err("the kernel holds a chain `from_old` that is not ours"));
    }
}
