//! What the last reading of the configuration came to: kept for `preau status`.

use std::path::PathBuf;

use crate::{
    config::{Config, FromChannel},
    model::Moment,
};

/// What the last reading of the configuration came to.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The rules in force: path, level, count.
    pub(super) rules: Vec<(PathBuf, &'static str, usize)>,
    /// The day of the lists of categories, where there are some.
    pub(super) lists_of: Option<Moment>,
    /// When they were read.
    pub(super) at: Moment,
    /// The number of the académie's policy in force, where it is one of the channel's.
    pub(super) channel_policy: Option<u64>,
    /// Why something that the channel brought is not in force, if so.
    pub(super) channel_fault: Option<String>,
    /// Why the reading after that was refused, if it was.
    pub(super) refused: Option<String>,
}

impl Reading {
    /// The reading of `config`, which is put into force.
    pub(super) fn of(config: &Config, at: Moment) -> Self {
        let rules = config
            .rule_files
            .iter()
            .map(|(path, file)| (path.clone(), file.level.word(), file.all_rules().count()))
            .collect();
        let FromChannel { policy: channel_policy, fault: channel_fault } = config.from_channel.clone();
        let lists_of = config.lists_of();
        Self { rules, lists_of, at, channel_policy, channel_fault, refused: None }
    }
}
