//! Puts every line of every list into the table being built.

use std::{collections::BTreeSet, io::Write, path::Path};

use anyhow::Context as _;

use super::{
    CategoryReport, Limits, OnProtected, Reason, Refusal, Report,
    folder::{Category, Folder, ListFile},
    formats::{self, Format, Heading},
    list_file,
    protected::Protected,
};
use crate::{
    model::{Site, UrlPath},
    policy::category::{BuildError, Builder, CategoryId},
};

/// Characters of a line that a fault shows.
const SHOWN_CHARS_MAX: usize = 80;

/// Reads a folder into a builder, and writes into the report what comes of it.
pub(super) struct Gather<'a, W: Write> {
    pub(super) folder: &'a Path,
    pub(super) protected: &'a Protected,
    pub(super) on_protected: OnProtected,
    pub(super) builder: &'a mut Builder<W>,
    pub(super) report: &'a mut Report,
    /// What lists say of themselves in their first lines.
    pub(super) sources: BTreeSet<String>,
    /// Their licences.
    pub(super) licences: BTreeSet<String>,
    /// Lines read so far.
    pub(super) lines: u64,
    /// The first and the last name of each list, to be found again in the table.
    pub(super) samples: Vec<(Site, CategoryId)>,
}

impl<W: Write> Gather<'_, W> {
    /// Reads every list of every category.
    ///
    /// # Errors
    /// When a list cannot be read or the table cannot be written.
    pub(super) fn all(&mut self, found: &Folder) -> anyhow::Result<()> {
        for category in &found.categories {
            let name = &category.name;
            let id = self.builder.category(name).with_context(|| format!("cannot add category `{name}`"))?;
            self.category(category, id)?;
            for (alias, _) in found.aliases.iter().filter(|(_, meant)| *meant == name) {
                self.builder.alias(alias, id).with_context(|| format!("cannot add the name `{alias}`"))?;
            }
        }
        Ok(())
    }

    fn category(&mut self, category: &Category, id: CategoryId) -> anyhow::Result<()> {
        let mut counts = CategoryReport {
            name: category.name.clone(),
            date: super::build::day_of(category.changed())?,
            names: 0,
            urls: 0,
            expressions: 0,
            left_out: 0,
            usage: category.usage,
        };
        let is_black = category.usage.black || !category.usage.white;
        for file in &category.files {
            let path = self.folder.join(&file.below);
            let failed = || format!("cannot take the list `{}`", path.display());
            let list = list_file::open(&path).with_context(failed)?;
            let mut last = None;
            list_file::read_lines(list, file.format, |number, line| {
                let last = &mut last;
                let mut at =
                    Line { gather: self, counts: &mut counts, file, number, id, is_black, text: "", last };
                match line {
                    Ok(text) => at.take(text),
                    Err(reason) => {
                        at.leave_out(reason);
                        Ok(())
                    }
                }
            })
            .with_context(failed)?;
            self.samples.extend(last.map(|site| (site, id)));
        }
        self.report.categories.push(counts);
        Ok(())
    }

    fn note_heading(&mut self, text: &str) {
        let (kept, value) = match formats::heading(text) {
            Some(Heading::Source(value)) => (&mut self.sources, value),
            Some(Heading::Licence(value)) => (&mut self.licences, value),
            None => return,
        };
        if kept.len() < Limits::SOURCES_MAX {
            kept.insert(value.to_owned());
        }
    }
}

/// A line, and where it stands.
struct Line<'a, 'b, W: Write> {
    gather: &'a mut Gather<'b, W>,
    counts: &'a mut CategoryReport,
    file: &'a ListFile,
    number: u64,
    id: CategoryId,
    /// Whether the category is for blocking, as far as its publisher says.
    is_black: bool,
    text: &'a str,
    /// The last name of this list so far.
    last: &'a mut Option<Site>,
}

impl<'a, W: Write> Line<'a, '_, W> {
    fn take(&mut self, text: &'a str) -> anyhow::Result<()> {
        self.text = text;
        self.gather.lines += 1;
        anyhow::ensure!(
            self.gather.lines <= Limits::LINES_MAX,
            "the lists have more than {} lines; build of fewer categories",
            Limits::LINES_MAX
        );
        if self.number <= Limits::HEADING_LINES_MAX {
            self.gather.note_heading(text);
        }
        match self.file.format {
            Format::Names => formats::read_names(text, |read| match read {
                Ok(site) => self.take_name(&site),
                Err(reason) => {
                    self.leave_out(reason);
                    Ok(())
                }
            }),
            Format::Urls => match formats::read_url(text) {
                Ok(None) => Ok(()),
                Ok(Some((site, path))) => self.take_url(&site, &path),
                Err(reason) => {
                    self.leave_out(reason);
                    Ok(())
                }
            },
            Format::Expressions => {
                self.take_expression(text.trim());
                Ok(())
            }
        }
    }

    fn take_name(&mut self, site: &Site) -> anyhow::Result<()> {
        if self.is_black
            && let Some(blocks) = self.gather.protected.blocked_by(site)
        {
            if self.gather.on_protected == OnProtected::LeaveOut {
                self.leave_out(Reason::Protected);
                return Ok(());
            }
            self.gather.report.refuse(Refusal::Protected {
                category: self.counts.name.clone(),
                file: self.file.below.clone(),
                line: self.number,
                listed: site.to_string(),
                blocks,
            });
        }
        self.counts.names += 1;
        if self.last.replace(site.clone()).is_none() {
            self.gather.samples.push((site.clone(), self.id));
        }
        self.gather.builder.add(site, self.id).context("cannot add a name to the table")
    }

    fn take_url(&mut self, site: &Site, path: &UrlPath) -> anyhow::Result<()> {
        match self.gather.builder.add_url(site, path, self.id) {
            Ok(()) => self.counts.urls += 1,
            Err(BuildError::LongUrl) => self.leave_out(Reason::UrlTooDeep),
            Err(error) => return Err(error).context("cannot add a URL to the table"),
        }
        Ok(())
    }

    fn take_expression(&mut self, text: &str) {
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        match self.gather.builder.add_expression(text, self.id) {
            Ok(()) => self.counts.expressions += 1,
            Err(error) => self.leave_out_saying(Reason::Expression, Some(&error.to_string())),
        }
    }

    fn leave_out(&mut self, reason: Reason) {
        self.leave_out_saying(reason, None);
    }

    fn leave_out_saying(&mut self, reason: Reason, more: Option<&str>) {
        self.counts.left_out += u64::from(!reason.is_usual());
        let text = self.text;
        self.gather.report.note(&self.file.below, Some(self.number), reason, || {
            let shown: String =
                text.trim().chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect();
            match more {
                None if shown.is_empty() => shown,
                None => format!("`{shown}`"),
                Some(more) => format!("`{shown}`: {more}"),
            }
        });
    }
}
