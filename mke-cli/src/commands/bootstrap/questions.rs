//! Questions on the terminal, for what flags and environment did not say.

use std::io::IsTerminal as _;

use mke_core::secret::Secret;

use crate::commands::login::hidden;
use crate::error::CliError;
use crate::output::Output;

/// How often a question is put again.
const TRIES: usize = 3;

/// Whether there is somebody to ask: a terminal at both ends.
pub(super) fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line; an empty answer means the proposal.
pub(super) fn text(
    output: &mut Output<'_>,
    question: &str,
    proposal: Option<&str>,
) -> Result<String, CliError> {
    let shown = match proposal {
        Some(proposal) => format!("{question} [{proposal}]: "),
        None => format!("{question}: "),
    };
    let answer = output.ask(&shown)?;
    let answer = answer.trim();
    Ok(if answer.is_empty() {
        proposal.unwrap_or_default().to_owned()
    } else {
        answer.to_owned()
    })
}

/// Asks for a password twice, without showing it, until one can be used.
pub(super) fn new_password(
    output: &mut Output<'_>,
    question: &str,
    check: impl Fn(&Secret) -> Result<(), String>,
) -> Result<Secret, CliError> {
    for _ in 0..TRIES {
        let (one, other) = (
            hidden(output, &format!("{question}: "))?,
            hidden(output, &format!("Confirm {question}: "))?,
        );
        if one != other {
            output.remark("The two passwords differ, try again.");
        } else if let Err(why) = check(&one) {
            output.remark(&why);
        } else {
            return Ok(one);
        }
    }
    Err(CliError::Usage(
        "no password was given, nothing was done".to_owned(),
    ))
}

/// Asks for yes or no.
pub(super) fn yes(output: &mut Output<'_>, question: &str) -> Result<bool, CliError> {
    for _ in 0..TRIES {
        match output
            .ask(&format!("{question} (y/n): "))?
            .trim()
            .to_ascii_lowercase()
            .as_str()
        {
            "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => output.remark("Answer y or n."),
        }
    }
    Ok(false)
}
