//! `ucp bundle`: client bundles for `docker` and `kubectl`.

use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use clap::Subcommand;
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
                    let zip = client.send(Method::POST, &path, None).await?;
                    std::io::Write::write_all(&mut target, &zip)
                        .map_err(CliError::file("cannot write", file))?;
                    None
                }
                None => Some(client.send(Method::POST, &path, None).await?),
            };
            if let (Some(directory), Some(zip)) = (&directory, zip) {
                unpack(&zip, directory)?;
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

fn prepare(directory: &Path) -> Result<(), CliError> {
    let mut builder = std::fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(CliError::file("cannot create", directory))?;
    let mut entries = std::fs::read_dir(directory).map_err(CliError::file("cannot read", directory))?;
    if entries.next().is_some() {
        return Err(CliError::Usage(format!(
            "{} is not empty, choose another directory",
            directory.display()
        )));
    }
    Ok(())
}

fn create_private(path: &Path) -> Result<std::fs::File, CliError> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(CliError::file("cannot create", path))
}

/// Largest entry of a bundle: far above a long certificate chain.
const MAX_ENTRY_BYTES: u64 = 1024 * 1024;

/// Unpacks the archive. Names that would leave the directory are refused before anything is written.
fn unpack(zip: &[u8], directory: &Path) -> Result<(), CliError> {
    let bad = |reason: String| CliError::BadAnswer {
        path: "/api/clientbundle".to_owned(),
        reason,
    };
    let mut archive =
        zip::ZipArchive::new(std::io::Cursor::new(zip)).map_err(|error| bad(error.to_string()))?;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| bad(error.to_string()))?;
        let shown = entry.name().map_err(|error| bad(error.to_string()))?.into_owned();
        let name = PathBuf::from(&shown);
        if entry.is_dir() {
            continue;
        }
        if name.as_os_str().is_empty() || !name.components().all(|part| matches!(part, Component::Normal(_)))
        {
            return Err(bad(format!(
                "entry name `{}` leaves the directory",
                shown.escape_default()
            )));
        }
        let mut content = Vec::new();
        entry
            .take(MAX_ENTRY_BYTES + 1)
            .read_to_end(&mut content)
            .map_err(|error| bad(format!("damaged entry: {error}")))?;
        if content.len() as u64 > MAX_ENTRY_BYTES {
            return Err(bad(format!("entry `{}` is too large", name.display())));
        }
        entries.push((directory.join(name), content));
    }
    for (path, content) in entries {
        if let Some(parent) = path.parent() {
            let mut builder = std::fs::DirBuilder::new();
            builder
                .recursive(true)
                .mode(0o700)
                .create(parent)
                .map_err(CliError::file("cannot create", parent))?;
        }
        let mut file = create_private(&path)?;
        std::io::Write::write_all(&mut file, &content).map_err(CliError::file("cannot write", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn zip_of(name: &str) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let stored =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        writer.start_file("ok.txt", stored).unwrap();
        writer.write_all(b"fine").unwrap();
        writer.start_file(name, stored).unwrap();
        writer.write_all(b"x").unwrap();
        writer.finish().unwrap().into_inner()
    }

    /// archive-12: no entry can be written outside, and then nothing is written at all.
    #[test]
    fn entries_stay_inside() {
        for name in ["../evil", "/etc/evil", "a/../../evil"] {
            let dir = tempfile::tempdir().unwrap();
            assert!(unpack(&zip_of(name), dir.path()).is_err(), "{name}");
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        }
        let dir = tempfile::tempdir().unwrap();
        unpack(&zip_of("tls/docker/key.pem"), dir.path()).unwrap();
        assert!(dir.path().join("tls/docker/key.pem").exists());
    }

    /// A directory that already holds something is refused before a key is made.
    #[test]
    fn only_an_empty_directory() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("x"), "x").unwrap();
        assert!(matches!(prepare(dir.path()), Err(CliError::Usage(_))));
    }
}
