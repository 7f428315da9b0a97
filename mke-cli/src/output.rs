//! The renderer: the only place that prints.

use std::io::{IsTerminal as _, Write};

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use mke_core::causes::chain;
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

/// Which of the two streams show colours: those that end on a terminal of somebody who did not say no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Colours {
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
}

impl Colours {
    /// Of this process. `NO_COLOR` with anything in it, and `TERM=dumb`, switch colours off.
    pub fn of_this_process() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            stdout: !refused && std::io::stdout().is_terminal(),
            stderr: !refused && std::io::stderr().is_terminal(),
        }
    }
}

/// What a piece of text is, for terminals with colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Nothing in particular.
    Plain,
    /// Where something is.
    Place,
    /// What is gone, wrong or refused.
    Bad,
    /// What is new or right.
    Good,
    /// What deserves a look.
    Note,
}

impl Style {
    /// The parameters of "select graphic rendition" (ECMA-48, section 8.3.117).
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Place => "1",
            Self::Bad => "31",
            Self::Good => "32",
            Self::Note => "33",
        }
    }
}

/// Text in pieces, each with its style.
#[derive(Debug, Default)]
pub(crate) struct Styled(Vec<(Style, String)>);

impl Styled {
    /// Adds a piece.
    pub(crate) fn add(&mut self, style: Style, text: impl Into<String>) -> &mut Self {
        self.0.push((style, text.into()));
        self
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|(_, text)| text.is_empty())
    }

    fn render(&self, colours: bool) -> String {
        let piece = |(style, text): &(Style, String)| {
            let text = inert(text);
            if colours && *style != Style::Plain && !text.is_empty() {
                format!("\u{1b}[{}m{text}\u{1b}[0m", style.code())
            } else {
                text
            }
        };
        self.0.iter().map(piece).collect()
    }
}

/// Where a command's results and remarks go.
pub(crate) struct Output<'a> {
    stdout: &'a mut (dyn Write + Send),
    stderr: &'a mut (dyn Write + Send),
    format: Format,
    colours: Colours,
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
            colours: Colours::default(),
        }
    }

    /// The same with colours.
    pub(crate) fn in_colours(self, colours: Colours) -> Self {
        Self { colours, ..self }
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
            Format::Text => ended(inert(&text(value))),
        };
        write_all(self.stdout, shown.as_bytes())
    }

    /// Prints a value as JSON, or in text format by `text`, in colours where they are seen.
    pub(crate) fn styled<T: Serialize>(
        &mut self,
        value: &T,
        text: impl FnOnce(&T) -> Styled,
    ) -> Result<(), CliError> {
        let shown = match self.format {
            Format::Json => json(value)?,
            Format::Text => ended(text(value).render(self.colours.stdout)),
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

    /// As [`Self::remark`], in colours where they are seen. Nothing is printed of nothing.
    pub(crate) fn styled_remark(&mut self, text: &Styled) {
        if !text.is_empty() {
            let _ = self
                .stderr
                .write_all(ended(text.render(self.colours.stderr)).as_bytes());
        }
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
        let text = format!(" {}", chain(error));
        let mut styled = Styled::default();
        styled.add(Style::Bad, "error:").add(Style::Plain, text);
        self.styled_remark(&styled);
    }
}

/// With a line end, unless there is nothing.
fn ended(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
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

    /// Colours stand around pieces, never in what a server sent, and only where they were asked for.
    #[test]
    fn colours_on_terminals_only() {
        let mut text = Styled::default();
        text.add(Style::Bad, "a\u{1b}[0m").add(Style::Plain, "b");
        assert_eq!(text.render(false), "a\u{fffd}[0mb");
        assert_eq!(text.render(true), "\u{1b}[31ma\u{fffd}[0m\u{1b}[0mb");
        assert!(Styled::default().is_empty());
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
