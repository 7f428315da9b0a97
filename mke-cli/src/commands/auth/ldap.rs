//! `ucp auth ldap`: the directory's settings, trial logins and synchronisations.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use mke_core::secret::Secret;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Client, escape};
use crate::commands::login::hidden;
use crate::commands::names::{mark, text};
use crate::error::CliError;
use crate::output::Output;

const SETTINGS: &str = "/api/ucp/config/auth/ldap";
const TEST: &str = "/api/ucp/config/auth/ldap/test-login";
const BACKENDS: &str = "/enzi/v0/config/auth";
const JOBS: &str = "/enzi/v0/jobs";

/// How often a job is looked at while it is waited for.
const PACE: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the settings (JSON). Passwords are never shown.
    Show,
    /// Replace the settings with those of a JSON file. Passwords that it leaves out stay, for the same server and reader.
    Set {
        /// The file; `-` is standard input.
        file: PathBuf,
    },
    /// Let people of the directory log in. Accounts kept here go on to work.
    Enable,
    /// Let only accounts kept here log in.
    Disable,
    /// Try a login: search, bind, and say each step. Exit code 1 when it would be refused.
    TestLogin {
        /// Who logs in.
        username: String,
        /// Try the settings of this JSON file, which are not saved, instead of the saved ones.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// Synchronise accounts, administrators and teams with the directory now.
    Sync {
        /// Only say what would be done; waits for the answer.
        #[arg(long)]
        dry_run: bool,
        /// Deactivate however many accounts the directory does not list any more.
        #[arg(long)]
        accept_deactivations: bool,
        /// Wait until it is over, and show its log. Exit code 3 when it fails.
        #[arg(long)]
        wait: bool,
    },
    /// List synchronisations, or show one.
    Jobs {
        /// The job.
        id: Option<String>,
        /// Show its log.
        #[arg(long, requires = "id")]
        logs: bool,
        /// Stop it.
        #[arg(long, requires = "id", conflicts_with = "logs")]
        cancel: bool,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Show => {
            let settings: Value = client.get(SETTINGS).await?;
            output.value(&settings, |settings| format!("{settings:#}"))
        }
        Command::Set { file } => {
            let settings = read_json(&file)?;
            let _: Value = client.send_json(Method::PUT, SETTINGS, &settings).await?;
            output.remark("the settings are saved");
            Ok(())
        }
        Command::Enable => switch(client, output, "ldap").await,
        Command::Disable => switch(client, output, "managed").await,
        Command::TestLogin {
            username,
            config,
            password_stdin,
        } => {
            let config = config.as_deref().map(read_json).transpose()?;
            let password = password(password_stdin, output)?;
            test_login(client, output, &username, config, &password).await
        }
        Command::Sync {
            dry_run,
            accept_deactivations,
            wait,
        } => {
            let body = json!({
                "action": "ldap-sync",
                "dryRun": dry_run,
                "acceptDeactivations": accept_deactivations,
            });
            let job: Value = client.send_json(Method::POST, JOBS, &body).await?;
            if wait || dry_run {
                return follow(client, output, &text(&job, "id")).await;
            }
            output.remark("the synchronisation was asked for:");
            output.value(&job, |job| text(job, "id"))
        }
        Command::Jobs { id: None, .. } => {
            let answer: Value = client.get(&format!("{JOBS}?action=ldap-sync&limit=200")).await?;
            let jobs = answer.get("jobs").and_then(Value::as_array).cloned();
            output.table(
                &jobs.unwrap_or_default(),
                ["ID", "STATUS", "DRY RUN", "ASKED FOR", "BY", "RESULT"],
                |job| {
                    [
                        text(job, "id"),
                        text(job, "status"),
                        mark(job, "dryRun"),
                        text(job, "scheduledAt"),
                        text(job, "requestedBy"),
                        result(job),
                    ]
                },
            )
        }
        Command::Jobs {
            id: Some(id),
            cancel: true,
            ..
        } => {
            let path = format!("{JOBS}/{}/cancel", escape(&id));
            let job: Value = client.send_json(Method::POST, &path, &json!({})).await?;
            output.value(&job, shown)
        }
        Command::Jobs {
            id: Some(id), logs, ..
        } => {
            let job: Value = client.get(&format!("{JOBS}/{}", escape(&id))).await?;
            if logs {
                show_with_log(client, output, job).await
            } else {
                output.value(&job, shown)
            }
        }
    }
}

fn read_json(path: &Path) -> Result<Value, CliError> {
    let text = crate::file::read(path)?;
    serde_json::from_str(&text)
        .map_err(|error| CliError::Usage(format!("{} is no JSON: {error}", path.display())))
}

fn password(from_stdin: bool, output: &mut Output<'_>) -> Result<Secret, CliError> {
    if !from_stdin {
        return hidden(output, "Password: ");
    }
    let mut text = String::new();
    crate::file::claim_stdin()?
        .take(64 * 1024)
        .read_to_string(&mut text)
        .map_err(|error| CliError::Failed(format!("cannot read the password: {error}")))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

async fn switch(client: &Client, output: &mut Output<'_>, backend: &str) -> Result<(), CliError> {
    let body = json!({ "backend": backend });
    let _: Value = client.send_json(Method::PUT, BACKENDS, &body).await?;
    output.remark(if backend == "ldap" {
        "people of the directory can log in; accounts kept here go on to work"
    } else {
        "only accounts kept here can log in"
    });
    Ok(())
}

async fn test_login(
    client: &Client,
    output: &mut Output<'_>,
    username: &str,
    config: Option<Value>,
    password: &Secret,
) -> Result<(), CliError> {
    let mut body = json!({ "username": username, "password": password.expose() });
    if let Some(config) = config {
        body["config"] = config;
    }
    let report: Value = client.send_json(Method::POST, TEST, &body).await?;
    output.value(&report, |report| {
        let steps = report.get("steps").and_then(Value::as_array);
        let line = |step: &Value| {
            let sign = if step.get("ok") == Some(&json!(true)) {
                "ok "
            } else {
                "no "
            };
            format!("{sign} {}\n", text(step, "what"))
        };
        steps.into_iter().flatten().map(line).collect()
    })?;
    if report.get("ok") == Some(&json!(true)) {
        Ok(())
    } else {
        Err(CliError::AnswerIsNo)
    }
}

/// Waits until a job is over and shows it with its log.
async fn follow(client: &Client, output: &mut Output<'_>, id: &str) -> Result<(), CliError> {
    let path = format!("{JOBS}/{}", escape(id));
    let mut ticks = tokio::time::interval(PACE);
    let job = loop {
        ticks.tick().await;
        let job: Value = client.get(&path).await?;
        if !matches!(text(&job, "status").as_str(), "waiting" | "running") {
            break job;
        }
    };
    let status = text(&job, "status");
    let why = text(&job, "error");
    show_with_log(client, output, job).await?;
    if status == "done" {
        Ok(())
    } else {
        Err(CliError::Failed(format!(
            "the synchronisation is {status}: {why}"
        )))
    }
}

async fn show_with_log(client: &Client, output: &mut Output<'_>, mut job: Value) -> Result<(), CliError> {
    let path = format!("{JOBS}/{}/logs", escape(&text(&job, "id")));
    let log = client.send(Method::GET, &path).await?;
    let log = String::from_utf8_lossy(&log).into_owned();
    job["logs"] = log.lines().collect::<Vec<_>>().into();
    output.value(&job, |job| format!("{log}\n{}", shown(job)))
}

fn result(job: &Value) -> String {
    let error = text(job, "error");
    if !error.is_empty() {
        return error;
    }
    let counts = job.get("counts").and_then(Value::as_object);
    let some = |(what, count): (&String, &Value)| {
        let count = count.as_u64().filter(|count| *count > 0)?;
        Some(format!("{count} {what}"))
    };
    let counts: Vec<String> = counts.into_iter().flatten().filter_map(some).collect();
    counts.join(", ")
}

fn shown(job: &Value) -> String {
    let dry = if mark(job, "dryRun").is_empty() {
        ""
    } else {
        " (dry run)"
    };
    let fields = [
        ("id", text(job, "id")),
        ("action", format!("{}{dry}", text(job, "action"))),
        ("status", text(job, "status")),
        ("asked for", text(job, "scheduledAt")),
        ("by", text(job, "requestedBy")),
        ("begun", text(job, "begunAt")),
        ("ended", text(job, "endedAt")),
        ("worker", text(job, "workerID")),
        ("result", result(job)),
    ];
    let some = fields.iter().filter(|(_, value)| !value.is_empty());
    let lines: Vec<String> = some.map(|(name, value)| format!("{name}: {value}")).collect();
    lines.join("\n")
}
