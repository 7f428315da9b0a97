//! `ucp config set` and `ucp config unset`: one key of a file or of the control plane's configuration, everything else
//! stays byte for byte.

use std::path::{Path, PathBuf};

use mke_core::config::{
    Config, Document, EditError, Key, KeyPath, Kind, ReadOptions, Step, Value, explain, find_key,
};
use mke_core::secret::Secret;

use super::server::{ChangeArgs, Server};
use super::show::{self, Changes};
use super::source;
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
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    how: ChangeArgs,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// The file that is edited; with `-` standard input is read and the result is printed.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Edit what is in force on the control plane in use, unless somebody changes it meanwhile.
    #[arg(long)]
    server: bool,
}

pub(super) fn set(args: &SetArgs, output: &mut Output<'_>) -> Result<(), CliError> {
    let name = args.key.to_string();
    explain(&name).map_err(|error| CliError::Usage(error.to_string()))?;
    let key = find_key(&name);
    let value = key.and_then(|key| value(key, &args.value)).ok_or_else(|| {
        let wanted = key.map_or_else(String::new, |key| format!(", give {}", key.expected()));
        CliError::Usage(format!("`{name}` does not take {}{wanted}", args.value.join(" ")))
    })?;
    args.edit.run(&args.key, output, |document| {
        document.set(&args.key, &value).map(drop)
    })
}

pub(super) fn unset(args: &UnsetArgs, output: &mut Output<'_>) -> Result<(), CliError> {
    args.edit
        .run(&args.key, output, |document| document.unset(&args.key).map(drop))
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

/// What an edit does to a text.
type EditResult = Result<(), EditError>;

impl EditArgs {
    fn run(
        &self,
        key: &KeyPath,
        output: &mut Output<'_>,
        edit: impl FnOnce(&mut Document) -> EditResult,
    ) -> Result<(), CliError> {
        match &self.target.file {
            Some(path) => self.in_file(path, output, edit),
            None => super::super::wait_for(self.on_server(key, output, edit)),
        }
    }

    fn in_file(
        &self,
        path: &Path,
        output: &mut Output<'_>,
        edit: impl FnOnce(&mut Document) -> EditResult,
    ) -> Result<(), CliError> {
        if self.how.why.is_some() {
            return Err(CliError::Usage(
                "`--why` goes into the history of a control plane, a file has none".to_owned(),
            ));
        }
        let file = source::file(path)?;
        let options = ReadOptions {
            file: Some(&file.name),
            keep_unknown: true,
            ..ReadOptions::default()
        };
        let mut document = opened(&file, output)?;
        edit(&mut document).map_err(|error| CliError::Usage(error.to_string()))?;
        // An edit may mend a file that has mistakes, it must not leave any.
        let after = match document.read_export(&options) {
            Ok(reading) => reading.value,
            Err(problems) => return Err(show::mistakes(&problems.0, output)?),
        };
        if let Ok(before) = Config::read_export(&file.text, &options) {
            let changes = Changes::of(&before.value.diff(&after));
            if changes.differences.is_empty() {
                output.remark("nothing running is touched");
            }
            output.styled_remark(&changes.styled());
        }
        if self.how.dry_run {
            return Ok(());
        }
        if path.as_os_str() == "-" {
            return output.data(&document.to_string());
        }
        file::replace(path, &document.to_string())
    }

    async fn on_server(
        &self,
        key: &KeyPath,
        output: &mut Output<'_>,
        edit: impl FnOnce(&mut Document) -> EditResult,
    ) -> Result<(), CliError> {
        let directory = [Step::Name("auth".to_owned()), Step::Name("ldap".to_owned())];
        if key.0.starts_with(&directory) {
            return Err(CliError::Usage(format!(
                "`{key}`: the file that a control plane gives out leaves `[auth.ldap]` out, so no key in it can be edited \
                 alone; apply a file that holds the whole table, or use PUT /enzi/v0/config/auth/ldap"
            )));
        }
        let server = Server::connect()?;
        let in_force = server.read().await?;
        let file = source::Named {
            name: "control plane".to_owned(),
            text: in_force.text,
        };
        let mut document = opened(&file, output)?;
        edit(&mut document).map_err(|error| CliError::Usage(error.to_string()))?;
        let applied = server
            .replace(
                &file.name,
                document.to_string(),
                &self.how,
                true,
                in_force.tag.as_deref(),
                output,
            )
            .await?;
        applied.show(output)
    }
}

fn opened(file: &source::Named, output: &mut Output<'_>) -> Result<Document, CliError> {
    match Document::parse(&file.text) {
        Ok(document) => Ok(document),
        Err(problems) => Err(show::mistakes(&problems.in_file(&file.name).0, output)?),
    }
}
