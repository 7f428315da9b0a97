//! The only place that prints. Prose goes to standard error, data (reports, totals) to standard output, so that
//! `cargo xtask requirements --json | jq` works while a person still reads what happens.

use std::io::{BufWriter, Write as _};

/// Announces a step before it starts.
pub(crate) fn step(text: &str) {
    prose(&format!("==> {text}"));
}

/// A detail of the step that was announced last.
pub(crate) fn detail(text: &str) {
    prose(&format!("    {text}"));
}

/// The reason why the program ends.
pub(crate) fn error(text: &str) {
    prose(&format!("error: {text}"));
}

#[expect(clippy::print_stderr, reason = "this module is the renderer")]
fn prose(text: &str) {
    eprintln!("{text}");
}

/// One line of data.
///
/// A reader that went away (`| head`) is not an error of ours, so a failed write is ignored.
pub(crate) fn data(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Many lines of data, written at once.
pub(crate) fn report(text: &str) {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
