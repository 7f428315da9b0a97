//! `ucp config set` and `ucp config unset`: one key of a file, everything else stays byte for byte.

use std::path::PathBuf;

use mke_core::config::{Config, Document, Impact, Key, KeyPath, Kind, ReadOptions, Value, explain, find_key};
use mke_core::secret::Secret;

use super::super::authz::read;
use super::show;
use crate::error::CliError;
use crate::file;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    /// The key with its tables, such as `auth.sessions.lifetime_minutes`.
    key: KeyPath,
    /// The value; of a list the items, of a map `name=value`, one argument each. Write `--` before values that begin
    /// with a dash.
    #[arg(required = true, allow_negative_numbers = true)]
    value: Vec<String>,
    #[command(flatten)]
    edit: EditArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct UnsetArgs {
    /// The key, table or row, such as `auth.ldap` or `registries[0]`.
    key: KeyPath,
    #[command(flatten)]
    edit: EditArgs,
}

#[derive(Debug, clap::Args)]
struct EditArgs {
    /// The file that is edited; with `-` standard input is read and the result is printed.
    #[arg(long)]
    file: PathBuf,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn set(args: &SetArgs, output: &mut Output<'_>) -> Result<(), CliError> {
    let name = args.key.to_string();
    explain(&name).map_err(|error| CliError::Usage(error.to_string()))?;
    let value = find_key(&name)
        .and_then(|key| value(key, &args.value))
        .ok_or_else(|| CliError::Usage(format!("`{name}` does not take {}", args.value.join(" "))))?;
    args.edit
        .apply(output, |document| document.set(&args.key, &value).map(drop))
}

pub(super) fn unset(args: &UnsetArgs, output: &mut Output<'_>) -> Result<(), CliError> {
    args.edit
        .apply(output, |document| document.unset(&args.key).map(drop))
}

/// The value in the type of its key; whether it is allowed is asked of the edited file as a whole.
fn value(key: &Key, words: &[String]) -> Option<Value> {
    let one = || match words {
        [word] => Some(word.as_str()),
        _ => None,
    };
    match key.kind {
        Kind::Bool => one()?.parse().ok().map(Value::Bool),
        Kind::Integer => one()?.parse().ok().map(Value::Integer),
        Kind::Text if key.secret => Some(Value::Secret(Secret::new(one()?))),
        Kind::Text => Some(Value::Text(one()?.to_owned())),
        Kind::List => Some(Value::List(words.to_vec())),
        Kind::Map => words
            .iter()
            .map(|word| {
                word.split_once('=')
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
            })
            .collect::<Option<_>>()
            .map(Value::Map),
    }
}

impl EditArgs {
    fn apply(
        &self,
        output: &mut Output<'_>,
        edit: impl FnOnce(&mut Document) -> Result<(), mke_core::config::EditError>,
    ) -> Result<(), CliError> {
        let text = read(&self.file)?;
        let name = self.file.display().to_string();
        let options = ReadOptions {
            file: Some(&name),
            keep_unknown: true,
        };
        let mut document = match Document::parse(&text) {
            Ok(document) => document,
            Err(problems) => return Err(show(&problems.in_file(&name), output)?),
        };
        edit(&mut document).map_err(|error| CliError::Usage(error.to_string()))?;
        // An edit may mend a file that has mistakes, it must not leave any.
        let after = match document.read(&options) {
            Ok(reading) => reading.value,
            Err(problems) => return Err(show(&problems, output)?),
        };
        if let Ok(before) = Config::read(&text, &options) {
            let differences = before.value.diff(&after);
            for difference in &differences {
                output.remark(&difference.to_string());
            }
            output.remark(&Impact::of(&differences).to_string());
        }
        if self.dry_run {
            return Ok(());
        }
        if self.file.as_os_str() == "-" {
            return output.data(&document.to_string());
        }
        file::replace(&self.file, &document.to_string())
    }
}
