//! `ucp upgrade` and `ucp upgrade checks`.

use mke_agent::install::Progress as _;
use mke_agent::install::preflight::Switches;
use mke_agent::install::removal::Keep;
use mke_agent::install::upgrade::{UpgradeOptions, examine, follow_up, upgrade};

use super::flags::{LogArgs, RegistryArgs};
use super::log::Log;
use super::{Failure, begin, questions, run_and_owner, told, wait_for};
use crate::error::CliError;
use crate::output::Output;

/// An instance of which only configuration or a secret is left cannot be upgraded.
const KEEP: Keep = Keep {
    configuration: true,
    secrets: true,
};

/// What nothing here can check (UPG-005, UPG-006).
const BY_HAND: [&str; 4] = [
    "see that all nodes are healthy, and keep the logs of all nodes to compare with",
    "keep snapshots of the managers' disks, and copies of Compose, service and stack files",
    "bring packages and kernels of all nodes up to date, and restart one node after the other",
    "upgrade engines before MKE, and MSR after it",
];

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(flatten)]
    common: Common,
    /// Continue although minimum requirements are not met.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    force_minimums: bool,
    /// Address by which this node is known; refused where it is not the swarm's.
    #[arg(long)]
    host_address: Option<String>,
    /// Upgrade managers only and label all workers com.docker.ucp.upgrade-hold.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    manual_worker_upgrade: bool,
    /// Continue when the port check fails.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    force_port_check: bool,
    /// Continue without a recent backup.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    force_recent_backup: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the pre-upgrade review only.
    Checks(Common),
}

#[derive(Debug, clap::Args)]
struct Common {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Ask for missing values on the terminal.
    #[arg(long, short)]
    interactive: bool,
    /// Administrator name.
    #[arg(long)]
    admin_username: Option<String>,
    /// Administrator password.
    #[arg(long, hide_env_values = true)]
    admin_password: Option<String>,
    /// Instance to upgrade.
    #[arg(long)]
    id: Option<String>,
}

pub(crate) fn run(args: Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let common = match &args.command {
        Some(Command::Checks(common)) => common,
        None => &args.common,
    };
    let log = common.log.log();
    let outcome = wait_for(async {
        match &args.command {
            Some(Command::Checks(common)) => checks(common, &log, output).await,
            None => do_upgrade(&args, &log, output).await,
        }
    });
    told(&log, outcome)
}

fn options(common: &Common) -> Result<UpgradeOptions, CliError> {
    let (run, owner) = run_and_owner();
    Ok(UpgradeOptions {
        id: common.id.clone(),
        host_address: None,
        manual_workers: false,
        pull: common.registry.pull.into(),
        credentials: common.registry.credentials()?,
        switches: Switches::default(),
        owner,
        run,
    })
}

async fn checks(common: &Common, log: &Log, output: &mut Output<'_>) -> Result<(), Failure> {
    let options = options(common)?;
    let begun = begin(common.log.socket()).await?;
    let examined = examine(&begun.daemon, &begun.own, &options, log).await?;
    let of = |findings: &mke_agent::install::preflight::Findings| -> Vec<String> {
        findings.0.iter().map(ToString::to_string).collect()
    };
    let (refused, known) = (of(&examined.report.refused), of(&examined.report.known));
    let report = serde_json::json!({
        "id": examined.instance, "from": examined.from, "to": begun.own.version, "failed": refused, "advice": known,
        "by_hand": BY_HAND,
    });
    output.value(&report, |_| {
        let mut text = format!(
            "{} {} -> {}\n",
            examined.instance, examined.from, begun.own.version
        );
        for (word, findings) in [("FAILED", &refused), ("ADVICE", &known)] {
            for finding in findings {
                text.push_str(&format!("{word} {finding}\n"));
            }
        }
        for item in BY_HAND {
            text.push_str(&format!("BY HAND {item}\n"));
        }
        if refused.is_empty() {
            text.push_str("all checks passed\n");
        }
        text
    })?;
    if refused.is_empty() {
        return Ok(());
    }
    Err(mke_agent::install::InstallError::Checks(examined.report.refused).into())
}

async fn do_upgrade(args: &Args, log: &Log, output: &mut Output<'_>) -> Result<(), Failure> {
    let switches = Switches {
        minimums: args.force_minimums,
        ports: args.force_port_check,
        backup: args.force_recent_backup,
        ..Switches::default()
    };
    let options = UpgradeOptions {
        host_address: args.host_address.clone().filter(|address| !address.is_empty()),
        manual_workers: args.manual_worker_upgrade,
        switches,
        ..options(&args.common)?
    };
    let begun = begin(args.common.log.socket()).await?;
    let somebody = args.common.interactive || questions::somebody_is_there();
    if options.id.is_none() && somebody {
        let found = mke_agent::install::uninstall::find(&begun.daemon, None, KEEP).await?;
        log.info(&format!("Detected UCP instance {}", found.instance));
        let question = format!("Do you want to upgrade it to {}?", begun.own.version);
        if !questions::yes(output, &question)? {
            return Err(CliError::AnswerIsNo.into());
        }
    }
    log.info("Do not change the configuration while the upgrade runs");
    match upgrade(&begun.daemon, &begun.own, &options, log).await {
        Ok(from) => {
            log.info(&format!("Upgraded from {from} to {}", begun.own.version));
            if options.manual_workers {
                log.info(
                    "Workers are held back: remove the label com.docker.ucp.upgrade-hold from one after the other \
                     (`docker node update --label-rm com.docker.ucp.upgrade-hold NODE`)",
                );
            }
            Ok(())
        }
        Err(failure) => {
            log.warn(&follow_up(&failure));
            Err(failure.into())
        }
    }
}
