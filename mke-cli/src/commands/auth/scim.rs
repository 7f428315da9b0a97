//! `ucp auth scim`: switching SCIM on and off, and the token of the identity provider.

use std::io::Read as _;

use clap::Subcommand;
use mke_core::secret::Secret;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::Client;
use crate::commands::names::text;
use crate::error::CliError;
use crate::output::Output;

const PATH: &str = "/api/ucp/config/auth/scim";
const TOKEN: &str = "/api/ucp/config/auth/scim/token";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Switch SCIM on. Without a token nobody comes in.
    Enable,
    /// Switch SCIM off. Users, groups and the token stay.
    Disable,
    /// Make the token; the one before opens nothing any more. It is shown once.
    Token {
        /// Read a token of your own from standard input instead: 16 to 512 letters, digits or signs of `-._~+/`.
        #[arg(long, conflicts_with = "remove")]
        stdin: bool,
        /// End the token without another.
        #[arg(long)]
        remove: bool,
    },
    /// Show whether SCIM is on, its address and which token opens it.
    Show,
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Enable => switch(client, output, true).await,
        Command::Disable => switch(client, output, false).await,
        Command::Token { remove: true, .. } => {
            client.call(Method::DELETE, TOKEN).await?;
            output.remark("the SCIM token is removed");
            Ok(())
        }
        Command::Token { stdin, .. } => {
            let body = match stdin.then(own).transpose()? {
                Some(token) => json!({ "token": token.expose() }),
                None => json!({}),
            };
            let made: Value = client.send_json(Method::POST, TOKEN, &body).await?;
            output.remark("give this token to the identity provider, it is not shown again:");
            output.value(&made, |made| text(made, "token"))
        }
        Command::Show => {
            let shown: Value = client.get(PATH).await?;
            output.value(&shown, |shown| {
                let token = shown.get("token").filter(|token| !token.is_null());
                let token = token.map_or("none, make one with `ucp auth scim token`".to_owned(), |token| {
                    format!("{}, made {}", text(token, "id"), text(token, "created"))
                });
                let enabled = if shown.get("enabled") == Some(&json!(true)) {
                    "on"
                } else {
                    "off"
                };
                format!(
                    "SCIM: {enabled}\nbase URL: {}\ntoken: {token}",
                    text(shown, "baseURL")
                )
            })
        }
    }
}

async fn switch(client: &Client, output: &mut Output<'_>, enabled: bool) -> Result<(), CliError> {
    let _: Value = client
        .send_json(Method::PUT, PATH, &json!({ "enabled": enabled }))
        .await?;
    output.remark(if enabled { "SCIM is on" } else { "SCIM is off" });
    Ok(())
}

/// The token on standard input, without the end of its line.
fn own() -> Result<Secret, CliError> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(4096)
        .read_to_string(&mut text)
        .map_err(|error| CliError::Failed(format!("cannot read the token: {error}")))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}
