//! All schools that somebody may see, as they stand, and what is asked of the list.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use preau::model::Uai;
use serde::Deserialize;

use crate::{
    console::{road::Console, standing::Known, visit::Visit},
    database::Database,
    fleet::{
        schools::{self, School},
        standing::Standing,
    },
    words::{GroupName, Right},
};

/// What is asked of the list.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    /// What is searched in name, town and code.
    pub(super) q: String,
    pub(super) departement: String,
    pub(super) groupe: String,
    /// The program's version.
    pub(super) version: String,
    /// A standing's word.
    pub(super) etat: String,
    /// `carte` for the map.
    pub(super) vue: String,
    pub(super) page: usize,
}

/// A school as it stands.
#[derive(Debug)]
pub(super) struct Stands {
    pub(super) school: School,
    pub(super) groups: Vec<GroupName>,
    pub(super) standing: Standing,
}

/// The schools that somebody may see.
#[derive(Debug)]
pub(super) struct Overview {
    /// Those that the filter takes, the gravest first.
    pub(super) taken: Vec<Stands>,
    /// How many stand how, whatever standing the filter asks for.
    pub(super) counts: BTreeMap<Standing, usize>,
    pub(super) departements: BTreeSet<String>,
    pub(super) groups: BTreeSet<String>,
    pub(super) versions: BTreeSet<String>,
    /// Whether there is no school at all.
    pub(super) is_empty: bool,
    pub(super) known: Known,
}

impl Overview {
    pub(super) async fn read(console: &Console, visit: &Visit, filter: &Filter) -> anyhow::Result<Self> {
        let database = &console.parts.database;
        let mut groups_of = groups_of(database).await?;
        let mut overview = Self {
            taken: Vec::new(),
            counts: BTreeMap::new(),
            departements: BTreeSet::new(),
            groups: BTreeSet::new(),
            versions: BTreeSet::new(),
            is_empty: true,
            known: Known::read(console).await?,
        };
        for school in schools::all(database).await? {
            let groups = groups_of.remove(&school.uai).unwrap_or_default();
            if visit.covers(Right::See, &school, &groups) {
                overview.add(school, groups, filter);
            }
        }
        overview.taken.sort_by(|one, other| {
            (one.standing, &one.school.name, &one.school.uai).cmp(&(
                other.standing,
                &other.school.name,
                &other.school.uai,
            ))
        });
        Ok(overview)
    }

    fn add(&mut self, school: School, groups: Vec<GroupName>, filter: &Filter) {
        self.is_empty = false;
        let version = self.version(&school.uai).to_owned();
        self.departements.insert(school.departement.as_str().to_owned());
        self.groups.extend(groups.iter().map(|name| name.as_str().to_owned()));
        if !version.is_empty() {
            self.versions.insert(version.clone());
        }
        if !filter.takes(&school, &groups, &version) {
            return;
        }
        let standing = self.known.standing(&school.uai);
        *self.counts.entry(standing).or_default() += 1;
        if filter.etat.is_empty() || filter.etat == standing.address_word() {
            self.taken.push(Stands { school, groups, standing });
        }
    }

    /// The version of the program at `school`; empty where it is not known.
    pub(super) fn version(&self, school: &Uai) -> &str {
        self.known.seen.get(school).map_or("", |seen| &seen.report.version)
    }
}

/// The groups of each school.
pub(in crate::console) async fn groups_of(
    database: &Database,
) -> anyhow::Result<HashMap<Uai, Vec<GroupName>>> {
    let mut of: HashMap<Uai, Vec<GroupName>> = HashMap::new();
    for (group, uai) in schools::members(database).await? {
        of.entry(uai).or_default().push(group);
    }
    Ok(of)
}

/// The text as people type it who are in a hurry: small letters without accents, words apart.
fn folded(text: &str) -> String {
    let plain = |letter: char| match letter {
        'à' | 'â' | 'ä' | 'á' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'î' | 'ï' | 'í' => 'i',
        'ô' | 'ö' | 'ó' => 'o',
        'ù' | 'û' | 'ü' | 'ú' => 'u',
        'ÿ' => 'y',
        '-' | '’' | '\'' => ' ',
        letter => letter,
    };
    text.to_lowercase().replace('œ', "oe").chars().map(plain).collect()
}

impl Filter {
    fn takes(&self, school: &School, groups: &[GroupName], version: &str) -> bool {
        let School { uai, name, town, departement, .. } = school;
        let told = folded(&format!("{name} {town} {}", uai.as_str()));
        folded(&self.q).split_whitespace().all(|word| told.contains(word))
            && (self.departement.is_empty() || self.departement == departement.as_str())
            && (self.groupe.is_empty() || groups.iter().any(|group| group.as_str() == self.groupe))
            && (self.version.is_empty() || self.version == version)
    }

    /// Whether the map is asked for.
    pub(super) fn is_map(&self) -> bool {
        self.vue == "carte"
    }

    /// The filter as a query, without the page; with another standing or another view where one is given.
    pub(super) fn written(&self, etat: Option<&str>, vue: Option<&str>) -> String {
        let Self { q, departement, groupe, version, etat: own_etat, vue: own_vue, page: _ } = self;
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("q", q.as_str()),
            ("departement", departement),
            ("groupe", groupe),
            ("version", version),
            ("etat", etat.unwrap_or(own_etat)),
            ("vue", vue.unwrap_or(own_vue)),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::DepartementCode;

    #[test]
    fn a_school_is_found_by_words_of_its_name_town_and_code_however_they_are_typed() {
        let school = School {
            uai: Uai::new("0800001A").unwrap(),
            name: "Collège Édouard Lucas".into(),
            kind: String::new(),
            town: "Saint-Quentin".into(),
            departement: DepartementCode::new("02").unwrap(),
        };
        let finds = |q: &str| Filter { q: q.into(), ..Filter::default() }.takes(&school, &[], "");
        for q in ["", "  ", "edouard", "COLLÈGE saint quentin", "0800001a", "Lucas Saint-Quentin"] {
            assert!(finds(q), "{q}");
        }
        assert!(!finds("lucas amiens"));
    }
}
