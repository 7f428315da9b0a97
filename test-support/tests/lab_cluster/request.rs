//! Requests to controllers with curl, and what comes back.

use std::process::Command;
use std::time::{Duration, Instant};

use mke_test_support::lab::Node;
use serde_json::{Value, json};

/// The administrator of every cluster here.
pub(crate) const USERNAME: &str = "admin";
/// The password of that one.
pub(crate) const PASSWORD: &str = "correct horse";

/// What a caller waits at most for being told that something cannot be written.
const BOUND: Duration = Duration::from_secs(30);

/// What a controller answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status; 0 when there was no answer.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: String,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// Whether it is a success.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The JSON of a success, else what was said.
    pub(crate) fn success(&self) -> Result<Value, String> {
        match self.is_success() {
            true => Ok(self.json()),
            false => Err(format!("{} {}", self.status, self.body)),
        }
    }
}

/// From where a request comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// From the host, over the node's cable.
    Host,
    /// From the node itself, also when its cable is cut.
    Inside,
}

/// A request to the controller of a node. `limit` is what a caller waits at most.
pub(crate) struct Request<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) from: From,
    pub(crate) token: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: Option<Value>,
    pub(crate) limit: Duration,
}

impl<'a> Request<'a> {
    pub(crate) fn new(node: Node<'a>, method: &'a str, path: &'a str) -> Self {
        Self {
            node,
            from: From::Host,
            token: None,
            method,
            path,
            body: None,
            limit: Duration::from_secs(60),
        }
    }

    pub(crate) fn send(&self) -> Answer {
        let mut command = match self.from {
            From::Host => Command::new("curl"),
            From::Inside => self.node.command("curl"),
        };
        curl(
            &mut command,
            &format!("https://{}{}", self.node.ip(), self.path),
            self.token,
            self.method,
            self.body.as_ref(),
            self.limit,
        )
    }
}

/// One request with curl.
pub(crate) fn curl(
    command: &mut Command,
    url: &str,
    token: Option<&str>,
    method: &str,
    body: Option<&Value>,
    limit: Duration,
) -> Answer {
    command.args(["--silent", "--insecure", "--request", method]);
    command.args(["--connect-timeout", "5", "--write-out", "\n%{http_code}"]);
    command.arg("--max-time").arg(limit.as_secs().to_string());
    if let Some(token) = token {
        command
            .arg("--header")
            .arg(format!("Authorization: Bearer {token}"));
    }
    if let Some(body) = body {
        command.args(["--header", "Content-Type: application/json", "--data"]);
        command.arg(body.to_string());
    }
    let begun = Instant::now();
    let output = command
        .arg(url)
        .output()
        .unwrap_or_else(|error| panic!("`curl` ({error}): install package curl"));
    let text = String::from_utf8_lossy(&output.stdout);
    let (body, status) = text.rsplit_once('\n').unwrap_or_default();
    Answer {
        status: status.parse().unwrap_or(0),
        body: body.to_owned(),
        took: begun.elapsed(),
    }
}

/// Logs in, for a session's token.
pub(crate) fn login(node: Node<'_>) -> Result<String, String> {
    let answer = Request {
        body: Some(json!({ "username": USERNAME, "password": PASSWORD })),
        ..Request::new(node, "POST", "/auth/login")
    }
    .send()
    .success()?;
    let token = answer["auth_token"].as_str();
    token.map(str::to_owned).ok_or_else(|| answer.to_string())
}

/// A refusal comes in bounded time, and names the store and what is missing.
pub(crate) fn says_why(refused: &Answer) {
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.took < BOUND, "{refused:?}");
    let known = refused.body.contains("too few of its members are reached");
    assert!(
        known || refused.body.contains("not known whether the change was made"),
        "{refused:?}"
    );
}
