//! How mistakes and changes look, from a library and from a control plane alike.

use mke_core::config::{Change, Difference, Impact, Problem};
use serde::Serialize;

use crate::error::CliError;
use crate::output::{Output, Style, Styled};

/// Changes with what they touch together.
#[derive(Serialize)]
pub(super) struct Changes {
    pub(super) differences: Vec<Change>,
    pub(super) impact: Impact,
}

impl Changes {
    pub(super) fn of(differences: &[Difference]) -> Self {
        Self {
            differences: differences.iter().map(Change::from).collect(),
            impact: Impact::of(differences),
        }
    }

    /// One change a line, then what they touch together; nothing for no changes.
    pub(super) fn styled(&self) -> Styled {
        let mut text = changes(&self.differences);
        if !self.differences.is_empty() {
            text.add(Style::Plain, self.impact.to_string());
        }
        text
    }
}

/// One change a line.
pub(super) fn changes(changes: &[Change]) -> Styled {
    let mut text = Styled::default();
    for change in changes {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".to_owned());
        text.add(Style::Place, &change.key)
            .add(Style::Plain, ": ")
            .add(Style::Bad, shown(&change.before))
            .add(Style::Plain, " -> ")
            .add(Style::Good, shown(&change.after));
        let effect = if change.refused { Style::Bad } else { Style::Plain };
        text.add(effect, format!(" ({})", change.effect));
        if let Some(risk) = &change.risk {
            text.add(Style::Note, format!("; {risk}"));
        }
        text.add(Style::Plain, "\n");
    }
    text
}

/// Prints mistakes, one a line, as the result of the command.
pub(super) fn mistakes(problems: &[Problem], output: &mut Output<'_>) -> Result<CliError, CliError> {
    output.styled(&problems, |problems| {
        let mut text = Styled::default();
        for problem in *problems {
            let whole = problem.to_string();
            // The place is what stands before the key, or before the message where there is no key.
            let rest = match problem.key.as_str() {
                "" => problem.message.clone(),
                key => format!("`{key}`: {}", problem.message),
            };
            let place = whole.strip_suffix(rest.as_str()).unwrap_or("");
            text.add(Style::Place, place)
                .add(Style::Plain, rest)
                .add(Style::Plain, "\n");
        }
        text
    })?;
    Ok(CliError::Mistakes)
}
