//! A list held against the register: what would be new, what would change, what is refused; and the act itself.

use std::collections::{HashMap, HashSet};

use preau::model::Uai;

use super::list::{Fault, Read, Unread};
use crate::{
    audit,
    channel::Channel,
    console::{road::Console, visit::Visit},
    fleet::schools::{self, School},
    words::{GroupName, Place, Right},
};

/// What a list comes to.
#[derive(Debug, Default)]
pub(in crate::console) struct Entering {
    /// Schools that are not in the register.
    pub(in crate::console) new: Vec<Read>,
    /// Schools whose line says something else than the register: as they are, and as they would be.
    pub(in crate::console) changed: Vec<(School, Read)>,
    /// Schools that stay as they are.
    pub(in crate::console) same: usize,
    /// Lines that are not entered.
    pub(in crate::console) refused: Vec<Unread>,
}

impl Entering {
    /// Holds `lines` against the register, and against what `visit` may do.
    pub(in crate::console) async fn judge(
        console: &Console,
        visit: &Visit,
        lines: Vec<Result<Read, Unread>>,
    ) -> anyhow::Result<Self> {
        let database = &console.parts.database;
        let known = schools::all(database).await?.into_iter().map(|school| (school.uai.clone(), school));
        let known: HashMap<Uai, School> = known.collect();
        let groups = crate::console::fleet::groups_of(database).await?;
        let may_group = visit.may(database, Right::Enrol, &Place::Academie).await.is_ok();
        let (mut entering, mut met) = (Self::default(), HashSet::new());
        for (number, line) in (2..).zip(lines) {
            let read = match line {
                Ok(read) => read,
                Err(unread) => {
                    entering.refused.push(unread);
                    continue;
                }
            };
            let uai = read.school.uai.clone();
            let refused = |fault| Unread { line: number, code: uai.as_str().to_owned(), fault };
            let before = known.get(&uai);
            let own_groups = groups.get(&uai).map_or(&[][..], Vec::as_slice);
            let covers = |school| visit.covers(Right::Enrol, school, own_groups);
            let in_group = |name: &GroupName| own_groups.contains(name);
            let same_group = read.group.as_ref().is_none_or(in_group);
            let may_enter = covers(&read.school) && before.is_none_or(covers);
            if !met.insert(uai.clone()) {
                entering.refused.push(refused(Fault::Twice));
            } else if !may_enter || (!same_group && !may_group) {
                entering.refused.push(refused(Fault::NotGranted));
            } else {
                match before {
                    None => entering.new.push(read),
                    Some(before) if *before == read.school && same_group => entering.same += 1,
                    Some(before) => entering.changed.push((before.clone(), read)),
                }
            }
        }
        Ok(entering)
    }
}

/// Enters what is new and what changed, in one act with one line in the trail for each school.
pub(in crate::console) async fn enter_all(
    console: &Console,
    visit: &Visit,
    entering: &Entering,
) -> anyhow::Result<()> {
    let mut write = console.parts.database.write().await?;
    let actor = visit.actor();
    let who = audit::Who::Person(actor.id, actor.name.clone());
    let changed = entering.changed.iter().map(|(_, read)| (read, "school-changed"));
    for (read, act) in entering.new.iter().map(|read| (read, "school-entered")).chain(changed) {
        let Read { school, group } = read;
        schools::enter(&mut write, school).await?;
        if act == "school-entered" {
            Channel::add_school(&mut write, &school.uai).await?;
        }
        if let Some(group) = group {
            schools::put_into(&mut write, group, &school.uai).await?;
        }
        let place = Place::School(school.uai.clone());
        audit::note(&mut write, visit.now, &who, act, Some(&place), &school.name).await?;
    }
    write.commit().await
}
