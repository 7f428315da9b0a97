//! `ucp login` and `ucp logout`.
//!
//! The server is verified before the password is sent: against `--ca-file`, or against the authority that
//! the server itself names, once the person has confirmed its fingerprint.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use mke_auth::sessions::LoginError;
use mke_client::trust::{authority_of, fingerprint};
use mke_client::{ClientError, Settings};
use mke_core::secret::Secret;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::api::{Client, Context, ContextFile, Trust};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The control plane, such as https://mke.example.com.
    #[arg(long, env = "MKE_URL")]
    url: String,
    /// Whom to log in.
    #[arg(long, short)]
    username: Option<String>,
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
    /// The code of the second factor, or a recovery code; asked for when it is needed.
    #[arg(long)]
    code: Option<String>,
    /// The authority that the server's certificate chains to (PEM).
    #[arg(long, conflicts_with_all = ["fingerprint", "insecure"])]
    ca_file: Option<PathBuf>,
    /// The SHA-256 fingerprint of the server's authority, in hexadecimal, instead of a question.
    #[arg(long, conflicts_with = "insecure")]
    fingerprint: Option<String>,
    /// Do not verify the server, now and in every later command with this context.
    #[arg(long)]
    insecure: bool,
    /// Name of the context to keep the session in.
    #[arg(long, default_value = "default")]
    context: String,
}

#[derive(Deserialize)]
struct LoginAnswer {
    auth_token: String,
}

pub(super) async fn login(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let trust = trust(args, output).await?;
    show_pre_logon_message(args, &trust, output).await;
    let username = match &args.username {
        Some(username) => username.clone(),
        None => output.ask("Username: ")?,
    };
    let password = password(args, output)?;
    let client = Client::new(&args.url, &trust, None)?;
    let answer = send(&client, &username, &password, args.code.as_deref(), output).await?;
    let (ca_pem, insecure) = match trust {
        Trust::Authorities(pem) => (Some(pem), false),
        Trust::Nothing => (None, true),
    };
    let context = Context {
        url: args.url.clone(),
        ca_pem,
        insecure,
        username: username.clone(),
        token: answer.auth_token,
    };
    let file = ContextFile::locate()?;
    let mut contexts = file.read()?;
    contexts.contexts.insert(args.context.clone(), context);
    contexts.current = Some(args.context.clone());
    file.write(&contexts)?;
    if insecure {
        output.remark("warning: the server is not verified with this context");
    }
    output.remark(&format!(
        "logged in to {} as {username}, context `{}`",
        args.url, args.context
    ));
    Ok(())
}

/// Sends name and password, and the code of the second factor once it turns out that one is needed.
async fn send(
    client: &Client,
    username: &str,
    password: &Secret,
    code: Option<&str>,
    output: &mut Output<'_>,
) -> Result<LoginAnswer, CliError> {
    let mut body = json!({ "username": username, "password": password.expose() });
    if let Some(code) = code {
        body["code"] = json!(code);
    }
    let needed = LoginError::SecondFactorNeeded.to_string();
    match client.send_json(Method::POST, "/auth/login", &body).await {
        Err(CliError::Refused { message } | CliError::Api { message, .. })
            if message == needed && code.is_none() && std::io::stdin().is_terminal() =>
        {
            body["code"] = json!(output.ask("Code: ")?.trim());
            client.send_json(Method::POST, "/auth/login", &body).await
        }
        other => other,
    }
}

/// What the operator wants people to read before they log in (CFG-034). Servers that know no such message have none.
async fn show_pre_logon_message(args: &Args, trust: &Trust, output: &mut Output<'_>) {
    #[derive(Deserialize)]
    struct PreLogon {
        message: String,
    }
    let Ok(client) = Client::new(&args.url, trust, None) else {
        return;
    };
    if let Ok(PreLogon { message }) = client.get("/api/ucp/pre-logon-message").await {
        for line in message.lines() {
            output.remark(line);
        }
    }
}

pub(super) async fn logout(output: &mut Output<'_>) -> Result<(), CliError> {
    let file = ContextFile::locate()?;
    let mut contexts = file.read()?;
    let name = contexts.current.take().ok_or(CliError::NotLoggedIn)?;
    let context = contexts.contexts.remove(&name).ok_or(CliError::NotLoggedIn)?;
    // The token is forgotten here even when the server cannot be told, but that is said.
    let told = Client::from_context(&context)?
        .call(Method::POST, "/id/logout")
        .await;
    file.write(&contexts)?;
    match told {
        Ok(()) | Err(CliError::Refused { .. }) => {
            output.remark(&format!("logged out of {}", context.url));
            Ok(())
        }
        Err(error) => Err(error),
    }
}

async fn trust(args: &Args, output: &mut Output<'_>) -> Result<Trust, CliError> {
    if args.insecure {
        return Ok(Trust::Nothing);
    }
    if let Some(path) = &args.ca_file {
        return std::fs::read_to_string(path)
            .map(Trust::Authorities)
            .map_err(CliError::file("cannot read", path));
    }
    let pem = authority_of(&args.url, Settings::default()).await?;
    let found = fingerprint(&pem)?;
    let confirmed = match &args.fingerprint {
        Some(expected) => expected.replace(':', "").eq_ignore_ascii_case(&found),
        None if std::io::stdin().is_terminal() && !args.password_stdin => {
            output.remark(&format!(
                "the authority of {} has the SHA-256 fingerprint\n  {found}",
                args.url
            ));
            let answer = output.ask("Trust it for this context? [y/N] ")?;
            matches!(answer.trim(), "y" | "Y" | "yes")
        }
        None => {
            return Err(CliError::Usage(
                "the server must be verified: give --ca-file, --fingerprint or --insecure".to_owned(),
            ));
        }
    };
    if confirmed {
        Ok(Trust::Authorities(pem))
    } else {
        Err(ClientError::Fingerprint { found }.into())
    }
}

fn password(args: &Args, output: &mut Output<'_>) -> Result<Secret, CliError> {
    if args.password_stdin {
        let mut text = String::new();
        std::io::stdin()
            .take(64 * 1024)
            .read_to_string(&mut text)
            .map_err(|error| CliError::Failed(format!("cannot read the password: {error}")))?;
        return Ok(Secret::new(text.trim_end_matches(['\r', '\n'])));
    }
    hidden(output, "Password: ")
}

/// Asks on the terminal without showing what is typed.
pub(super) fn hidden(output: &mut Output<'_>, question: &str) -> Result<Secret, CliError> {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let stdin = std::io::stdin();
    let failed = |error: rustix::io::Errno| CliError::Failed(format!("cannot hide the password: {error}"));
    if !stdin.is_terminal() {
        return Err(CliError::Usage(
            "there is no terminal to ask on, use --password-stdin".to_owned(),
        ));
    }
    let shown = tcgetattr(&stdin).map_err(failed)?;
    let mut quiet = shown.clone();
    quiet.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&stdin, OptionalActions::Now, &quiet).map_err(failed)?;
    let answer = output.ask(question);
    let restored = tcsetattr(&stdin, OptionalActions::Now, &shown).map_err(failed);
    output.remark("");
    restored?;
    answer.map(Secret::new)
}
