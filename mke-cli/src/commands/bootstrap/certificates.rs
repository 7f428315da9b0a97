//! The id and the public certificates of a cluster, read through its engine.

use mke_agent::install::{InstallError, certificates};

use super::flags::LogArgs;
use super::{begin, told, wait_for};
use crate::error::CliError;

/// The instance. `nothing`: what to say when there is no engine either.
pub(crate) fn id(log: &LogArgs, nothing: CliError) -> Result<String, CliError> {
    let mut found = None;
    let outcome = wait_for(async {
        let daemon = mke_agent::install::Daemon::open(log.socket()).await?;
        found = Some(certificates::id(&daemon).await?);
        Ok(())
    });
    finish(log, outcome, nothing)?;
    found.ok_or(CliError::AnswerIsNo)
}

/// The certificates: the authority, and unless only that was asked for the certificate behind it.
pub(crate) fn dump(
    log: &LogArgs,
    only_ca: bool,
    cluster: bool,
    nothing: CliError,
) -> Result<String, CliError> {
    let mut found = None;
    let outcome = wait_for(async {
        let begun = begin(log.socket()).await?;
        let image = begun.own.image("ucp-agent");
        found = Some(certificates::dump(&begun.daemon, &image, only_ca, cluster).await?);
        Ok(())
    });
    finish(log, outcome, nothing)?;
    found.ok_or(CliError::AnswerIsNo)
}

fn finish(log: &LogArgs, outcome: Result<(), super::Failure>, nothing: CliError) -> Result<(), CliError> {
    match outcome {
        Err(super::Failure::Install(InstallError::NoSocket { .. })) => Err(nothing),
        other => told(&log.log(), other),
    }
}
