//! From a folder of lists as they were published to an edition.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::Path,
    time::SystemTime,
};

use anyhow::Context as _;
use jiff::civil::Date;

use super::{
    super::{
        Report,
        build::{day_of, licences, sources},
        folder::{Category, Folder},
        formats::{self, Format},
        list_file,
    },
    Manifest,
    files::{self, Writing},
};
use crate::model::Site;

/// Writes the lists in `folder` as an edition into `dir`, which must be empty or not there yet. What [`build`](super::super::build)
/// would leave out is left out; its report says what and why.
///
/// # Errors
/// When the folder cannot be read, or `dir` holds something or cannot be written.
pub fn gather(folder: &Path, dir: &Path) -> anyhow::Result<Manifest> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make `{}`", dir.display()))?;
    anyhow::ensure!(fs::read_dir(dir)?.next().is_none(), "`{}` is not empty", dir.display());
    let found = Folder::survey(folder, &mut Report::default())?;
    let mut manifest = Manifest {
        date: Date::MIN,
        licence: licences(folder)?.into_iter().collect::<Vec<_>>().join(", "),
        sources: sources(folder)?.into_iter().collect(),
        categories: BTreeMap::new(),
        aliases: found.aliases.clone(),
        files: BTreeMap::new(),
    };
    for category in &found.categories {
        manifest.categories.insert(category.name.clone(), category.usage);
        manifest.date = manifest.date.max(day(category.changed())?);
        for (format, kind) in
            [(Format::Names, "domains"), (Format::Expressions, "expressions"), (Format::Urls, "urls")]
        {
            let lines = lines_of(folder, category, format)?;
            if lines.is_empty() {
                continue;
            }
            let below = format!("{}/{kind}", category.name);
            let mut out = Writing::create(dir, &below)?;
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
            let changed = category.files.iter().filter(|file| file.format == format).map(|file| file.changed);
            let date = day(changed.max().unwrap_or(SystemTime::UNIX_EPOCH))?;
            manifest.files.insert(below, out.finish(date)?);
        }
    }
    files::furnish(dir, &manifest)?;
    Ok(manifest)
}

/// The lines of one format that a category has, each once, in order.
fn lines_of(folder: &Path, category: &Category, format: Format) -> anyhow::Result<BTreeSet<String>> {
    let mut lines = BTreeSet::new();
    for file in category.files.iter().filter(|file| file.format == format) {
        let path = folder.join(&file.below);
        let failed = || format!("cannot read `{}`", path.display());
        let list = list_file::open(&path).with_context(failed)?;
        list_file::read_lines(list, format, |_, line| {
            let Ok(text) = line else { return Ok(()) };
            match format {
                Format::Names => formats::read_names(text, |read| {
                    lines.extend(read.ok().map(|site: Site| site.to_string()));
                    Ok(())
                }),
                Format::Urls => {
                    if let Ok(Some((site, path))) = formats::read_url(text) {
                        lines.insert(format!("{site}{}", path.as_str()));
                    }
                    Ok(())
                }
                Format::Expressions => {
                    let text = text.trim();
                    lines.extend((!text.is_empty() && !text.starts_with('#')).then(|| text.to_owned()));
                    Ok(())
                }
            }
        })
        .with_context(failed)?;
    }
    Ok(lines)
}

fn day(changed: SystemTime) -> anyhow::Result<Date> {
    day_of(changed)?.parse().context("a list has an impossible date")
}
