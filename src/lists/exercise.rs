//! Drives every reader of lists with bytes nobody chose, for the fuzz target and its corpus.

use std::io;

use super::{
    Reason,
    formats::{self, Format},
    list_file,
};
use crate::{
    model::Site,
    policy::category::{BuildError, Builder, CategoryId, Description, Since, Table},
};

/// Reads `bytes` as a list of each format, puts what they list into a table, and asks the table for it.
///
/// # Panics
/// When a reader breaks a promise: a site it gave is not in the table, or a rule for a part of a page lists its site.
pub fn exercise(bytes: &[u8]) {
    let mut builder = Builder::new(1, io::sink()).expect("nothing is written to a disk");
    let id = builder.category("fuzz").expect("an empty table takes a category");
    let mut sites = Vec::new();
    for format in [Format::Names, Format::Urls, Format::Expressions] {
        let read = list_file::read_lines(bytes, format, |_, line| {
            if let Ok(line) = line {
                take(&mut builder, id, format, line, &mut sites);
            }
            Ok(())
        });
        read.expect("bytes in memory can be read");
    }
    let mut out = Vec::new();
    let today = "2026-11-22".parse().expect("a day in range");
    match builder.finish(&Description::default(), &Since::first(today), &mut out) {
        Err(BuildError::Expressions) => return,
        written => written.expect("a small table can be written"),
    };
    let table = Table::open(out).expect("a table that was written can be opened");
    table.verify().expect("a table that was written is whole");
    for site in sites {
        assert!(table.categories_of_site(&site).contains(id), "{site} was read and is not listed");
    }
}

fn take(builder: &mut Builder<io::Sink>, id: CategoryId, format: Format, line: &str, sites: &mut Vec<Site>) {
    let _ = formats::heading(line);
    match format {
        Format::Names => {
            let read = formats::read_names(line, |read| {
                assert!(read != Err(Reason::Protected), "only the guard knows what is protected");
                if let Ok(site) = read {
                    builder.add(&site, id)?;
                    sites.push(site);
                }
                Ok::<(), BuildError>(())
            });
            read.expect("a small table takes every site");
        }
        Format::Urls => {
            if let Ok(Some((site, path))) = formats::read_url(line) {
                assert!(path.as_str().starts_with('/') && !path.as_str().contains('#'), "{path}");
                // A URL of too many segments is refused, and the table goes on.
                let _ = builder.add_url(&site, &path, id);
            }
        }
        Format::Expressions => {
            // Most lines are none, or are refused by their bounds.
            let _ = builder.add_expression(line.trim(), id);
        }
    }
}
