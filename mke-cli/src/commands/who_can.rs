//! `ucp authz who-can`: everybody who can do something, and through what.

use mke_rbac::inquiry::WhoCan;
use mke_rbac::operation::{Modifier, Operation};
use mke_rbac::question::{Ask, CheckQuestion};

use super::authz::{self, Source};
use super::can_i::{modifier, operation};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An operation, such as "Service Create".
    #[arg(value_parser = operation)]
    operation: Operation,
    /// The collection in which it is used.
    #[arg(long, default_value = "/")]
    collection: String,
    /// A modifier that the use needs, such as Privileged; repeatable.
    #[arg(long, value_parser = modifier)]
    modifier: Vec<Modifier>,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let ask = Ask::Check(CheckQuestion {
        operation: args.operation,
        modifiers: args.modifier.clone(),
        collection: args.collection.clone(),
    });
    authz::ask(&WhoCan { ask }, &args.source, output)
}
