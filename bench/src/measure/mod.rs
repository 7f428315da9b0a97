//! The measures, a file per subject. Each returns its tables.

mod bundles;
mod config;
mod decide;
pub(crate) mod ldap;
mod proxy;
mod saml;
mod scim;
mod serve;

use std::path::PathBuf;

use crate::args::{Args, Name};
use crate::error::BenchError;
use crate::facts::Facts;
use crate::peers::ucp;
use crate::report::Report;

/// Takes every measure that was asked for.
pub(crate) async fn run(args: &Args) -> Result<Report, BenchError> {
    let measures = args.measures();
    let mut tables = Vec::new();
    let program = program(args, &measures).await?;
    let facts = Facts::gather(&measures).await;
    for name in measures {
        tables.extend(match name {
            Name::Decide => decide::run()?,
            Name::Config => config::run(args)?,
            Name::Saml => saml::run(args)?,
            Name::Ldap => ldap::run(args)?,
            Name::Serve => serve::run(&program).await?,
            Name::Bundles => bundles::run(&program, args).await?,
            Name::Scim => scim::run(&program, args).await?,
            Name::Proxy => proxy::run(&program, args).await?,
        });
    }
    Ok(Report { facts, tables })
}

/// The `ucp` to measure. Compiling it must not disturb what is measured before it is needed, so it comes first.
async fn program(args: &Args, measures: &[Name]) -> Result<PathBuf, BenchError> {
    match &args.ucp {
        Some(program) => Ok(program.clone()),
        None if measures
            .iter()
            .all(|name| matches!(name, Name::Decide | Name::Config | Name::Ldap | Name::Saml)) =>
        {
            Ok(PathBuf::new())
        }
        None => ucp::build().await,
    }
}

/// A directory for one measure, removed with everything in it. Paths stay short, because those of unix sockets
/// must have less than 108 bytes.
fn directory() -> Result<tempfile::TempDir, BenchError> {
    tempfile::Builder::new()
        .prefix("mke-bench-")
        .tempdir()
        .map_err(BenchError::file("make", "a temporary directory"))
}
