//! `ucp passwd`: a new password for an account of this machine's control plane, for people who cannot log in any more
//! (AUTH-009). It needs the rights of the data directory's owner and no account.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use mke_agent::controller::recovery::{RecoveryError, Report, recover};
use mke_auth::accounts::{AccountError, Recovery};
use mke_core::causes::chain_of;
use mke_core::secret::Secret;
use serde_json::json;

use super::id::DEFAULT_DATA_DIR;
use super::login::hidden;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Whose password; asked for with --interactive.
    #[arg(required_unless_present = "interactive")]
    name: Option<String>,
    /// Ask for what is not given.
    #[arg(long, short)]
    interactive: bool,
    /// Read the new password from standard input.
    #[arg(long, conflicts_with = "interactive")]
    password_stdin: bool,
    /// Make the account an administrator.
    #[arg(long)]
    admin: bool,
    /// Switch the second factor of the account off.
    #[arg(long)]
    disable_second_factor: bool,
    /// The data directory of `ucp serve`.
    #[arg(long, default_value = DEFAULT_DATA_DIR, env = "MKE_DATA_DIR")]
    data_dir: PathBuf,
}

pub(super) async fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let name = match &args.name {
        Some(name) => name.clone(),
        None => output.ask("User name: ")?.trim().to_owned(),
    };
    let recovery = Recovery {
        password: password(args, output)?,
        admin: args.admin,
        disable_second_factor: args.disable_second_factor,
    };
    let report = recover(&args.data_dir, &name, &recovery)
        .await
        .map_err(|error| explain(error, &name))?;
    for line in lines(&name, &report) {
        output.remark(&line);
    }
    let recovered = &report.recovered;
    output.value(
        &json!({
            "name": name,
            "id": recovered.account,
            "isAdmin": recovered.is_admin,
            "reactivated": recovered.reactivated,
            "promoted": recovered.promoted,
            "unlocked": recovered.unlocked,
            "secondFactorRemoved": recovered.second_factor_removed,
            "secondFactorLeft": recovered.second_factor_left,
            "byController": report.by_controller,
        }),
        |_| recovered.account.to_string(),
    )
}

/// What happened, for people.
fn lines(name: &str, report: &Report) -> Vec<String> {
    let recovered = &report.recovered;
    let mut lines = vec![format!(
        "the password of {name} is changed and its sessions have ended, {}",
        if report.by_controller {
            "by the running control plane"
        } else {
            "in the store of the control plane, which does not run"
        }
    )];
    for (happened, text) in [
        (
            recovered.reactivated,
            "the account was inactive and is active now",
        ),
        (recovered.promoted, "the account is an administrator now"),
        (recovered.unlocked, "the lock of failed logins is open"),
        (
            recovered.second_factor_removed,
            "the second factor is switched off",
        ),
        (
            recovered.second_factor_left,
            "the second factor is still asked for; --disable-second-factor switches it off",
        ),
        (
            !recovered.is_admin,
            "the account is no administrator; --admin makes it one",
        ),
    ] {
        if happened {
            lines.push(text.to_owned());
        }
    }
    lines
}

fn explain(error: RecoveryError, name: &str) -> CliError {
    let text = match &error {
        RecoveryError::Account(AccountError::NoSuchAccount { .. }) => format!("there is no account `{name}`"),
        other => other.to_string(),
    };
    let text = chain_of(text, std::error::Error::source(&error));
    match error {
        RecoveryError::NoDataDir(_) => CliError::Usage(text),
        RecoveryError::Account(AccountError::Invalid(_) | AccountError::NoSuchAccount { .. }) => {
            CliError::Usage(text)
        }
        RecoveryError::NotAllowed(_) | RecoveryError::Refused(_) => CliError::Refused { message: text },
        RecoveryError::Account(_)
        | RecoveryError::Store(_)
        | RecoveryError::Password(_)
        | RecoveryError::Unanswered { .. } => CliError::Failed(text),
    }
}

fn password(args: &Args, output: &mut Output<'_>) -> Result<Secret, CliError> {
    if args.password_stdin {
        return from_stdin();
    }
    if !std::io::stdin().is_terminal() {
        return Err(CliError::Usage(
            "there is no terminal to ask on, use --password-stdin".to_owned(),
        ));
    }
    let (one, other) = (
        hidden(output, "New password: ")?,
        hidden(output, "The same again: ")?,
    );
    if one == other {
        Ok(one)
    } else {
        Err(CliError::Usage(
            "the two passwords differ, nothing was changed".to_owned(),
        ))
    }
}

/// A password on standard input, without the end of its line.
pub(super) fn from_stdin() -> Result<Secret, CliError> {
    let mut text = String::new();
    std::io::stdin()
        .take(64 * 1024)
        .read_to_string(&mut text)
        .map_err(|error| CliError::Failed(format!("cannot read the password: {error}")))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}
