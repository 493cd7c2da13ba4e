//! What one version of a document says otherwise than the one before: rule by rule and field by field.

use std::collections::BTreeSet;

use super::{
    document::{Document, Rule, Search},
    fault::Part,
};

/// All that is different.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// The parts that are, in the order of the later document; what was removed comes last.
    pub changes: Vec<Change>,
}

/// What became of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The part.
    pub part: Part,
    /// What became of it.
    pub kind: Kind,
    /// Whether it is locked, or was.
    pub locked: bool,
}

/// What becomes of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It was not there; with what it says.
    Added(Vec<Field>),
    /// It is not there any more; with what it said.
    Removed(Vec<Field>),
    /// It says something else.
    Changed(Vec<Field>),
    /// It stands elsewhere among its like: which of two equal rules speaks may be another.
    Moved,
}

/// One field, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in rules files, such as `sites`; see [`field_words`].
    pub name: &'static str,
    /// What only the earlier document says.
    pub gone: Vec<String>,
    /// What only the later one says.
    pub come: Vec<String>,
}

/// What people read in place of a field's name: in French and in English.
#[must_use]
pub fn field_words(name: &str) -> (&'static str, &'static str) {
    match name {
        "name" => ("nom", "name"),
        "effect" => ("effet", "effect"),
        "locked" => ("verrouillée", "locked"),
        "sites" => ("sites", "sites"),
        "categories" => ("catégories", "categories"),
        "everything" => ("tous les sites", "every site"),
        "roles" => ("rôles", "roles"),
        "classes" => ("classes", "classes"),
        "devices" => ("machines enregistrées", "registered machines"),
        "machines" => ("adresses matérielles", "hardware addresses"),
        "zones" => ("zones", "zones"),
        "during" => ("pendant", "during"),
        "outside" => ("en dehors de", "outside"),
        "reason" => ("motif affiché", "reason shown"),
        "safe_search" => ("recherche protégée", "safe search"),
        "youtube" => ("YouTube", "YouTube"),
        "monday" => ("lundi", "Monday"),
        "tuesday" => ("mardi", "Tuesday"),
        "wednesday" => ("mercredi", "Wednesday"),
        "thursday" => ("jeudi", "Thursday"),
        "friday" => ("vendredi", "Friday"),
        "saturday" => ("samedi", "Saturday"),
        "sunday" => ("dimanche", "Sunday"),
        _ => ("autre", "other"),
    }
}

/// A part with its fields, each a list of words.
type Fields = Vec<(&'static str, Vec<String>)>;

impl Difference {
    /// From `before` to `after`.
    #[must_use]
    pub fn between(before: &Document, after: &Document) -> Self {
        let mut changes = Vec::new();
        if before.name != after.name {
            let field =
                Field { name: "name", gone: vec![before.name.clone()], come: vec![after.name.clone()] };
            changes.push(Change { part: Part::Head, kind: Kind::Changed(vec![field]), locked: false });
        }
        compare(timetables(before), timetables(after), &mut changes);
        compare(rules(before), rules(after), &mut changes);
        compare(searches(before), searches(after), &mut changes);
        Self { changes }
    }

    /// Whether both say the same.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether a rule that is locked, or was, is another than before.
    #[must_use]
    pub fn touches_locked(&self) -> bool {
        self.changes.iter().any(|change| change.locked)
    }
}

/// One part as it is compared: which it is, whether it is locked, what it says.
struct Compared {
    part: Part,
    locked: bool,
    fields: Fields,
}

fn compare(before: Vec<Compared>, after: Vec<Compared>, changes: &mut Vec<Change>) {
    let stayed = |list: &[Compared], other: &[Compared]| -> Vec<Part> {
        let parts = list.iter().map(|compared| compared.part.clone());
        parts.filter(|part| other.iter().any(|compared| compared.part == *part)).collect()
    };
    let moved = moved(&stayed(&before, &after), &stayed(&after, &before));
    for Compared { part, locked, fields } in &after {
        let Some(was) = before.iter().find(|was| was.part == *part) else {
            changes.push(Change {
                part: part.clone(),
                kind: Kind::Added(fields_between(&[], fields)),
                locked: *locked,
            });
            continue;
        };
        let different = fields_between(&was.fields, fields);
        let locked = *locked || was.locked;
        if !different.is_empty() {
            changes.push(Change { part: part.clone(), kind: Kind::Changed(different), locked });
        }
        if moved.contains(part) {
            changes.push(Change { part: part.clone(), kind: Kind::Moved, locked });
        }
    }
    for Compared { part, locked, fields } in before {
        if !after.iter().any(|is| is.part == part) {
            let kind = Kind::Removed(fields_between(&fields, &[]));
            changes.push(Change { part, kind, locked });
        }
    }
}

/// The parts that stand elsewhere: those that have to move so that the others need not. Both lists hold the same parts.
fn moved(before: &[Part], after: &[Part]) -> BTreeSet<Part> {
    // The longest run of parts whose order is as before (patience: lengths[i] ends at after[i]).
    let places: Vec<_> = after.iter().map(|part| before.iter().position(|was| was == part)).collect();
    let mut lengths: Vec<(usize, Option<usize>)> = Vec::with_capacity(places.len());
    for (at, place) in places.iter().enumerate() {
        let earlier = (0..at).filter(|earlier| places.get(*earlier) < Some(place));
        let best = earlier.max_by_key(|earlier| lengths.get(*earlier).map_or(0, |(length, _)| *length));
        let length = best.and_then(|best| lengths.get(best)).map_or(0, |(length, _)| *length);
        lengths.push((length + 1, best));
    }
    let mut moved: BTreeSet<_> = after.iter().cloned().collect();
    let mut at = (0..lengths.len()).max_by_key(|at| lengths.get(*at).map_or(0, |(length, _)| *length));
    while let Some(place) = at {
        if let Some(part) = after.get(place) {
            moved.remove(part);
        }
        at = lengths.get(place).and_then(|(_, before)| *before);
    }
    moved
}

fn fields_between(
    before: &[(&'static str, Vec<String>)],
    after: &[(&'static str, Vec<String>)],
) -> Vec<Field> {
    let of = |fields: &[(&'static str, Vec<String>)], name: &str| -> Vec<String> {
        let field = fields.iter().find(|(known, _)| *known == name);
        field.map(|(_, words)| words.clone()).unwrap_or_default()
    };
    let names = if after.is_empty() { before } else { after };
    let fields = names.iter().filter_map(|(name, _)| {
        let (was, is) = (of(before, name), of(after, name));
        if was == is {
            return None;
        }
        let gone: Vec<_> = was.iter().filter(|word| !is.contains(word)).cloned().collect();
        let come: Vec<_> = is.iter().filter(|word| !was.contains(word)).cloned().collect();
        // Only the order is another, or how often a word stands there: whole lists tell.
        let same_words = gone.is_empty() && come.is_empty();
        Some(if same_words { Field { name, gone: was, come: is } } else { Field { name, gone, come } })
    });
    fields.collect()
}

fn timetables(document: &Document) -> Vec<Compared> {
    // Other hours are another rule: what a locked rule goes by is locked with it.
    let is_of_locked = |name: &String| {
        let of_rules = document.rules.iter().map(|rule| (rule.locked, &rule.during, &rule.outside));
        let of_search = document.search.iter().map(|rule| (rule.locked, &rule.during, &rule.outside));
        of_rules.chain(of_search).any(|(locked, during, outside)| {
            locked && [during, outside].into_iter().flatten().any(|word| word == name)
        })
    };
    let compared = document.timetables.iter().map(|(name, week)| Compared {
        part: Part::Timetable(name.clone()),
        locked: is_of_locked(name),
        fields: week.days().into_iter().map(|(day, slots)| (day, slots.clone())).collect(),
    });
    compared.collect()
}

fn rules(document: &Document) -> Vec<Compared> {
    let compared = document.rules.iter().map(|rule| {
        let Rule {
            id,
            effect,
            locked,
            sites,
            categories,
            everything,
            roles,
            classes,
            devices,
            machines,
            zones,
            during,
            outside,
            reason,
        } = rule;
        let fields = vec![
            ("effect", vec![effect.word().to_owned()]),
            ("locked", vec![locked.to_string()]),
            ("sites", sites.clone()),
            ("categories", categories.clone()),
            ("everything", vec![everything.to_string()]),
            ("roles", roles.clone()),
            ("classes", classes.clone()),
            ("devices", devices.clone()),
            ("machines", machines.clone()),
            ("zones", zones.clone()),
            ("during", Vec::from_iter(during.clone())),
            ("outside", Vec::from_iter(outside.clone())),
            ("reason", Vec::from_iter(reason.clone())),
        ];
        Compared { part: Part::Rule(id.clone()), locked: *locked, fields }
    });
    compared.collect()
}

fn searches(document: &Document) -> Vec<Compared> {
    let compared = document.search.iter().map(|search| {
        let Search {
            id,
            safe_search,
            youtube,
            locked,
            roles,
            classes,
            devices,
            machines,
            zones,
            during,
            outside,
            reason,
        } = search;
        let fields = vec![
            ("safe_search", Vec::from_iter(safe_search.map(|on| on.to_string()))),
            ("youtube", Vec::from_iter(youtube.clone())),
            ("locked", vec![locked.to_string()]),
            ("roles", roles.clone()),
            ("classes", classes.clone()),
            ("devices", devices.clone()),
            ("machines", machines.clone()),
            ("zones", zones.clone()),
            ("during", Vec::from_iter(during.clone())),
            ("outside", Vec::from_iter(outside.clone())),
            ("reason", Vec::from_iter(reason.clone())),
        ];
        Compared { part: Part::Search(id.clone()), locked: *locked, fields }
    });
    compared.collect()
}
