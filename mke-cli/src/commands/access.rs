//! `ucp authz access`: who may do what in a place, as a matrix or as a picture.

use std::path::PathBuf;

use mke_rbac::inquiry::{AccessTo, Report as _, Rows};
use mke_rbac::operation::Operation;

use super::authz::{self, Source};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The path of a collection.
    #[arg(required_unless_present = "namespace", conflicts_with = "namespace")]
    collection: Option<String>,
    /// A Kubernetes namespace, in the place of a collection.
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// What a row is: a user with everything that reaches it, or a team with its own grants.
    #[arg(long, value_enum, default_value_t)]
    rows: RowsArg,
    /// Show only this operation; repeatable.
    #[arg(long, value_name = "NAME", value_parser = operation)]
    operation: Vec<Operation>,
    /// Show the parts of Kubernetes itself too.
    #[arg(long, requires = "namespace")]
    system: bool,
    /// Write the picture to this file (SVG) instead of showing the matrix; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum RowsArg {
    #[default]
    Users,
    Teams,
}

fn operation(text: &str) -> Result<Operation, String> {
    Operation::from_name(text)
        .ok_or_else(|| "no such operation; `ucp role show fullcontrol` lists all".to_owned())
}

pub(super) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let inquiry = AccessTo {
        collection: args.collection.clone(),
        namespace: args.namespace.clone(),
        rows: match args.rows {
            RowsArg::Users => Rows::Users,
            RowsArg::Teams => Rows::Teams,
        },
        operations: args.operation.clone(),
        system: args.system,
    };
    let Some(path) = &args.svg else {
        return authz::ask(&inquiry, &args.source, output);
    };
    let report = authz::report(&inquiry, &args.source)?;
    let image = report.image().unwrap_or_default();
    if path.as_os_str() == "-" {
        return output.data(&image);
    }
    std::fs::write(path, image).map_err(CliError::file("cannot write", path))?;
    output.remark(&format!("wrote {}", path.display()));
    Ok(())
}
