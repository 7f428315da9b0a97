//! `ucp config history`: who changed the control plane's configuration, when, why and what.

use super::server::Server;
use super::show;
use crate::error::CliError;
use crate::output::{Output, Style};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Show what this version changed, instead of the list.
    version: Option<u64>,
    /// Show what would change if this other version, or `current`, took its place.
    #[arg(long, requires = "version", value_name = "VERSION")]
    against: Option<String>,
    /// Print the file of the version; secrets are masked.
    #[arg(long, requires = "version", conflicts_with = "against")]
    file: bool,
    /// At most so many versions, the newest first.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=100))]
    limit: u64,
}

pub(super) async fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let server = Server::connect()?;
    let Some(version) = args.version else {
        let history = server.history(args.limit).await?;
        let header = ["VERSION", "WHEN", "BY", "KEYS", "WHY"];
        return output.table(&history.versions, header, |entry| {
            let mark = if entry.version == history.current { "*" } else { "" };
            [
                format!("{}{mark}", entry.version),
                entry.at.clone(),
                entry.by.clone(),
                entry.differences.to_string(),
                entry.why.clone(),
            ]
        });
    };
    let past = server.version(version, args.against.as_deref()).await?;
    if args.file {
        return output.data(&past.text);
    }
    output.styled(&past, |past| {
        let mut text = show::changes(&past.differences);
        if past.differences.is_empty() {
            text.add(Style::Plain, "no key is different\n");
        }
        text
    })?;
    output.remark(&format!(
        "version {} by {} at {}: {}",
        past.version, past.by, past.at, past.why
    ));
    Ok(())
}
