//! `ucp bundle`: client bundles for `docker` and `kubectl`.

use std::path::PathBuf;

use clap::Subcommand;
use mke_client::Bundle;
use mke_client::bundle::{create_private, prepare};
use reqwest::Method;
use serde_json::Value;

use super::names::text;
use crate::api::{Client, escape};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a bundle for yourself: a new key, shown once and kept nowhere else.
    Create {
        /// Unpack it into this new or empty directory.
        #[arg(long, required_unless_present = "file", conflicts_with = "file")]
        directory: Option<PathBuf>,
        /// Write the zip archive to this new file.
        #[arg(long)]
        file: Option<PathBuf>,
        /// A label to know it by.
        #[arg(long, default_value = "")]
        label: String,
    },
    /// List the bundles of an account by their public keys.
    List {
        /// Name or id of the account, yourself by default.
        account: Option<String>,
    },
    /// Remove a bundle's public key: the bundle stops working at once.
    Remove {
        /// The key's id from `ucp bundle list`.
        key: String,
        /// Name or id of the account, yourself by default.
        #[arg(long)]
        account: Option<String>,
    },
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Create {
            directory,
            file,
            label,
        } => {
            // Where it goes is checked first: the key in the answer cannot be had twice.
            if let Some(directory) = &directory {
                prepare(directory)?;
            }
            let path = format!("/api/clientbundle?label={}", escape(&label));
            let zip = match &file {
                Some(file) => {
                    let mut target = create_private(file)?;
                    let zip = client.send(Method::POST, &path).await?;
                    std::io::Write::write_all(&mut target, &zip)
                        .map_err(CliError::file("cannot write", file))?;
                    None
                }
                None => Some(client.send(Method::POST, &path).await?),
            };
            if let (Some(directory), Some(zip)) = (&directory, zip) {
                Bundle::parse("/api/clientbundle", &zip)?.unpack(directory)?;
                output.remark(&format!(
                    "unpacked; now run: cd {} && . ./env.sh",
                    directory.display()
                ));
            }
            Ok(())
        }
        Command::List { account } => {
            let account = owner(client, account).await?;
            let path = format!("/accounts/{}/publicKeys", escape(&account));
            let keys = client.list(&path, "accountPublicKeys").await?;
            output.table(&keys, ["KEY", "LABEL"], |key| {
                [text(key, "id"), text(key, "label")]
            })
        }
        Command::Remove { key, account } => {
            let account = owner(client, account).await?;
            let path = format!("/accounts/{}/publicKeys/{}", escape(&account), escape(&key));
            client.call(Method::DELETE, &path).await?;
            output.remark(&format!("removed key {key}"));
            Ok(())
        }
    }
}

async fn owner(client: &Client, account: Option<String>) -> Result<String, CliError> {
    match account {
        Some(account) => Ok(account),
        None => client
            .get::<Value>("/id/")
            .await
            .map(|account| text(&account, "id")),
    }
}
