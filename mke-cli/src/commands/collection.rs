//! `ucp collection`: the tree that resources lie in.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use super::names::{collection, collection_id, text};
use crate::api::{Client, escape};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the collections that you can see.
    List,
    /// Show one collection.
    Show {
        /// Its path.
        path: String,
    },
    /// Create a collection below an existing one.
    Create {
        /// The path, such as /Shared/web.
        path: String,
    },
    /// Remove an empty collection and the grants on it.
    Remove {
        /// Its path.
        path: String,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::List => {
            let mut collections = all(client).await?;
            collections.sort_by_key(|collection| text(collection, "path"));
            output.table(&collections, ["PATH", "ID"], |collection| {
                [text(collection, "path"), text(collection, "id")]
            })
        }
        Command::Show { path } => {
            let found = collection(client, &path).await?;
            output.value(&found, |found| {
                ["path", "id", "name", "created_at", "updated_at"]
                    .map(|field| format!("{field}: {}\n", text(found, field)))
                    .concat()
            })
        }
        Command::Create { path } => {
            let (parent, name) = path
                .trim_end_matches('/')
                .rsplit_once('/')
                .filter(|(_, name)| !name.is_empty())
                .ok_or_else(|| CliError::Usage(format!("`{path}` is no path, write /PARENT/NAME")))?;
            let parent = collection_id(client, if parent.is_empty() { "/" } else { parent }).await?;
            let body = json!({ "name": name, "parent_id": parent });
            let made: Value = client.send_json(Method::POST, "/collections", &body).await?;
            output.value(&made, |made| {
                format!("created collection {path} with id {}", text(made, "id"))
            })
        }
        Command::Remove { path } => {
            let id = collection_id(client, &path).await?;
            client
                .call(Method::DELETE, &format!("/collections/{}", escape(&id)))
                .await?;
            output.remark(&format!("removed collection {path}"));
            Ok(())
        }
    }
}

/// Most collections that a list shows: the API pages this list without an envelope.
const MOST: usize = 100_000;

async fn all(client: &Client) -> Result<Vec<Value>, CliError> {
    client.get(&format!("/collections?limit={MOST}")).await
}
