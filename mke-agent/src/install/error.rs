//! Why the bootstrapper did not do what it was asked.

use mke_core::causes::chain;
use mke_core::config::Problems;
use mke_core::pki::PkiError;
use mke_core::product::{UpgradeRefused, VersionError};

use super::handover::HandoverError;
use super::preflight::Findings;
use crate::backup::ArchiveError;
use crate::backup::restore::Refusals;
use crate::engine::EngineError;

/// Why installing, upgrading or removing stopped.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The socket may not be opened. On SELinux hosts that is the container's label (CLI-005).
    #[error(
        "unable to get valid Docker client: permission denied on `{socket}`; run this as root or as a member of the group \
         that owns it, and in a container on a host with SELinux add `--security-opt label=disable` to `docker run`"
    )]
    SocketDenied {
        /// The socket.
        socket: String,
    },
    /// No socket.
    #[error(
        "unable to get valid Docker client: nothing at `{socket}`; start the engine, and in a container add \
         `-v /var/run/docker.sock:/var/run/docker.sock` to `docker run`"
    )]
    NoSocket {
        /// The socket.
        socket: String,
    },
    /// The engine.
    #[error("{doing}")]
    Engine {
        /// What was being done, with the object's name.
        doing: String,
        /// What the engine said.
        #[source]
        source: EngineError,
    },
    /// The container that this runs in has another name (CLI-003).
    #[error(
        "this container must be named `ucp`: add `--name ucp` to `docker run`, and remove what is left of an earlier run"
    )]
    ContainerName,
    /// An image name that fits nothing.
    #[error("`{0}` is no image of this product, use `<organisation>/ucp:<version>`")]
    Image(String),
    /// A version that is none.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The node is no manager, or the swarm cannot be asked.
    #[error("{0}")]
    Swarm(String),
    /// The whole product is there already.
    #[error(
        "MKE {version} is already installed on this swarm as instance {instance} on {nodes} nodes; use `upgrade` for another \
         version, or `uninstall-ucp` first"
    )]
    AlreadyInstalled {
        /// Its version.
        version: String,
        /// The instance.
        instance: String,
        /// How many nodes the swarm has.
        nodes: usize,
    },
    /// Something is there already.
    #[error("{0}")]
    AlreadyThere(String),
    /// A store whose key is lost: whoever opened it would have old accounts and could read no secret.
    #[error(
        "volume {volume} holds the store of an earlier installation, whose key is lost; keep a copy if you need one, and remove \
         it with `docker volume rm {volume}`"
    )]
    OldStore {
        /// Where.
        volume: &'static str,
    },
    /// Nothing is there.
    #[error("no MKE instance was found on this engine; run this on a manager of the cluster")]
    NotInstalled,
    /// Another instance than the one that was named.
    #[error(
        "this is instance `{found}`, not `{asked}`: nothing was done; give `--id {found}` if this is the one"
    )]
    OtherInstance {
        /// What is here.
        found: String,
        /// What was named.
        asked: String,
    },
    /// Another run works on this cluster.
    #[error(
        "{operation} of this cluster runs already, started by {owner}; wait for it, or if that machine is gone remove \
         the mark with `docker config rm com.docker.ucp.lock`"
    )]
    Locked {
        /// `install`, `upgrade` or `uninstall`.
        operation: String,
        /// Who.
        owner: String,
    },
    /// Another backup runs (BKP-008).
    #[error("another backup is in progress, started by {owner}; wait until it has ended")]
    BackupInProgress {
        /// Who.
        owner: String,
    },
    /// A backup with the image of another version: nobody could restore it.
    #[error(
        "the cluster has version {installed}, this is {own}: make the backup with the image of version {installed}"
    )]
    OtherVersion {
        /// What is installed.
        installed: String,
        /// What this is.
        own: String,
    },
    /// An archive that cannot be used.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A restore that is refused.
    #[error("{0}")]
    Restore(Refusals),
    /// Checks found what stops it.
    #[error("{0}")]
    Checks(Findings),
    /// The configuration.
    #[error("the configuration is not valid: {0}")]
    Configuration(Problems),
    /// A flag.
    #[error("{flag}: {reason}")]
    Flag {
        /// The flag, such as `--admin-username`.
        flag: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The licence.
    #[error("the licence cannot be used: {0}")]
    License(String),
    /// `--existing-config` without one.
    #[error(
        "there is no config object `com.docker.ucp.config` to begin with; make one with \
         `docker config create com.docker.ucp.config FILE`, or leave out `--existing-config`"
    )]
    NoExistingConfig,
    /// The versions do not allow it.
    #[error(transparent)]
    Upgrade(#[from] UpgradeRefused),
    /// Somebody asked to stop.
    #[error("it was broken off")]
    BrokenOff,
    /// Images that are not there.
    #[error("these images are neither on this engine nor could they be pulled: {0}")]
    Images(String),
    /// Certificates.
    #[error("certificates cannot be made")]
    Pki(#[from] PkiError),
    /// The handover.
    #[error(transparent)]
    Handover(#[from] HandoverError),
    /// A container that should have done something ended with an error.
    #[error("{what} failed with exit code {code}{}:\n{log}", remedy(log))]
    Program {
        /// Which container.
        what: String,
        /// Its code.
        code: i64,
        /// The end of its log.
        log: String,
    },
    /// Something did not happen in time.
    #[error("{what} took longer than {seconds} s{detail}")]
    TookTooLong {
        /// What.
        what: String,
        /// The limit.
        seconds: u64,
        /// What is known about it, beginning with `: `; or nothing.
        detail: String,
    },
    /// The system gave no random numbers, or a file could not be packed.
    #[error("{0}")]
    System(String),
    /// Failed, and not all of it could be undone.
    #[error(
        "{}\nwhat was made could not be removed completely: once the engine answers, run this again or `uninstall-ucp`, which \
         clean up first, or remove by hand: {left}",
        chain(&**failure)
    )]
    NotUndone {
        /// Why it failed.
        failure: Box<InstallError>,
        /// What is left.
        left: String,
    },
}

impl InstallError {
    /// For `map_err` on calls to the engine.
    pub(super) fn engine(doing: impl Into<String>) -> impl FnOnce(EngineError) -> Self {
        let doing = doing.into();
        move |source| Self::Engine { doing, source }
    }
}

/// What helps against a failure that a program's log tells of, beginning with `; `; or nothing.
fn remedy(log: &str) -> &'static str {
    match log.contains("No space left on device") || log.contains("no space left on device") {
        true => {
            "; its disk is full: make room in the engine's data directory, which `docker info` names, then run this again"
        }
        false => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// INST-001: a full disk is named with its remedy before the log in which it stands.
    #[test]
    fn a_full_disk() {
        let failed = |log: &str| {
            let what = "container `ucp-reconcile`".to_owned();
            InstallError::Program {
                what,
                code: 1,
                log: log.to_owned(),
            }
            .to_string()
        };
        let told = failed("key.pem cannot be used: No space left on device (os error 28)");
        assert!(
            told.starts_with(
                "container `ucp-reconcile` failed with exit code 1; its disk is full: make room"
            ),
            "{told}"
        );
        assert_eq!(
            failed("other"),
            "container `ucp-reconcile` failed with exit code 1:\nother"
        );
    }
}
