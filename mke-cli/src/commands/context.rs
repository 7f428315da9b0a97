//! `ucp context`: which control plane the commands talk to.

use clap::Subcommand;
use serde::Serialize;

use crate::api::ContextFile;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the contexts; the one in use is marked.
    List,
    /// Use another context from now on.
    Use {
        /// Its name.
        name: String,
    },
    /// Forget a context.
    Remove {
        /// Its name.
        name: String,
    },
}

#[derive(Serialize)]
struct Row {
    name: String,
    url: String,
    username: String,
    current: bool,
    insecure: bool,
}

pub(super) fn run(command: &Command, output: &mut Output<'_>) -> Result<(), CliError> {
    let file = ContextFile::locate()?;
    let mut contexts = file.read()?;
    if file.is_exposed() {
        let path = file.path().display();
        output.remark(&format!(
            "warning: others can read the tokens in {path}; run `chmod 600 {path}`"
        ));
    }
    let unknown =
        |name: &str| CliError::Usage(format!("there is no context `{name}`; see `ucp context list`"));
    match command {
        Command::List => {
            let rows: Vec<_> = contexts
                .contexts
                .iter()
                .map(|(name, context)| Row {
                    name: name.clone(),
                    url: context.url.clone(),
                    username: context.username.clone(),
                    current: contexts.current.as_ref() == Some(name),
                    insecure: context.insecure,
                })
                .collect();
            output.table(&rows, ["", "NAME", "URL", "USER", "SERVER VERIFIED"], |row| {
                let mark = if row.current { "*" } else { "" };
                let verified = if row.insecure { "no" } else { "yes" };
                [
                    mark.into(),
                    row.name.clone(),
                    row.url.clone(),
                    row.username.clone(),
                    verified.into(),
                ]
            })
        }
        Command::Use { name } => {
            if !contexts.contexts.contains_key(name) {
                return Err(unknown(name));
            }
            contexts.current = Some(name.clone());
            Ok(file.write(&contexts)?)
        }
        Command::Remove { name } => {
            contexts.contexts.remove(name).ok_or_else(|| unknown(name))?;
            if contexts.current.as_ref() == Some(name) {
                contexts.current = None;
            }
            Ok(file.write(&contexts)?)
        }
    }
}
