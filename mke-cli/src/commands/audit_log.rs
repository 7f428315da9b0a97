//! `ucp authz unused` and `ucp authz replay`: what an audit log says about a policy.
//!
//! The log is read and condensed here, line by line, so a large one does not have to be sent.

use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use mke_rbac::inquiry::log::{AuditLog, LogReader};
use mke_rbac::inquiry::{Replay, Unused};

use super::authz::{self, Source};
use crate::error::CliError;
use crate::output::Output;

/// Longest line that is read, in bytes; what follows belongs to no record.
const MAX_LINE: u64 = 2 * 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct UnusedArgs {
    /// Files with audit records, one per line: of this product or of Kubernetes; `-` for standard input.
    #[arg(required = true)]
    log: Vec<PathBuf>,
    /// List bindings of Kubernetes itself too.
    #[arg(long)]
    system: bool,
    /// Most grants and most bindings that are listed.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    source: Source,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Files with audit records, one per line: of this product or of Kubernetes; `-` for standard input.
    #[arg(required = true)]
    log: Vec<PathBuf>,
    /// Exit with 1 when something flips.
    #[arg(long)]
    fail_on_flips: bool,
    /// Most flips that are listed; counts stay exact.
    #[arg(long, default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    source: Source,
}

pub(super) fn unused(args: &UnusedArgs, output: &mut Output<'_>) -> Result<(), CliError> {
    let inquiry = Unused {
        log: read(&args.log)?,
        system: args.system,
        limit: args.limit,
    };
    authz::ask(&inquiry, &args.source, output)
}

pub(super) fn replay(args: &ReplayArgs, output: &mut Output<'_>) -> Result<(), CliError> {
    let inquiry = Replay {
        log: read(&args.log)?,
        fail_on_flips: args.fail_on_flips,
        limit: args.limit,
    };
    authz::ask(&inquiry, &args.source, output)
}

fn read(paths: &[PathBuf]) -> Result<AuditLog, CliError> {
    let mut log = LogReader::default();
    for path in paths {
        if path.as_os_str() == "-" {
            lines(&mut crate::file::claim_stdin()?, path, &mut log)?;
        } else {
            let file = std::fs::File::open(path).map_err(CliError::file("cannot read", path))?;
            lines(&mut BufReader::new(file), path, &mut log)?;
        }
    }
    Ok(log.finish())
}

fn lines(source: &mut impl BufRead, path: &Path, log: &mut LogReader) -> Result<(), CliError> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = source.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        if read.map_err(CliError::file("cannot read", path))? == 0 {
            return Ok(());
        }
        log.line(&String::from_utf8_lossy(&line));
    }
}
