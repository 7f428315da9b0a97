//! `ucp uninstall-ucp`: the question, and what is told of nodes that did not answer.

use mke_agent::install::removal::Keep;
use mke_agent::install::uninstall::{BY_HAND, UninstallOptions, find, uninstall};
use mke_agent::install::{Around, Progress as _, notes};

use super::flags::{LogArgs, RegistryArgs};
use super::log::Log;
use super::{Failure, begin, questions, run_and_owner, told, wait_for};
use crate::error::CliError;
use crate::output::Output;

/// Where a log stays that the container takes along otherwise, when the directory is mounted (UNI-006).
const LOGS: &str = "/var/log";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Ask for missing values on the terminal.
    #[arg(long, short)]
    interactive: bool,
    /// Instance to uninstall; asked for confirmation when absent.
    #[arg(long)]
    id: Option<String>,
    /// Keep MKE swarm secrets.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    no_purge_secret: bool,
    /// Also remove the MKE configuration objects.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    purge_config: bool,
    /// Leave /etc/cni untouched because the CNI belongs to the operator.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    unmanaged_cni: bool,
}

pub(crate) fn run(args: Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let log = args.log.log().kept_in(LOGS, &Around::this_process());
    let outcome = wait_for(uninstall_ucp(args, &log, output));
    told(&log, outcome)
}

async fn uninstall_ucp(args: Args, log: &Log, output: &mut Output<'_>) -> Result<(), Failure> {
    let credentials = args.registry.credentials()?;
    let begun = begin(args.log.socket()).await?;
    let keep = Keep {
        configuration: !args.purge_config,
        secrets: args.no_purge_secret,
    };
    let found = find(&begun.daemon, args.id.as_deref(), keep).await?;
    log.info(&format!("Detected UCP instance {}", found.instance));
    if args.id.is_none() {
        if !args.interactive && !questions::somebody_is_there() {
            return Err(CliError::Usage(format!(
                "nobody is there to be asked: give `--id {}` to uninstall this instance",
                found.instance
            ))
            .into());
        }
        log.info("We're about to uninstall UCP from this Swarm cluster");
        if !questions::yes(output, "Do you want to proceed with the uninstall?")? {
            log.info("Nothing was done");
            return Err(CliError::AnswerIsNo.into());
        }
    }
    for note in notes::before(&found.info) {
        log.warn(&note);
    }
    log.info("Uninstalling UCP from each node...");
    let (run, owner) = run_and_owner();
    let options = UninstallOptions {
        id: Some(found.instance.clone()),
        keep,
        unmanaged_cni: args.unmanaged_cni,
        image: begun.own.image("ucp-agent"),
        credentials,
        owner,
        run,
    };
    let done = uninstall(&begun.daemon, &options, log).await?;
    if !args.purge_config {
        log.info("The configuration is kept for `install --existing-config`; `--purge-config` removes it");
    }
    for note in notes::after(&found.info, found.kubernetes) {
        log.warn(&note);
    }
    if done.left.is_empty() {
        log.info("UCP has been removed from this cluster successfully.");
        return Ok(());
    }
    Err(CliError::Failed(format!(
        "not everything could be removed, see above; clean what is left by hand: {BY_HAND}"
    ))
    .into())
}
