//! `ucp config`: configuration files, before anything is applied.

mod diff;
mod edit;
mod explain;
mod get;
mod render;
mod to_mke4;
mod validate;

use std::path::{Path, PathBuf};

use mke_core::config::{Config, Problem, Problems, ReadOptions};

use super::authz::read;
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print everything that is wrong with a file; nothing when all is well. Exit code 2 means mistakes.
    Validate(File),
    /// Print the value of a key in a file, or its default.
    Get(get::Args),
    /// Set a key in a file; everything else stays as it is.
    Set(edit::SetArgs),
    /// Remove a key, a table or a row from a file; everything else stays as it is.
    Unset(edit::UnsetArgs),
    /// Say what differs between two files, and what a change from one to the other touches.
    Diff(diff::Args),
    /// Say what a key does, what it takes, and what a change of it touches.
    Explain(explain::Args),
    /// Print a file that names every key with its default.
    Example,
    /// Print the JSON Schema of the file.
    Schema,
    /// Print what a component is started with on a node, and where each flag comes from.
    Render(Box<render::Args>),
    /// Convert a file for MKE 4, and say what does not come along.
    ToMke4(to_mke4::Args),
}

/// The file that a command is about.
#[derive(Debug, clap::Args)]
pub(crate) struct File {
    /// A configuration file (TOML), `-` for standard input.
    file: PathBuf,
    /// Let unknown keys through when the file says that it is for a newer version.
    #[arg(long)]
    keep_unknown: bool,
}

pub(super) fn run(command: &Command, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Validate(file) => validate::run(file, output),
        Command::Get(args) => get::run(args, output),
        Command::Set(args) => edit::set(args, output),
        Command::Unset(args) => edit::unset(args, output),
        Command::Diff(args) => diff::run(args, output),
        Command::Explain(args) => explain::run(args, output),
        Command::Example => output.data(&Config::example()),
        Command::Schema => output.value(&Config::json_schema(), |schema| format!("{schema:#}")),
        Command::Render(args) => render::run(args, output),
        Command::ToMke4(args) => to_mke4::run(args, output),
    }
}

impl File {
    /// The file at a path, whose unknown keys are mistakes.
    fn at(path: &Path) -> Self {
        Self {
            file: path.to_owned(),
            keep_unknown: false,
        }
    }

    /// The configuration; mistakes are printed as the result of the command.
    fn config(&self, output: &mut Output<'_>) -> Result<Config, CliError> {
        let text = read(&self.file)?;
        let name = self.file.display().to_string();
        let options = ReadOptions {
            file: Some(&name),
            keep_unknown: self.keep_unknown,
        };
        match Config::read(&text, &options) {
            Ok(reading) => Ok(reading.value),
            Err(problems) => Err(show(&problems, output)?),
        }
    }
}

/// Prints mistakes, one a line.
fn show(problems: &Problems, output: &mut Output<'_>) -> Result<CliError, CliError> {
    output.value(&problems.0, |problems| {
        problems
            .iter()
            .map(Problem::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })?;
    Ok(CliError::Mistakes)
}
