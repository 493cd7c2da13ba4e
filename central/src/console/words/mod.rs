//! All text of the console. The macro `words!` makes a struct of sentences from lines that hold French and English side by
//! side: a sentence that lacks a language does not compile, and whoever changes one sees the other.

#[macro_use]
mod side_by_side;

mod accounts;
mod acts;
mod categories;
mod filtering;
mod findings;
mod fleet;
mod frame;
mod library;
mod persons;
mod release;
mod repairs;
mod requests;
mod rights;
mod school;
mod sign_in;
mod statistics;

pub(super) use accounts::{AccountWords, feed_refused, record_kind, role_name};
pub(super) use acts::act_name;
pub(super) use categories::{categories, category_name};
pub(super) use filtering::{FilteringWords, edit_refused, part_told, word_name};
pub(super) use findings::{Told, finding_told, refused_told};
pub(super) use fleet::{FleetWords, StandingWords};
pub(super) use frame::{FrameWords, PlaceWords, RefusalWords};
pub(super) use library::{LibraryWords, kind_name};
pub(super) use persons::{
    OwnWords, PersonWords, ProposalWords, TrailWords, grant_refused, invite_refused, proposal_refused,
};
pub(super) use release::{ReleaseWords, TestWords};
pub(super) use repairs::{RepairWords, TunnelWords, tunnel_trouble};
pub(super) use requests::RequestWords;
pub(super) use rights::right_name;
pub(super) use school::{ImportWords, SchoolWords, fault_text};
pub(super) use sign_in::{InvitationWords, SignInWords, password_refused};
pub(super) use statistics::{CalendarWords, RehearsalWords, StatisticsWords, asker_name, ground_name};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sentence_is_missing_in_either_language() {
        let all = [
            FrameWords::ALL,
            PlaceWords::ALL,
            RefusalWords::ALL,
            SignInWords::ALL,
            InvitationWords::ALL,
            FleetWords::ALL,
            StandingWords::ALL,
            FilteringWords::ALL,
            TestWords::ALL,
            ReleaseWords::ALL,
            SchoolWords::ALL,
            ImportWords::ALL,
            RepairWords::ALL,
            TunnelWords::ALL,
            RequestWords::ALL,
            AccountWords::ALL,
            PersonWords::ALL,
            ProposalWords::ALL,
            TrailWords::ALL,
            OwnWords::ALL,
            StatisticsWords::ALL,
            LibraryWords::ALL,
            RehearsalWords::ALL,
            CalendarWords::ALL,
        ];
        for [name, french, english] in all.into_iter().flatten() {
            assert!(!french.trim().is_empty() && !english.trim().is_empty(), "{name}");
            let long = french.chars().count() > 25;
            assert!(!long || french != english, "{name} is not translated");
            assert!(!french.contains('\''), "{name}: the French apostrophe is ’");
        }
    }
}
