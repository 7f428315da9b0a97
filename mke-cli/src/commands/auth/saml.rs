//! `ucp auth saml`: this cluster as a service provider, its identity provider, and the bundles that need neither.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Client, escape};
use crate::commands::names::{mark, text};
use crate::error::CliError;
use crate::output::Output;

const BASE: &str = "/enzi/v0/saml";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the metadata of this cluster, for the identity provider.
    Metadata,
    /// Show the addresses of this cluster, and what is known of the identity provider.
    Show,
    /// Fetch the identity provider's metadata now, such as after it changed its certificate.
    Refresh,
    /// List client bundles, which open the cluster whatever the identity provider says; or revoke them.
    Bundles {
        /// Those of accounts that were made here too.
        #[arg(long)]
        all: bool,
        /// Only those of this account.
        #[arg(long, value_name = "ACCOUNT", conflicts_with = "all")]
        user: Option<String>,
        /// Revoke them; the one in use here stays.
        #[arg(long)]
        revoke: bool,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Metadata => {
            let path = format!("{BASE}/metadata");
            let document = client.send(Method::GET, &path).await?;
            output.data(&String::from_utf8_lossy(&document))
        }
        Command::Show => {
            let shown: Value = client.get(&format!("{BASE}/status")).await?;
            output.value(&shown, show)
        }
        Command::Refresh => {
            let path = format!("{BASE}/refresh");
            let done: Value = client.send_json(Method::POST, &path, &json!({})).await?;
            output.remark(if done.get("changed") == Some(&json!(true)) {
                "the identity provider is known anew"
            } else {
                "nothing has changed"
            });
            output.value(&done, provider)
        }
        Command::Bundles { all, user, revoke } => {
            let query = match user {
                Some(user) => format!("?account={}", escape(&user)),
                None if all => "?source=all".to_owned(),
                None => String::new(),
            };
            let path = format!("{BASE}/bundles{query}");
            let (method, field) = if revoke {
                (Method::DELETE, "revoked")
            } else {
                (Method::GET, "bundles")
            };
            let answer: Value = client.send_json(method, &path, &Value::Null).await?;
            let bundles = answer
                .get(field)
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            output.table(
                &bundles,
                ["ACCOUNT", "SOURCE", "ACTIVE", "CREATED", "LABEL", "KEY"],
                |bundle| {
                    let source = Some(text(bundle, "source")).filter(|source| !source.is_empty());
                    [
                        text(bundle, "account"),
                        source.unwrap_or_else(|| "local".to_owned()),
                        mark(bundle, "isActive"),
                        text(bundle, "created"),
                        text(bundle, "label"),
                        text(bundle, "id"),
                    ]
                },
            )?;
            if revoke {
                output.remark(&format!("{} bundles revoked", bundles.len()));
            }
            Ok(())
        }
    }
}

fn show(shown: &Value) -> String {
    let state = if shown.get("enabled") == Some(&json!(true)) {
        "on"
    } else {
        "off"
    };
    let known = match shown.get("provider").filter(|provider| !provider.is_null()) {
        Some(known) => provider(known),
        None => "identity provider: not known yet, fetch it with `ucp auth saml refresh`".to_owned(),
    };
    format!(
        "SAML: {state}\nentity ID and metadata: {}\nassertion consumer service: {}\nsingle logout: {}\n{known}\n\
         bundles of imported accounts: {}",
        text(shown, "entityID"),
        text(shown, "acsURL"),
        text(shown, "sloURL"),
        shown.get("bundles").map(Value::to_string).unwrap_or_default(),
    )
}

fn provider(known: &Value) -> String {
    let lines = |field: &str, label: &str| -> String {
        let values = known.get(field).and_then(Value::as_array).into_iter().flatten();
        values
            .filter_map(Value::as_str)
            .map(|value| format!("\n{label}: {value}"))
            .collect()
    };
    format!(
        "identity provider: {}\nits metadata: {}, fetched {}{}{}",
        text(known, "entityID"),
        text(known, "metadataURL"),
        text(known, "fetched"),
        lines("keys", "signing key"),
        lines("warnings", "warning"),
    )
}
