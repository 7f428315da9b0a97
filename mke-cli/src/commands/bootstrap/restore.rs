//! `ucp restore`: where the archive comes from, and the installation that begins with it; see `mke_agent::backup::restore`.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use mke_agent::backup::restore::{Asked, Refusals, Restore, open, refusals};
use mke_agent::controller::random_password;
use mke_agent::install::images::Pull;
use mke_agent::install::inventory::Inventory;
use mke_agent::install::options::InstallOptions;
use mke_agent::install::preflight::Switches;
use mke_agent::install::swarm::{Swarm, SwarmInfo};
use mke_agent::install::{InstallError, Progress as _, run};
use mke_core::names::AccountName;
use mke_core::pki::SubjectAltName;
use mke_core::product::ImageRef;
use mke_core::secret::Secret;

use super::flags::{LogArgs, TimeoutArgs};
use super::log::Log;
use super::{Failure, begin, broken_off, run_and_owner, told, wait_for};
use crate::commands::login::hidden;
use crate::error::CliError;
use crate::output::Output;

/// Where the archive is mounted when it does not come over standard input.
const MOUNTED: &str = "/config/backup.tar";
/// Largest archive that is read.
const MAX_ARCHIVE: u64 = 1024 * 1024 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogArgs,
    /// Reads the archive that is mounted at /config/backup.tar, and asks for missing values on the terminal.
    #[arg(long, short, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    interactive: bool,
    /// Address or interface for data path traffic.
    #[arg(long)]
    data_path_addr: Option<String>,
    /// Continues although minimum requirements are not met.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    force_minimums: bool,
    /// Restores although image and archive versions differ (tests only).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    force: bool,
    /// Address or interface advertised to other nodes; used for swarm init outside a swarm.
    #[arg(long)]
    host_address: Option<String>,
    /// Decrypts the archive.
    #[arg(long, hide_env_values = true)]
    passphrase: Option<String>,
    /// Additional subject alternative names.
    #[arg(long, value_delimiter = ',')]
    san: Vec<String>,
    /// Port for traffic between swarm nodes.
    #[arg(long, default_value_t = 2377)]
    swarm_grpc_port: u16,
    /// Unlock key of an auto-locked swarm.
    #[arg(long, hide_env_values = true)]
    unlock_key: Option<String>,
    /// Says that the archive comes from a swarm-only cluster, so no Kubernetes images are pulled.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    swarm_only: bool,
    #[command(flatten)]
    timeout: TimeoutArgs,
}

pub(crate) fn run(args: Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let log = args.log.log();
    let outcome = wait_for(restore(args, &log, output));
    told(&log, outcome)
}

async fn restore(mut args: Args, log: &Log, output: &mut Output<'_>) -> Result<(), Failure> {
    let begun = begin(args.log.socket()).await?;
    let names = names(&args.san)?;
    let bytes = match args.interactive {
        true => archive_at(Path::new(MOUNTED))?,
        false => archive_from_stdin()?,
    };
    if args.passphrase.is_none() && args.interactive && mke_agent::backup::openpgp::is_message(&bytes) {
        let given = hidden(output, "Passphrase: ")?;
        args.passphrase = Some(given.expose().to_owned());
    }
    let passphrase = args.passphrase.take().map(Secret::new);
    let archive = open(&bytes, passphrase.as_ref())?;
    let metadata = &archive.metadata;
    log.info(&format!(
        "The archive was made on {} at {} by version {} of cluster {}",
        metadata.node, metadata.made_at, metadata.version, metadata.cluster_id
    ));
    let info = SwarmInfo::read(&begun.daemon).await?;
    let manager = matches!(info.swarm, Swarm::Manager { .. });
    let inventory = Inventory::read(&begun.daemon, manager).await?;
    let asked = Asked {
        swarm_only: args.swarm_only,
        force: args.force,
    };
    let image = |version| ImageRef::new(&begun.own.organisation, "ucp", version).to_string();
    let refused = refusals(&archive, begun.own.version, image, asked, &inventory);
    if !refused.is_empty() {
        return Err(InstallError::Restore(Refusals(refused)).into());
    }
    if metadata.version != begun.own.version {
        log.warn("The archive is of another version and restored all the same, as `--force` says");
    }
    let restore = Restore::of(&archive, names).map_err(InstallError::from)?;
    let same = matches!(&info.swarm, Swarm::Manager { cluster_id, .. } if *cluster_id == restore.cluster_id);
    let (run_name, owner) = run_and_owner();
    let options = InstallOptions {
        settings: Vec::new(),
        // The accounts come from the archive, administrators too; nobody gets these two.
        admin_username: "admin"
            .parse::<AccountName>()
            .map_err(|error| CliError::Failed(error.to_string()))?,
        admin_password: random_password(),
        host_address: args.host_address.filter(|address| !address.is_empty()),
        data_path_address: args.data_path_addr.filter(|address| !address.is_empty()),
        swarm_grpc_port: args.swarm_grpc_port,
        license: restore.license.clone(),
        existing_config: false,
        external_server_cert: false,
        preserve_certs: false,
        skip_cloud: false,
        unlock_key: args.unlock_key.map(Secret::new),
        pull: Pull::Missing,
        credentials: None,
        switches: Switches {
            minimums: args.force_minimums,
            ..Switches::default()
        },
        restore: Some(restore),
        owner,
        run: run_name,
    };
    let (broken, limit) = (broken_off(), args.timeout.timeout.0);
    let late = AtomicBool::new(false);
    let cancelled = async {
        if tokio::time::timeout(limit, broken).await.is_err() {
            late.store(true, Ordering::SeqCst);
        }
    };
    let installed = run::install(&begun.daemon, &begun.own, &options, log, cancelled)
        .await
        .map_err(|error| match error {
            InstallError::BrokenOff if late.load(Ordering::SeqCst) => InstallError::TookTooLong {
                what: "the restore".to_owned(),
                seconds: limit.as_secs(),
                detail: "; give it more time with `--timeout`".to_owned(),
            },
            other => other,
        })?;
    log.info("All Restore Steps Completed");
    for note in notes(same) {
        log.warn(note);
    }
    log.info(&format!(
        "Login to MKE at {} with an account of the backup; instance {}",
        installed.url, installed.instance
    ));
    output.value(&installed.url, String::clone)?;
    Ok(())
}

/// What somebody has to know and do after a restore (RST-005, RST-006).
fn notes(same: bool) -> &'static [&'static str] {
    match same {
        true => &["Sessions have ended, everybody logs in again; client bundles go on working"],
        false => &[
            "This is another swarm than that of the backup, so its authorities are new: client bundles that were made before are \
             not accepted any more, everybody makes a new one",
            "The certificate of the API port is the one of the backup and is not renewed: upload one that names this cluster",
        ],
    }
}

fn names(given: &[String]) -> Result<Vec<String>, CliError> {
    let names: Vec<String> = given.iter().filter(|name| !name.is_empty()).cloned().collect();
    match names
        .iter()
        .find_map(|name| Some((name, name.parse::<SubjectAltName>().err()?)))
    {
        None => Ok(names),
        Some((name, error)) => Err(CliError::Usage(format!("--san: `{name}`: {error}"))),
    }
}

fn archive_at(path: &Path) -> Result<Vec<u8>, CliError> {
    let file = std::fs::File::open(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => CliError::Usage(format!(
            "there is no archive at {MOUNTED}: add `--volume /tmp/backup.tar:{MOUNTED}` to `docker run`, or leave out \
             --interactive and give the archive as `< backup.tar`"
        )),
        _ => CliError::file("cannot read the archive", path)(source),
    })?;
    read(file)
}

fn archive_from_stdin() -> Result<Vec<u8>, CliError> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Err(CliError::Usage(format!(
            "no archive is given: add `< backup.tar` and run the container with `--interactive` alone, or mount it at {MOUNTED} \
             and give --interactive"
        )));
    }
    read(stdin.lock())
}

fn read(source: impl io::Read) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    source
        .take(MAX_ARCHIVE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::Failed(format!("cannot read the archive: {error}")))?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= MAX_ARCHIVE => Ok(bytes),
        _ => Err(CliError::Usage("the archive is larger than 1 GiB".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RST-001, RST-005: what is read, and which names a certificate can have.
    #[test]
    fn what_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("backup.tar");
        let refused = archive_at(&path).unwrap_err().to_string();
        assert!(refused.contains(MOUNTED), "{refused}");
        std::fs::write(&path, "bytes").unwrap();
        assert_eq!(archive_at(&path).unwrap(), b"bytes");
        assert!(archive_at(dir.path()).is_err());
        let given = ["mke.example.com", "10.0.0.1", ""].map(str::to_owned);
        assert_eq!(names(&given).unwrap(), ["mke.example.com", "10.0.0.1"]);
        assert!(names(&["a..b".to_owned()]).is_err());
    }
}
