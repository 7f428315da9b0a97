//! The renderer: the only place that prints.

use std::error::Error;
use std::io::Write;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::error::CliError;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For scripts: one JSON document.
    Json,
}

/// Where a command's results and remarks go.
pub(crate) struct Output<'a> {
    stdout: &'a mut (dyn Write + Send),
    stderr: &'a mut (dyn Write + Send),
    format: Format,
}

impl<'a> Output<'a> {
    pub(crate) fn new(
        stdout: &'a mut (dyn Write + Send),
        stderr: &'a mut (dyn Write + Send),
        format: Format,
    ) -> Self {
        Self {
            stdout,
            stderr,
            format,
        }
    }

    /// Prints data verbatim: PEM, TOML, scripts.
    pub(crate) fn data(&mut self, data: &str) -> Result<(), CliError> {
        write_all(self.stdout, data.as_bytes())
    }

    /// Prints a value as JSON, or in text format by `text`.
    pub(crate) fn value<T: Serialize>(
        &mut self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), CliError> {
        let shown = match self.format {
            Format::Json => json(value)?,
            Format::Text => {
                let mut shown = inert(&text(value));
                if !shown.is_empty() && !shown.ends_with('\n') {
                    shown.push('\n');
                }
                shown
            }
        };
        write_all(self.stdout, shown.as_bytes())
    }

    /// Prints items as JSON, or as a table.
    pub(crate) fn table<T: Serialize, const N: usize>(
        &mut self,
        items: &[T],
        header: [&str; N],
        row: impl Fn(&T) -> [String; N],
    ) -> Result<(), CliError> {
        let shown = match self.format {
            Format::Json => json(&items)?,
            Format::Text => {
                let mut table = Table::new();
                table
                    .load_style(presets::NOTHING)
                    .set_content_arrangement(ContentArrangement::Disabled);
                table.set_header(header);
                for item in items {
                    table.add_row(row(item).map(|cell| inert(&cell)));
                }
                // The preset pads each line on both sides.
                table.lines().map(|line| format!("{}\n", line.trim())).collect()
            }
        };
        write_all(self.stdout, shown.as_bytes())
    }

    /// Tells the person something that is not the result.
    pub(crate) fn remark(&mut self, text: &str) {
        // A remark that cannot be shown must not make the command fail.
        let _ = writeln!(self.stderr, "{}", inert(text));
    }

    /// Asks for one line on the terminal, without a newline after the question.
    pub(crate) fn ask(&mut self, question: &str) -> Result<String, CliError> {
        let _ = write!(self.stderr, "{}", inert(question));
        let _ = self.stderr.flush();
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .map_err(|error| CliError::Failed(format!("cannot read the answer: {error}")))?;
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Prints an error with its chain of causes, once.
    pub(crate) fn error(&mut self, error: &CliError) {
        let mut text = format!("error: {error}");
        let mut cause = error.source();
        while let Some(source) = cause {
            text.push_str(&format!(": {source}"));
            cause = source.source();
        }
        self.remark(&text);
    }
}

fn write_all(target: &mut dyn Write, bytes: &[u8]) -> Result<(), CliError> {
    target
        .write_all(bytes)
        .and_then(|()| target.flush())
        .map_err(|error| CliError::Failed(format!("cannot write the result: {error}")))
}

fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, CliError> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| CliError::Failed(format!("cannot render the result: {error}")))
}

/// Text from a server without control characters that a terminal would act on (ux-01).
fn inert(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                '\u{fffd}'
            }
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Escape sequences in a name from the server do not reach the terminal.
    #[test]
    fn terminal_text_is_inert() {
        assert_eq!(
            inert("a\u{1b}]0;x\u{7}b\u{202e}c\n"),
            "a\u{fffd}]0;x\u{fffd}b\u{fffd}c\n"
        );
    }

    #[test]
    fn tables_and_json() {
        let render = |format| {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            let mut output = Output::new(&mut out, &mut err, format);
            output
                .table(&["x", "yy"], ["NAME", "LENGTH"], |item| {
                    [(*item).to_owned(), item.len().to_string()]
                })
                .unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(render(Format::Text), "NAME  LENGTH\nx     1\nyy    2\n");
        assert_eq!(render(Format::Json), "[\n  \"x\",\n  \"yy\"\n]\n");
    }
}
