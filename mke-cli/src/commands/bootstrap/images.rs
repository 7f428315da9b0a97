//! `ucp images`: lists, pulls or loads the images of a cluster.

use std::path::PathBuf;

use mke_agent::controller::body::{Body, BoxError};
use mke_agent::install::{Progress as _, images};
use mke_core::product::ImageSet;

use super::flags::{LogArgs, RegistryArgs};
use super::log::Log;
use super::{Failure, begin, told, wait_for};
use crate::error::CliError;
use crate::output::Output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// List the images instead of pulling.
    #[arg(long)]
    list: bool,
    /// List the Windows images.
    #[arg(long)]
    enable_windows: bool,
    /// Restrict the set to swarm-only mode.
    #[arg(long)]
    swarm_only: bool,
    /// Load images from an archive of `docker save` instead of pulling them.
    #[arg(long, hide = true, conflicts_with = "list")]
    load: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let log = args.log.log();
    let outcome = wait_for(images(args, &log, output));
    told(&log, outcome)
}

async fn images(args: &Args, log: &Log, output: &mut Output<'_>) -> Result<(), Failure> {
    let credentials = args.registry.credentials()?;
    let begun = begin(args.log.socket()).await?;
    let set = |windows| ImageSet {
        swarm_only: args.swarm_only,
        windows,
    };
    let linux = images::list(&begun.own, set(false));
    if args.list {
        let mut shown = linux;
        if args.enable_windows {
            shown.extend(images::list(&begun.own, set(true)));
        }
        // One name on each line and nothing else: installers read it.
        output.value(&shown, |names| names.join("\n"))?;
        return Ok(());
    }
    if let Some(file) = &args.load {
        let archive = tokio::fs::File::open(file)
            .await
            .map_err(CliError::file("cannot read", file))?;
        let loaded = begun.daemon.load(streamed(archive)).await?;
        for name in images::loaded(&loaded) {
            log.info(&format!("Loaded {name}"));
        }
    }
    images::ensure(
        &begun.daemon,
        &linux,
        args.registry.pull.into(),
        credentials.as_deref(),
        log,
    )
    .await?;
    log.info("All required images are present");
    Ok(())
}

/// A file as a body that is read while it is sent.
fn streamed(file: tokio::fs::File) -> Body {
    use futures_util::TryStreamExt as _;
    use http_body_util::{BodyExt as _, StreamBody};
    let chunks = tokio_util::io::ReaderStream::new(file);
    let frames = chunks.map_ok(hyper::body::Frame::data).map_err(BoxError::from);
    StreamBody::new(frames).boxed_unsync()
}
