//! Where a configuration comes from: a file, standard input, or the control plane in use.

use std::path::{Path, PathBuf};

use mke_core::config::{Config, ReadOptions};

use super::super::wait_for;
use super::server::Server;
use super::show;
use crate::error::CliError;
use crate::file::read;
use crate::output::Output;

/// The configuration that a command reads.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    #[command(flatten)]
    from: From,
    /// Let unknown keys through when the file says that it is for a newer version.
    #[arg(long)]
    keep_unknown: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct From {
    /// A configuration file (TOML), `-` for standard input.
    file: Option<PathBuf>,
    /// What is in force on the control plane in use. Secrets are masked there, and `[auth.ldap]` is left out.
    #[arg(long)]
    server: bool,
}

/// A text with the name that messages give it.
pub(in crate::commands) struct Named {
    pub(super) name: String,
    pub(super) text: String,
}

impl Source {
    /// The configuration; mistakes are printed as the result of the command.
    pub(super) fn config(&self, output: &mut Output<'_>) -> Result<Config, CliError> {
        let named = match &self.from.file {
            Some(path) => file(path)?,
            None => Named {
                name: "control plane".to_owned(),
                text: wait_for(async { Server::connect()?.read().await })?.text,
            },
        };
        named.config(self.keep_unknown || self.from.server, output)
    }
}

/// The text of a file, or standard input for `-`.
pub(in crate::commands) fn file(path: &Path) -> Result<Named, CliError> {
    Ok(Named {
        name: path.display().to_string(),
        text: read(path)?,
    })
}

impl Named {
    /// The configuration; mistakes are printed as the result of the command.
    pub(in crate::commands) fn config(
        &self,
        keep_unknown: bool,
        output: &mut Output<'_>,
    ) -> Result<Config, CliError> {
        let options = ReadOptions {
            file: Some(&self.name),
            keep_unknown,
            ..ReadOptions::default()
        };
        match Config::read_export(&self.text, &options) {
            Ok(reading) => Ok(reading.value),
            Err(problems) => Err(show::mistakes(&problems.0, output)?),
        }
    }
}
