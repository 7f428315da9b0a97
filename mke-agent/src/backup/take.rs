//! Taking a backup, seen from the bootstrapper: one at a time, on one manager, while everything goes on (BKP-001, BKP-008). A
//! container beside the volumes gathers the archive; what was made on the way is gone at the end, however it ends.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::causes::chain;
use mke_core::product::{ProductVersion, Role, labels, objects, volumes_of};
use mke_core::time::{Clock as _, SystemClock};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

use super::archive::Archive;
use super::collect::{ARCHIVE, JOB, Job, SCRATCH};
use crate::agent::node::job::VOLUMES;
use crate::engine::EngineError;
use crate::install::inventory::{Inventory, Kind, RUN};
use crate::install::lock::{self, Lock, Mark};
use crate::install::swarm::{Swarm, SwarmInfo};
use crate::install::{Daemon, InstallError, Own, Progress};

/// The container beside the volumes.
const CONTAINER: &str = "ucp-backup";
/// What the mark of the cluster calls this.
const OPERATION: &str = "backup";
/// Largest archive: it is kept in memory for a moment, here and in the container.
const MAX_ARCHIVE: usize = 512 * 1024 * 1024;
/// How often one looks.
const LOOK: Duration = Duration::from_millis(200);
/// How long the container may take to end.
const ENDING: Duration = Duration::from_secs(20);
/// How many lines of the container's log are told when it fails.
const LAST_WORDS: usize = 6;
/// How many steps there are.
const STEPS: usize = 6;

/// What a backup is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupOptions {
    /// How long all of it may take.
    pub limit: Duration,
    /// Who runs this, for others who want to.
    pub owner: String,
    /// Names this run.
    pub run: String,
}

/// An archive and its bytes.
#[derive(Debug)]
pub struct Taken {
    /// What is in it.
    pub archive: Archive,
    /// The tar file.
    pub packed: Vec<u8>,
}

/// Takes a backup. `write` gets it, on a thread of its own, and puts it where it shall be; the backup is over when that is done.
/// `cancelled` ends it early.
///
/// # Errors
/// [`InstallError`]; scratch files are gone, and nothing else was made here. What `write` has written by then is its own.
pub async fn backup(
    daemon: &Daemon,
    own: &Own,
    options: &BackupOptions,
    progress: &dyn Progress,
    cancelled: impl Future<Output = ()>,
    write: impl FnOnce(Taken) -> Result<(), String> + Send + 'static,
) -> Result<(), InstallError> {
    let backup = Backup {
        daemon,
        own,
        options,
        progress,
    };
    progress.step(1, STEPS, "Check the Cluster");
    let site = backup.site().await?;
    let mark = Mark {
        operation: OPERATION.to_owned(),
        run: options.run.clone(),
        owner: options.owner.clone(),
        instance: site.cluster_id.clone(),
        swarm_made: false,
    };
    progress.step(2, STEPS, "Mark the Cluster as Being Backed Up");
    // What an installation or an upgrade that was broken off left is theirs: it tells that they have to go on.
    if let Some(other) = lock::current(daemon).await?
        && other.operation != OPERATION
    {
        return Err(InstallError::Locked {
            operation: other.operation,
            owner: other.owner,
        });
    }
    let lock = Lock::take(daemon, mark).await.map_err(|error| match error {
        InstallError::Locked { operation, owner } if operation == OPERATION => {
            InstallError::BackupInProgress { owner }
        }
        other => other,
    })?;
    if let Some(other) = &lock.abandoned {
        progress.warn(&format!(
            "{} by {} was broken off; what it left is removed",
            other.operation, other.owner
        ));
    }
    let end = Instant::now() + options.limit;
    // What the engine is asked to make is made, whether somebody waits for it or not: so this is waited for.
    let ended = match backup.create(&site).await {
        Err(error) => Err(error),
        Ok(archive) => tokio::select! {
            ended = timeout_at(end, backup.steps(&archive, write)) => ended.unwrap_or_else(|_| Err(too_long(options))),
            () = cancelled => Err(InstallError::BrokenOff),
        },
    };
    progress.step(6, STEPS, "Remove Scratch Files");
    let removed = backup.remove().await;
    let released = lock.release().await;
    match (ended, removed.and(released)) {
        (Ok(()), outcome) => outcome,
        (Err(error), Ok(())) => Err(error),
        (Err(error), Err(other)) => {
            progress.warn(&chain(&other));
            Err(error)
        }
    }
}

fn too_long(options: &BackupOptions) -> InstallError {
    InstallError::TookTooLong {
        what: "the backup".to_owned(),
        seconds: options.limit.as_secs(),
        detail: "; give it more time with `--timeout`".to_owned(),
    }
}

/// A backup under way.
struct Backup<'b> {
    daemon: &'b Daemon,
    own: &'b Own,
    options: &'b BackupOptions,
    progress: &'b dyn Progress,
}

/// The manager on which it runs.
struct Site {
    cluster_id: String,
    hostname: String,
    members: Vec<IpAddr>,
    license: Option<String>,
}

impl Backup<'_> {
    /// Whether this is a manager of a cluster of this version.
    async fn site(&self) -> Result<Site, InstallError> {
        let info = SwarmInfo::read(self.daemon).await?;
        let Swarm::Manager {
            cluster_id, address, ..
        } = &info.swarm
        else {
            return Err(InstallError::Swarm(
                "this engine is no manager of a swarm; run this on a manager of the cluster".to_owned(),
            ));
        };
        let inventory = Inventory::read(self.daemon, true).await?;
        let service = inventory.named(Kind::Service, "ucp-manager-agent");
        if !service.is_some_and(|service| service.is_of(cluster_id)) {
            return Err(InstallError::NotInstalled);
        }
        if let Some(installed) = inventory.installed_version(cluster_id)
            && installed.parse::<ProductVersion>().ok() != Some(self.own.version)
        {
            return Err(InstallError::OtherVersion {
                installed: installed.to_owned(),
                own: self.own.version.to_string(),
            });
        }
        let others = inventory.nodes.iter().filter(|node| node.manager);
        let others = others.filter_map(|node| node.address.parse().ok());
        let mut members: Vec<IpAddr> = address.parse().into_iter().collect();
        for other in others {
            if !members.contains(&other) {
                members.push(other);
            }
        }
        Ok(Site {
            cluster_id: cluster_id.clone(),
            hostname: info.text("/Name").to_owned(),
            members,
            license: self.license(&inventory).await?,
        })
    }

    /// The licence that counts: the newest of the swarm's objects.
    async fn license(&self, inventory: &Inventory) -> Result<Option<String>, InstallError> {
        let newest = inventory
            .of_kind(Kind::Config)
            .filter_map(|object| Some((objects::version_of(objects::LICENSE, &object.name)?, object)))
            .max_by_key(|(number, _)| *number);
        let Some((_, object)) = newest else {
            return Ok(None);
        };
        let object = self.daemon.get(&format!("/configs/{}", object.id)).await?;
        let data = object.pointer("/Spec/Data").and_then(Value::as_str);
        let bytes = data.and_then(|data| STANDARD.decode(data).ok());
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    async fn steps(
        &self,
        path: &str,
        write: impl FnOnce(Taken) -> Result<(), String> + Send + 'static,
    ) -> Result<(), InstallError> {
        self.progress.step(3, STEPS, "Collect Volumes and Store");
        self.collected(path).await?;
        self.progress.step(4, STEPS, "Read the Archive");
        let packed = self
            .daemon
            .read_large_file(CONTAINER, path, MAX_ARCHIVE)
            .await?
            .ok_or_else(|| InstallError::System(format!("`{path}` is gone from container `{CONTAINER}`")))?;
        let archive = Archive::unpack(&packed)?;
        self.progress.info(&format!(
            "{} files, {} bytes, revision {} of the store",
            archive.files.len() + 2,
            packed.len(),
            archive.metadata.revision
        ));
        self.progress.step(5, STEPS, "Write the Backup");
        let (done, written) = oneshot::channel();
        // Whoever reads the other end may do that as slowly as they like, also never: nobody here waits in a write.
        std::thread::spawn(move || {
            // The other end is gone when this run was broken off.
            let _ = done.send(write(Taken { archive, packed }));
        });
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(InstallError::System(why)),
            Err(_) => Err(InstallError::System("the backup could not be written".to_owned())),
        }
    }

    /// Makes the container that gathers everything, and says where in it the archive will be.
    async fn create(&self, site: &Site) -> Result<String, InstallError> {
        self.remove_old(&site.cluster_id).await?;
        let made_at = SystemClock.now();
        let job = Job {
            id: made_at.as_millis().to_string(),
            made_at,
            cluster_id: site.cluster_id.clone(),
            version: self.own.version,
            node: site.hostname.clone(),
            members: site.members.clone(),
            license: site.license.clone(),
            seconds: self.options.limit.as_secs().max(1),
        };
        let mounts = volumes_of(Role::Manager).map(|volume| {
            json!({
                "Type": "volume", "Source": volume.name, "Target": format!("{VOLUMES}/{}", volume.name),
                "ReadOnly": volume.name != SCRATCH,
            })
        });
        let body = json!({
            "Image": self.own.image("ucp-agent"),
            "Entrypoint": ["/bin/ucp-agent"],
            "Cmd": ["backup"],
            "Env": [format!("UCP_VERSION={}", self.own.version)],
            "Labels": {
                labels::INSTANCE_ID: site.cluster_id,
                labels::VERSION: self.own.version.to_string(),
                RUN: self.options.run,
            },
            "HostConfig": { "Mounts": mounts.collect::<Vec<_>>(), "SecurityOpt": ["no-new-privileges"] },
        });
        let path = format!("/containers/create?name={CONTAINER}");
        self.daemon
            .post("cannot create container `ucp-backup`", &path, &body)
            .await?;
        let text = serde_json::to_vec(&job).map_err(|error| InstallError::System(error.to_string()))?;
        self.daemon.put_file(CONTAINER, JOB, 0o600, &text).await?;
        Ok(format!("{VOLUMES}/{SCRATCH}/{}/{ARCHIVE}", job.id))
    }

    /// Lets the container work until the archive is there.
    async fn collected(&self, archive: &str) -> Result<(), InstallError> {
        let path = format!("/containers/{CONTAINER}/start");
        self.daemon
            .post("cannot start container `ucp-backup`", &path, &Value::Null)
            .await?;
        loop {
            if self.daemon.has_path(CONTAINER, archive).await? {
                return Ok(());
            }
            let state = self.daemon.get(&format!("/containers/{CONTAINER}/json")).await?;
            if state.pointer("/State/Running") != Some(&Value::Bool(true)) {
                let log = self.daemon.log("containers", CONTAINER, LAST_WORDS).await;
                return Err(InstallError::Program {
                    what: format!("container `{CONTAINER}`"),
                    code: state
                        .pointer("/State/ExitCode")
                        .and_then(Value::as_i64)
                        .unwrap_or(-1),
                    log: log.unwrap_or_default(),
                });
            }
            sleep(LOOK).await;
        }
    }

    /// Removes the container of a run that was killed. One of somebody else is left alone.
    async fn remove_old(&self, cluster_id: &str) -> Result<(), InstallError> {
        let Some(found) = self.daemon.find(&format!("/containers/{CONTAINER}/json")).await? else {
            return Ok(());
        };
        let instance = found
            .pointer("/Config/Labels")
            .and_then(|all| all.get(labels::INSTANCE_ID));
        if instance.and_then(Value::as_str) != Some(cluster_id) {
            return Err(InstallError::AlreadyThere(format!(
                "a container with the name `{CONTAINER}` is there that is not ours; give it another name with `docker rename`"
            )));
        }
        self.end().await
    }

    /// Takes away what this run has made.
    async fn remove(&self) -> Result<(), InstallError> {
        let found = self.daemon.find(&format!("/containers/{CONTAINER}/json")).await?;
        let run = found
            .as_ref()
            .and_then(|found| found.pointer("/Config/Labels")?.get(RUN)?.as_str());
        match run == Some(self.options.run.as_str()) {
            true => self.end().await,
            false => Ok(()),
        }
    }

    /// Asks the container to end, which removes its scratch files, and removes it. It is asked again and again: a program that has
    /// only just begun hears nothing.
    async fn end(&self) -> Result<(), InstallError> {
        let doing = "cannot end container `ucp-backup`";
        let until = Instant::now() + ENDING;
        let path = format!("/containers/{CONTAINER}/kill?signal=SIGTERM");
        while Instant::now() < until {
            match self.daemon.post(doing, &path, &Value::Null).await {
                Ok(_) => sleep(LOOK).await,
                // It has ended, or it is gone.
                Err(InstallError::Engine {
                    source: EngineError::Refused { status, .. },
                    ..
                }) if status.is_client_error() => break,
                Err(error) => return Err(error),
            }
        }
        let path = format!("/containers/{CONTAINER}?force=1");
        self.daemon.delete(doing, &path).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::Silent;
    use crate::install::played::{Asked, Played};

    const MANAGER: &str = r#"{"Name":"n1","Swarm":{"LocalNodeState":"active","ControlAvailable":true,"NodeID":"n",
        "NodeAddr":"10.0.0.1","Cluster":{"ID":"c"}}}"#;
    const SERVICES: &str = r#"[{"ID":"s","Spec":{"Name":"ucp-manager-agent","Labels":
        {"com.docker.ucp.InstanceID":"c","com.docker.ucp.version":"3.4.15"}}}]"#;
    const UPGRADE: &str = r#"{"ID":"l","Version":{"Index":1},"Spec":{"Name":"com.docker.ucp.lock","Labels":
        {"com.docker.ucp.operation":"upgrade","com.docker.ucp.owner":"somebody"}}}"#;

    /// What comes of a backup with this version on an engine that answers so, and whether the engine was only asked.
    async fn outcome(patch: u16, answers: fn(&Asked) -> Option<&'static str>) -> (InstallError, bool) {
        let engine = Played::start(answers);
        let own = Own {
            organisation: "mirantis".to_owned(),
            version: ProductVersion::new(3, 4, patch),
            container: None,
        };
        let options = BackupOptions {
            limit: Duration::from_secs(60),
            owner: "me".to_owned(),
            run: "r".to_owned(),
        };
        let never = std::future::pending();
        let ended = backup(&engine.daemon, &own, &options, &Silent, never, |_| Ok(())).await;
        let changed = engine.asked().iter().any(|asked| !asked.what.starts_with("GET "));
        (ended.unwrap_err(), !changed)
    }

    /// BKP-001, BKP-008: a backup is made on a manager of a cluster, with the image of its version; the mark of an upgrade that
    /// runs, or that was broken off and has to go on, stays as it is. Nothing is changed by a refusal.
    #[tokio::test]
    async fn what_is_refused() {
        let marked = |asked: &Asked| match &asked.what {
            what if what.contains("/info") => Some(MANAGER),
            what if what.contains("/services") => Some(SERVICES),
            what if what.contains("com.docker.ucp.lock") => Some(UPGRADE),
            what if what.contains("/volumes") => Some("{}"),
            _ => Some("[]"),
        };
        let (error, untouched) = outcome(15, marked).await;
        assert!(
            matches!(&error, InstallError::Locked { operation, owner } if operation == "upgrade" && owner == "somebody"),
            "{error:?}"
        );
        assert!(untouched);
        let (error, untouched) = outcome(14, marked).await;
        assert!(error.to_string().contains("image of version 3.4.15"), "{error}");
        assert!(untouched);
        let (error, untouched) = outcome(15, |asked| match &asked.what {
            what if what.contains("/info") => Some(MANAGER),
            what if what.contains("/volumes") => Some("{}"),
            _ => Some("[]"),
        })
        .await;
        assert!(
            matches!(error, InstallError::NotInstalled) && untouched,
            "{error:?}"
        );
        let worker = |asked: &Asked| match asked.what.contains("/info") {
            true => Some(r#"{"Swarm":{"LocalNodeState":"active"}}"#),
            false => Some("[]"),
        };
        let (error, untouched) = outcome(15, worker).await;
        assert!(error.to_string().contains("no manager") && untouched, "{error}");
    }
}
