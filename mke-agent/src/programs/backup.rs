//! `ucp-agent backup`: gathers what a backup holds, and keeps it in the scratch volume until whoever ordered it has it
//! (container `ucp-backup`). Then, or when nobody comes, the scratch files go.

use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use mke_core::causes::chain;
use tokio::time::timeout;

use super::{ProgramError, asked_to_end};
use crate::agent::node::job::{NODE_VOLUME, VOLUMES};
use crate::agent::store;
use crate::backup::collect::{self, JOB, Job};

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the volumes are mounted, each under its name.
    #[arg(long, default_value = VOLUMES)]
    volumes: PathBuf,
}

/// Does its work and ends.
///
/// # Errors
/// [`ProgramError`] when there is no archive.
pub(super) async fn run(args: Args) -> Result<(), ProgramError> {
    let file = |source| ProgramError::File {
        path: PathBuf::from(JOB),
        source,
    };
    let text = std::fs::read_to_string(JOB).map_err(file)?;
    std::fs::remove_file(JOB).map_err(file)?;
    let job: Job = serde_json::from_str(&text).map_err(ProgramError::failed(
        "the job is none, `ucp` and this program must be of one version",
    ))?;
    let cleared = |doing| ProgramError::failed::<std::io::Error>(doing);
    collect::clear(&args.volumes).map_err(cleared("the scratch volume cannot be used"))?;
    let work = async {
        let store = store::open(&args.volumes.join(NODE_VOLUME), job.members.iter().copied())
            .await
            .map_err(ProgramError::failed("the store cannot be reached"))?;
        collect::collect(&job, &args.volumes, &*store)
            .await
            .map_err(ProgramError::failed("there is no backup"))
    };
    let limit = Duration::from_secs(job.seconds);
    // One listener from the beginning to the end: whoever has the archive says so at once.
    let mut asked = pin!(asked_to_end());
    let made = tokio::select! {
        made = work => Some(made),
        ended = &mut asked => { ended?; None }
    };
    let ended = match made {
        None => Ok(()),
        Some(Ok(archive)) => {
            tracing::info!(files = archive.files.len(), "the archive is ready");
            // Whoever was killed does not say that it is done.
            timeout(limit, asked).await.unwrap_or(Ok(()))
        }
        Some(Err(error)) => Err(error),
    };
    if let Err(error) = collect::clear(&args.volumes) {
        tracing::error!("scratch files could not be removed: {}", chain(&error));
    }
    ended
}
