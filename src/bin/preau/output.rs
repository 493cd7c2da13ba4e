//! What the commands print.

use std::{
    fmt::Display,
    io::{self, BufWriter, Write as _},
};

use anyhow::Context as _;

/// Prints `lines`, one a line. A reader that has seen enough (`| head`) is no failure.
pub(super) fn print_lines(lines: impl IntoIterator<Item = impl Display>) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    let printed = lines.into_iter().try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush());
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("cannot print"),
    }
}

/// Prints a text of whole lines.
pub(super) fn print(text: impl Display) -> anyhow::Result<()> {
    print_lines(text.to_string().lines())
}
