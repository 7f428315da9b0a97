//! One run at a time: a config object of the swarm, whose name can be taken once. It tells who works on the cluster.
//!
//! A run renews its mark; one that does not change any more was left by a run that was killed, and the next run takes it
//! over and learns what the other one may have left. No clock is compared: only whether the mark changes.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::product::labels;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::daemon::Daemon;
use super::error::InstallError;
use super::inventory::{RUN, texts};

/// The config object.
pub const NAME: &str = "com.docker.ucp.lock";
/// Label: `install`, `restore`, `upgrade`, `uninstall` or `backup`.
pub const OPERATION: &str = "com.docker.ucp.operation";
/// Label: who runs it, for people.
const OWNER: &str = "com.docker.ucp.owner";
/// Label: how often the mark was renewed.
const RENEWED: &str = "com.docker.ucp.renewed";
/// Label: whether this run made the swarm, so that undoing it ends the swarm too.
const SWARM_MADE: &str = "com.docker.ucp.swarm-made";

/// How often a mark is renewed.
const RENEW: Duration = Duration::from_millis(1500);
/// A mark that does not change for so long belongs to nobody.
const STALE: Duration = Duration::from_secs(8);
/// How often one looks whether it changes.
const LOOK: Duration = Duration::from_millis(500);

/// What a mark says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// `install`, `restore`, `upgrade`, `uninstall` or `backup`.
    pub operation: String,
    /// The run.
    pub run: String,
    /// Who, for people.
    pub owner: String,
    /// The swarm's id.
    pub instance: String,
    /// Whether the run made the swarm.
    pub swarm_made: bool,
}

impl Mark {
    fn labels(&self, renewed: u64) -> BTreeMap<String, String> {
        [
            (OPERATION, self.operation.clone()),
            (RUN, self.run.clone()),
            (OWNER, self.owner.clone()),
            (labels::INSTANCE_ID, self.instance.clone()),
            (SWARM_MADE, self.swarm_made.to_string()),
            (RENEWED, renewed.to_string()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }

    fn of(config: &Value) -> Self {
        let labels = texts(config.pointer("/Spec/Labels"));
        let text = |key: &str| labels.get(key).cloned().unwrap_or_default();
        Self {
            operation: text(OPERATION),
            run: text(RUN),
            owner: text(OWNER),
            instance: text(labels::INSTANCE_ID),
            swarm_made: text(SWARM_MADE) == "true",
        }
    }
}

/// The right to change the cluster. It ends with [`Lock::release`]; dropped without it, the mark stays and goes stale, as
/// when the program is killed.
#[derive(Debug)]
pub struct Lock {
    daemon: Daemon,
    mark: Mark,
    renewing: JoinHandle<()>,
    /// What a run that was killed has left, if there was one.
    pub abandoned: Option<Mark>,
}

impl Lock {
    /// Takes it.
    ///
    /// # Errors
    /// [`InstallError::Locked`] while another run works, or the engine's.
    pub async fn take(daemon: &Daemon, mut mark: Mark) -> Result<Self, InstallError> {
        let mut abandoned: Option<Mark> = None;
        loop {
            let Some(other) = daemon.find(&format!("/configs/{NAME}")).await? else {
                // Undoing must end what the killed run began.
                mark.swarm_made |= abandoned
                    .as_ref()
                    .is_some_and(|other| makes_swarms(&other.operation) && other.swarm_made);
                if create(daemon, &mark).await? {
                    let renewing = tokio::spawn(renew(daemon.clone(), mark.clone()));
                    return Ok(Self {
                        daemon: daemon.clone(),
                        mark,
                        renewing,
                        abandoned,
                    });
                }
                continue;
            };
            let found = Mark::of(&other);
            if renewed_by_somebody(daemon, &other).await? {
                return Err(InstallError::Locked {
                    operation: found.operation,
                    owner: found.owner,
                });
            }
            abandoned = Some(found);
            let id = other.get("ID").and_then(Value::as_str).unwrap_or(NAME);
            daemon
                .delete(
                    "cannot remove the mark of a run that was killed",
                    &format!("/configs/{id}"),
                )
                .await?;
        }
    }

    /// What its mark says.
    pub fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Gives it back.
    ///
    /// # Errors
    /// The engine's.
    pub async fn release(self) -> Result<(), InstallError> {
        self.renewing.abort();
        // The engine has no way to remove one version of a config; an update that is under way may make it be read again.
        let _ = self.renewing.await;
        self.daemon
            .delete("cannot remove the mark of this run", &format!("/configs/{NAME}"))
            .await
            .map(drop)
    }

    /// Ends without removing the mark, because it went with the swarm.
    pub fn forget(self) {
        self.renewing.abort();
    }
}

/// What runs on this cluster now, without waiting: a mark may be stale.
///
/// # Errors
/// The engine's.
pub async fn current(daemon: &Daemon) -> Result<Option<Mark>, InstallError> {
    Ok(daemon
        .find(&format!("/configs/{NAME}"))
        .await?
        .as_ref()
        .map(Mark::of))
}

/// Whether an operation may have made the swarm that it works on.
fn makes_swarms(operation: &str) -> bool {
    ["install", "restore"].contains(&operation)
}

async fn create(daemon: &Daemon, mark: &Mark) -> Result<bool, InstallError> {
    let body = json!({
        "Name": NAME,
        "Labels": mark.labels(0),
        "Data": STANDARD.encode("one run at a time works on this cluster\n"),
    });
    match daemon
        .post(
            "cannot mark the cluster as being worked on",
            "/configs/create",
            &body,
        )
        .await
    {
        Ok(_) => Ok(true),
        Err(InstallError::Engine {
            source: crate::engine::EngineError::Refused { status, .. },
            ..
        }) if status == http::StatusCode::CONFLICT => Ok(false),
        Err(error) => Err(error),
    }
}

async fn renewed_by_somebody(daemon: &Daemon, mark: &Value) -> Result<bool, InstallError> {
    let version = |config: &Value| {
        (
            config.get("ID").cloned(),
            config.pointer("/Version/Index").cloned(),
        )
    };
    let first = version(mark);
    let end = Instant::now() + STALE;
    loop {
        let now = Instant::now();
        if now >= end {
            return Ok(false);
        }
        sleep_until((now + LOOK).min(end)).await;
        match daemon.find(&format!("/configs/{NAME}")).await? {
            // It is given back: whoever comes first takes it.
            None => return Ok(false),
            Some(config) if version(&config) != first => return Ok(true),
            Some(_) => {}
        }
    }
}

async fn renew(daemon: Daemon, mark: Mark) {
    let mut ticks = interval(RENEW);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for renewed in 1_u64.. {
        ticks.tick().await;
        // What fails now is tried again; a swarm without a leader renews nothing, and lets nobody take the mark either.
        if let Ok(Some(config)) = daemon.find(&format!("/configs/{NAME}")).await
            && Mark::of(&config).run == mark.run
        {
            let (Some(id), Some(version), Some(spec)) = (
                config.get("ID").and_then(Value::as_str),
                config.pointer("/Version/Index").and_then(Value::as_u64),
                config.get("Spec"),
            ) else {
                continue;
            };
            let mut spec = spec.clone();
            if let Some(spec) = spec.as_object_mut() {
                spec.insert("Labels".to_owned(), json!(mark.labels(renewed)));
            }
            let path = format!("/configs/{id}/update?version={version}");
            if let Err(error) = daemon
                .post("cannot renew the mark of this run", &path, &spec)
                .await
            {
                tracing::debug!(%error, "the mark of this run was not renewed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_written() {
        let mark = Mark {
            operation: "install".to_owned(),
            run: "r".to_owned(),
            owner: "one".to_owned(),
            instance: "c".to_owned(),
            swarm_made: true,
        };
        assert_eq!(Mark::of(&json!({ "Spec": { "Labels": mark.labels(3) } })), mark);
        assert!(!Mark::of(&json!({ "Spec": {} })).swarm_made);
    }
}
