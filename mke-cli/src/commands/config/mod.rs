//! `ucp config`: configuration files before anything is applied, and the configuration of a control plane.

mod apply;
mod diff;
mod edit;
mod explain;
mod get;
mod history;
mod render;
mod rollback;
mod server;
mod show;
pub(super) mod source;
mod to_mke4;
mod validate;

use mke_core::config::Config;

use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print everything that is wrong with a file; nothing when all is well. Exit code 2 means mistakes.
    Validate(validate::Args),
    /// Print the value of a key in a file or on the control plane, or its default.
    Get(get::Args),
    /// Set a key; everything else stays as it is.
    Set(edit::SetArgs),
    /// Remove a key, a table or a row; everything else stays as it is.
    Unset(edit::UnsetArgs),
    /// Say what differs between two files, or a file and the control plane, and what the change touches.
    Diff(diff::Args),
    /// Give the control plane a new file, and say what that touches.
    Apply(apply::Args),
    /// List the versions of the control plane's configuration, or show one.
    History(history::Args),
    /// Bring an earlier version back.
    Rollback(rollback::Args),
    /// Say what a key does, what it takes, and what a change of it touches.
    Explain(explain::Args),
    /// Print a file that names every key with its default.
    Example,
    /// Print the JSON Schema of the file.
    Schema,
    /// Print what a component is started with on a node, and where each flag comes from.
    Render(Box<render::Args>),
    /// Convert a file for MKE 4, and say what does not come along.
    ToMke4(Box<to_mke4::Args>),
}

pub(super) fn run(command: &Command, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Validate(args) => validate::run(args, output),
        Command::Get(args) => get::run(args, output),
        Command::Set(args) => edit::set(args, output),
        Command::Unset(args) => edit::unset(args, output),
        Command::Diff(args) => diff::run(args, output),
        Command::Apply(args) => super::wait_for(apply::run(args, output)),
        Command::History(args) => super::wait_for(history::run(args, output)),
        Command::Rollback(args) => super::wait_for(rollback::run(args, output)),
        Command::Explain(args) => explain::run(args, output),
        Command::Example => output.data(&Config::example()),
        Command::Schema => output.value(&Config::json_schema(), |schema| format!("{schema:#}")),
        Command::Render(args) => render::run(args, output),
        Command::ToMke4(args) => to_mke4::run(args, output),
    }
}
