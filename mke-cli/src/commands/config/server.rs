//! The configuration of the control plane in use, over its API.

use mke_client::{Answer, Request};
use mke_core::config::{Change, Impact, Problem};
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::show::{self, Changes};
use crate::api::{Client, escape};
use crate::error::CliError;
use crate::output::{Output, Style, Styled};

/// The whole file.
const FILE: &str = "/api/ucp/config-toml";

/// The control plane of the context in use.
pub(super) struct Server(Client);

/// What is in force.
pub(super) struct InForce {
    /// The file: secrets are masked, `[auth.ldap]` is left out.
    pub(super) text: String,
    /// The version, as a change wants it that is based on it.
    pub(super) tag: Option<String>,
}

/// How a change is asked for.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ChangeArgs {
    /// Say in the history why.
    #[arg(long, value_name = "TEXT")]
    pub(super) why: Option<String>,
    /// Only say what would change.
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// What a change did, or would do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Applied {
    message: String,
    version: u64,
    changed: bool,
    #[serde(rename = "dryRun")]
    dry_run: bool,
    differences: Vec<Change>,
    impact: Impact,
    #[serde(default)]
    warnings: Vec<String>,
}

/// A line of the history.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) version: u64,
    pub(super) by: String,
    pub(super) at: String,
    pub(super) why: String,
    pub(super) differences: usize,
}

/// The history.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct History {
    pub(super) current: u64,
    pub(super) versions: Vec<Entry>,
}

/// One version.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Past {
    pub(super) version: u64,
    pub(super) by: String,
    pub(super) at: String,
    pub(super) why: String,
    pub(super) text: String,
    pub(super) differences: Vec<Change>,
}

/// Whether what runs is what is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Drift {
    pub(super) stored: u64,
    pub(super) running: u64,
    pub(super) differences: Vec<Change>,
    pub(super) impact: Impact,
}

/// What a refusal says to programs.
#[derive(Deserialize)]
#[serde(untagged)]
enum Detail {
    /// The changes that are refused: their keys are fixed at installation or cannot go back.
    Fixed(Vec<Change>),
    /// Somebody else was faster.
    Overtaken { version: u64, differences: Vec<Change> },
    /// The file has mistakes.
    Mistakes(Vec<Problem>),
}

impl Server {
    pub(super) fn connect() -> Result<Self, CliError> {
        Client::from_environment().map(Self)
    }

    /// The file in force.
    pub(super) async fn read(&self) -> Result<InForce, CliError> {
        let answer = self.0.exchange(&Request::get(FILE)).await?;
        if !answer.status.is_success() {
            return Err(answer.failure(&Method::GET, FILE).into());
        }
        let text = String::from_utf8(answer.body).map_err(|_| CliError::BadAnswer {
            path: FILE.to_owned(),
            reason: "no UTF-8 text".to_owned(),
        })?;
        Ok(InForce {
            text,
            tag: answer.tag,
        })
    }

    /// Replaces the file. `name` stands in messages about its mistakes; `tag` is the version that it is based on.
    pub(super) async fn replace(
        &self,
        name: &str,
        text: String,
        how: &ChangeArgs,
        keep_unknown: bool,
        tag: Option<&str>,
        output: &mut Output<'_>,
    ) -> Result<Applied, CliError> {
        let mut path = how.path(FILE);
        if keep_unknown {
            path.push_str("&keep-unknown=true");
        }
        let request = Request {
            if_match: tag.map(str::to_owned),
            ..Request::new(Method::PUT, path).text(text)
        };
        let answer = self.0.exchange(&request).await?;
        judged(&answer, &Method::PUT, FILE, name, output)
    }

    /// Brings a version back.
    pub(super) async fn roll_back(
        &self,
        version: u64,
        how: &ChangeArgs,
        output: &mut Output<'_>,
    ) -> Result<Applied, CliError> {
        let place = format!("{FILE}/history/{version}/rollback");
        let request = Request::new(Method::POST, how.path(&place));
        let answer = self.0.exchange(&request).await?;
        let name = format!("version {version}");
        judged(&answer, &Method::POST, &place, &name, output)
    }

    pub(super) async fn history(&self, limit: u64) -> Result<History, CliError> {
        self.0.get(&format!("{FILE}/history?limit={limit}")).await
    }

    /// One version; `against` compares it with another number or with `current`.
    pub(super) async fn version(&self, version: u64, against: Option<&str>) -> Result<Past, CliError> {
        let against = against.map_or_else(String::new, |other| format!("?against={}", escape(other)));
        self.0.get(&format!("{FILE}/history/{version}{against}")).await
    }

    pub(super) async fn drift(&self) -> Result<Drift, CliError> {
        self.0.get(&format!("{FILE}/drift")).await
    }
}

impl ChangeArgs {
    /// The path with what the control plane is told besides the file.
    fn path(&self, path: &str) -> String {
        let why = self
            .why
            .as_ref()
            .map_or_else(String::new, |why| format!("&why={}", escape(why)));
        format!("{path}?dry-run={}{why}", self.dry_run)
    }
}

/// The answer to a change. What a refusal is about is shown: mistakes as the result, changes on the side.
fn judged(
    answer: &Answer,
    method: &Method,
    path: &str,
    name: &str,
    output: &mut Output<'_>,
) -> Result<Applied, CliError> {
    if answer.status.is_success() {
        return Ok(answer.json(path)?);
    }
    let failure = answer.failure(method, path).into();
    let detail = answer.json::<Value>(path).ok();
    let detail = detail.and_then(|body| serde_json::from_value(body.get("detail")?.clone()).ok());
    match detail {
        Some(Detail::Mistakes(mut problems)) if answer.status == StatusCode::BAD_REQUEST => {
            for problem in &mut problems {
                problem.file = Some(name.to_owned());
            }
            return Err(show::mistakes(&problems, output)?);
        }
        Some(Detail::Fixed(changes)) => output.styled_remark(&show::changes(&changes)),
        Some(Detail::Overtaken { version, differences }) => {
            let mut head = Styled::default();
            head.add(
                Style::Note,
                format!("version {version} is in force; against it, this change would be:\n"),
            );
            output.styled_remark(&head);
            output.styled_remark(&show::changes(&differences));
        }
        _ => {}
    }
    Err(failure)
}

impl Applied {
    pub(super) fn changes(&self) -> Changes {
        Changes {
            differences: self.differences.clone(),
            impact: self.impact.clone(),
        }
    }

    /// Prints what became different, with what that touches; the rest is said on the side.
    pub(super) fn show(&self, output: &mut Output<'_>) -> Result<(), CliError> {
        output.styled(self, |applied| applied.changes().styled())?;
        for warning in &self.warnings {
            let mut text = Styled::default();
            text.add(Style::Note, "warning:")
                .add(Style::Plain, format!(" {warning}"));
            output.styled_remark(&text);
        }
        let version = self.version;
        output.remark(&match (self.changed, self.dry_run) {
            (false, _) => format!("nothing to change, version {version} stays in force"),
            (true, true) => format!("nothing was changed, version {version} stays in force"),
            (true, false) => format!("version {version} is in force"),
        });
        // A trial of a change that would be refused is a no.
        if self.dry_run && !self.impact.refused.is_empty() {
            return Err(CliError::AnswerIsNo);
        }
        Ok(())
    }
}
