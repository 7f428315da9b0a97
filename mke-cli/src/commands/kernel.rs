//! `ucp kernel`: kernel parameters of this machine or of a network namespace, changed so that it can be taken back.

use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use clap::Subcommand;
use mke_core::config::port_range;
use mke_net::Severity;
use mke_net::kernel::{
    self, Drift, Event, Intent, KernelError, Key, Place, Plan, Settled, Standing, Status, Step,
};
use serde::Serialize;

use super::net::Cluster;
use crate::error::CliError;
use crate::output::{Output, Style, Styled};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show what is wrong, who made it so and what would be written. Exit code 1 means that something would be.
    Plan(PlanArgs),
    /// Write the plan. Without a confirmation in time, everything is taken back.
    Apply(ApplyArgs),
    /// Keep what was written.
    Confirm(ConfirmArgs),
    /// Take the youngest change back.
    Revert(RevertArgs),
    /// Show what was changed, and what others have changed since. Exit code 1 means that something has drifted.
    Status(At),
    /// Wait until the open change is confirmed, or take it back when its time is over.
    #[command(hide = true)]
    Watch(At),
}

/// Where.
#[derive(Debug, clap::Args)]
pub(crate) struct At {
    /// The directory below which the machine's files lie.
    #[arg(long, default_value = "/")]
    root: PathBuf,
    /// A network namespace instead of the machine: a name of `ip netns`, the number of a process, or a path.
    #[arg(long, value_name = "NAME")]
    netns: Option<String>,
}

impl At {
    fn place(&self) -> Result<Place, CliError> {
        match &self.netns {
            Some(name) => Place::namespace(&self.root, name).map_err(failed),
            None => Ok(Place::host(&self.root)),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    wanted: Wanted,
}

/// What for.
#[derive(Debug, clap::Args)]
pub(crate) struct Wanted {
    #[command(flatten)]
    cluster: Cluster,
    /// Ports of Kubernetes services, kept from being taken by chance.
    #[arg(long, value_name = "FIRST-LAST")]
    node_ports: Option<String>,
    /// Write also the values that the documents only list.
    #[arg(long)]
    all: bool,
    /// Write this value too, of any parameter; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    named: Vec<String>,
}

impl Wanted {
    fn intent(&self, output: &mut Output<'_>) -> Result<Intent, CliError> {
        let mut intent = Intent::of(&self.cluster.config(output)?);
        if let Some(text) = &self.node_ports {
            let ports = port_range(text).ok_or_else(|| {
                CliError::Usage(format!("`{text}` is no range of ports such as `32768-35535`"))
            })?;
            intent.node_ports = Some(ports);
        }
        intent.whole = self.all;
        for text in &self.named {
            let (name, value) = text.split_once('=').ok_or_else(|| {
                CliError::Usage(format!("`{text}` is no value such as `net.ipv4.ip_forward=1`"))
            })?;
            let key: Key = name
                .trim()
                .parse()
                .map_err(|error| CliError::Usage(format!("{error}")))?;
            intent.named.push((key, value.to_owned()));
        }
        Ok(intent)
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    wanted: Wanted,
    /// Seconds after which the change is taken back, unless `ucp kernel confirm` comes.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    confirm_within: u64,
    /// Confirm at once, also for the next start.
    #[arg(long, conflicts_with = "confirm_within")]
    confirmed: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConfirmArgs {
    #[command(flatten)]
    at: At,
    /// Keep the values until the machine is started anew, and write no file.
    #[arg(long)]
    until_restart: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RevertArgs {
    #[command(flatten)]
    at: At,
    /// Take every change back.
    #[arg(long)]
    all: bool,
    /// Take back also what others have changed since.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(command: &Command, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Plan(args) => {
            let plan = planned(&args.at.place()?, &args.wanted, output)?;
            output.styled(&plan, shown)?;
            if plan.is_empty() {
                Ok(())
            } else {
                Err(CliError::AnswerIsNo)
            }
        }
        Command::Apply(args) => apply(args, output),
        Command::Confirm(args) => {
            let kept =
                kernel::confirm(&args.at.place()?, !args.until_restart, &mut |_| {}).map_err(refused)?;
            output.value(&Done { steps: &kept }, |done| {
                format!("{} kept", counted(done.steps.len(), "value"))
            })
        }
        Command::Revert(args) => {
            let reverted =
                kernel::revert(&args.at.place()?, args.all, args.force, &mut |_| {}).map_err(failed)?;
            output.value(&reverted, |reverted| {
                let mut text = format!("{} taken back\n", counted(reverted.restored.len(), "value"));
                for key in &reverted.left {
                    text.push_str(&format!("left alone, because others have changed it: {key}\n"));
                }
                if reverted.left_file {
                    text.push_str(&format!(
                        "left alone, because others have changed it: /{}\n",
                        kernel::SETTINGS_FILE
                    ));
                }
                text
            })?;
            if reverted.left.is_empty() && !reverted.left_file {
                Ok(())
            } else {
                Err(CliError::AnswerIsNo)
            }
        }
        Command::Status(at) => {
            let status = kernel::status(&at.place()?, &mut |_| {}).map_err(failed)?;
            output.value(&status, told)?;
            if status.drift.is_empty() {
                Ok(())
            } else {
                Err(CliError::AnswerIsNo)
            }
        }
        Command::Watch(at) => {
            // It lives on when the session of its parent ends.
            let _ = rustix::process::setsid();
            kernel::watch(&at.place()?, &mut |_| {}).map(drop).map_err(failed)
        }
    }
}

#[derive(Debug, Serialize)]
struct Done<'a> {
    steps: &'a [Step],
}

fn planned(place: &Place, wanted: &Wanted, output: &mut Output<'_>) -> Result<Plan, CliError> {
    let intent = wanted.intent(output)?;
    let seen = kernel::observe(place, &intent.keys()).map_err(failed)?;
    Ok(kernel::plan(&seen, &intent))
}

fn apply(args: &ApplyArgs, output: &mut Output<'_>) -> Result<(), CliError> {
    let place = args.at.place()?;
    let plan = planned(&place, &args.wanted, output)?;
    if plan.is_empty() {
        return output.value(&Done { steps: &[] }, |_| "nothing to write".to_owned());
    }
    let hold = Duration::from_secs(args.confirm_within);
    let mut unwatched = false;
    let mut progress = |event: &Event| {
        // Before the first value is written: should this process die, somebody is there.
        if *event == Event::Recorded {
            unwatched = !args.confirmed && watcher(&args.at).is_err();
        }
    };
    kernel::apply(&place, &plan, hold, &mut progress).map_err(refused)?;
    if unwatched {
        output.remark("no watcher could be started: the next `ucp kernel status` takes the change back when its time is over");
    }
    if args.confirmed {
        kernel::confirm(&place, true, &mut |_| {}).map_err(refused)?;
    }
    output.value(&Done { steps: &plan.steps }, |done| {
        let mut text: String = done.steps.iter().map(|step| format!("{step}\n")).collect();
        if !args.confirmed {
            text.push_str(&format!(
                "run `ucp kernel confirm` within {} seconds, or everything is taken back\n",
                args.confirm_within
            ));
        }
        text
    })
}

/// A process of its own that takes the change back when its time is over.
fn watcher(at: &At) -> std::io::Result<()> {
    let mut process = Process::new(std::env::current_exe()?);
    process.args(["kernel", "watch", "--root"]).arg(&at.root);
    if let Some(name) = &at.netns {
        process.args(["--netns", name]);
    }
    process
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
}

fn shown(plan: &Plan) -> Styled {
    let mut text = Styled::default();
    for finding in plan
        .findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info)
    {
        let style = if finding.severity == Severity::Error {
            Style::Bad
        } else {
            Style::Note
        };
        text.add(style, finding.severity.to_string()).add(
            Style::Plain,
            format!(
                ": {}\n    {}\n    {}\n",
                finding.title, finding.evidence, finding.remedy
            ),
        );
    }
    let infos = plan
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Info)
        .count();
    if infos > 0 {
        text.add(
            Style::Plain,
            format!(
                "{} from the documents without consequence, see `--output json`\n",
                counted(infos, "difference")
            ),
        );
    }
    if plan.is_empty() {
        text.add(Style::Good, "nothing to write\n");
    } else {
        text.add(Style::Place, "would be written:\n");
        for step in &plan.steps {
            text.add(Style::Plain, format!("    {step}\n"));
        }
    }
    text
}

fn told(status: &Status) -> String {
    let mut text = match &status.settled {
        None => String::new(),
        Some(Settled::Expired(_)) => "a change that nobody confirmed in time was taken back\n".to_owned(),
        Some(Settled::Interrupted(_)) => "a change that was interrupted was taken back\n".to_owned(),
        Some(Settled::Confirmed) => "a confirmation that was interrupted was ended\n".to_owned(),
        Some(Settled::Forgotten) => {
            "a change that nobody confirmed went away when the machine was started anew\n".to_owned()
        }
    };
    text.push_str(match status.standing {
        Standing::Untouched => "nothing is changed",
        Standing::Changing => "somebody is changing parameters now",
        Standing::Waiting => "a change waits for its confirmation",
        Standing::Confirmed => "all changes are confirmed",
        Standing::Left => "all is taken back but what others have changed, see `ucp kernel revert --force`",
    });
    if let Some(seconds) = status.seconds_left {
        text.push_str(&format!(", {seconds} seconds are left"));
    }
    text.push('\n');
    for step in status.changes.iter().flatten() {
        text.push_str(&format!("    {step}\n"));
    }
    for Drift { key, expected, found } in &status.drift {
        let found = found
            .as_deref()
            .map_or("gone".to_owned(), |found| format!("`{found}`"));
        text.push_str(&format!(
            "drifted: {key} was set to `{expected}` and is {found}\n"
        ));
    }
    text
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// Answers to what was asked for are no failures.
fn refused(error: KernelError) -> CliError {
    match error {
        KernelError::Unconfirmed | KernelError::NothingToConfirm | KernelError::TooLate => {
            CliError::Refused {
                message: error.to_string(),
            }
        }
        other => failed(other),
    }
}

fn failed(error: KernelError) -> CliError {
    let cause = std::error::Error::source(&error).map_or(String::new(), |cause| format!(": {cause}"));
    match error {
        KernelError::NoNamespace { .. } => CliError::Usage(format!("{error}{cause}")),
        _ => CliError::Failed(format!("{error}{cause}")),
    }
}
