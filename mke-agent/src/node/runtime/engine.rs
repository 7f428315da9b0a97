//! A node behind its engine's socket.
//!
//! Whatever is changed or removed is looked at once more right before, and must be ours: a plan is as old as its look at
//! the node. What is done already counts as done.

mod observe;

use std::path::{Component as Part, Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use mke_core::product::{ImageRef, labels};
use serde_json::{Value, json};
use tokio::time::timeout;

use self::observe::Files;
use super::material::Material;
use super::{ObserveError, Runtime, StepError, container, store_data};
use crate::controller::body::{Body, empty, full};
use crate::controller::files;
use crate::engine::client::{MAX_WHOLE_ANSWER, message_of, whole};
use crate::engine::{EngineClient, EngineError};
use crate::node::container::ContainerSpec;
use crate::node::desired::{FileContent, FileSpec};
use crate::node::observed::Observed;
use crate::node::step::{Action, Step};

/// For a call that changes something small.
const CALL_TIME: Duration = Duration::from_secs(60);
/// For getting an image.
const PULL_TIME: Duration = Duration::from_secs(15 * 60);

/// A node behind its engine's socket.
#[derive(Debug, Clone)]
pub struct EngineRuntime<M> {
    engine: EngineClient,
    cluster_id: String,
    volumes: Option<PathBuf>,
    at_mountpoints: bool,
    registry_auth: Option<String>,
    material: M,
}

impl<M: Material> EngineRuntime<M> {
    /// The node behind this engine, as far as it belongs to an installation.
    pub fn new(engine: EngineClient, cluster_id: impl Into<String>, material: M) -> Self {
        Self {
            engine,
            cluster_id: cluster_id.into(),
            volumes: None,
            at_mountpoints: false,
            registry_auth: None,
            material,
        }
    }

    /// Where the node's volumes are mounted, each under its name. Without this no file is seen or written.
    #[must_use]
    pub fn with_volumes(mut self, root: impl Into<PathBuf>) -> Self {
        self.volumes = Some(root.into());
        self
    }

    /// Looks for files where the engine says that its volumes lie, for a program on the same machine that only looks. What it
    /// may not read it does not see.
    #[must_use]
    pub fn looking_at_mountpoints(mut self) -> Self {
        self.at_mountpoints = true;
        self
    }

    /// What registries are shown when images are pulled: the value of `X-Registry-Auth`.
    #[must_use]
    pub fn with_registry_auth(mut self, auth: impl Into<String>) -> Self {
        self.registry_auth = Some(auth.into());
        self
    }
}

impl<M: Material> Runtime for EngineRuntime<M> {
    async fn observe(&self) -> Result<Observed, ObserveError> {
        let files = match &self.volumes {
            Some(root) => Files::Below(root),
            None if self.at_mountpoints => Files::AtMountpoints,
            None => Files::Unseen,
        };
        let mut observed = observe::observe(&self.engine, &self.cluster_id, files).await?;
        observed.certificates = self.material.needs().await;
        Ok(observed)
    }

    async fn apply(&self, step: &Step) -> Result<(), StepError> {
        match &step.action {
            Action::Pull(image) => self.pull(image).await,
            Action::CreateNetwork(network) => {
                // Engines take a second network of one name, and then find neither by it.
                if self.network(&network.name).await?.is_some() {
                    return Ok(());
                }
                let body = json!({
                    "Name": network.name, "Driver": network.driver, "CheckDuplicate": true,
                    "Labels": { labels::INSTANCE_ID: self.cluster_id },
                });
                self.create("/networks/create", &body, &format!("/networks/{}", network.name))
                    .await
            }
            Action::CreateVolume(volume) => {
                let body = json!({ "Name": volume.name, "Labels": { labels::INSTANCE_ID: self.cluster_id } });
                self.create("/volumes/create", &body, &format!("/volumes/{}", volume.name))
                    .await
            }
            Action::WriteFile(file) => self.write(file).await,
            Action::Certificate(need) => self.material.bring(need).await,
            Action::CreateContainer { name, spec } => self.create_container(name, spec).await,
            Action::StartContainer { name } => {
                self.own(name).await?;
                self.post(&format!("/containers/{name}/start"), CALL_TIME).await
            }
            Action::UnpauseContainer { name } => {
                if self.own(name).await?["State"]["Paused"] == Value::Bool(false) {
                    return Ok(());
                }
                self.post(&format!("/containers/{name}/unpause"), CALL_TIME).await
            }
            Action::StopContainer { name, stop_seconds } => {
                if self.own_or_gone(name).await?.is_none() {
                    return Ok(());
                }
                let limit = CALL_TIME + Duration::from_secs(u64::from(*stop_seconds));
                self.post(&format!("/containers/{name}/stop?t={stop_seconds}"), limit)
                    .await
            }
            Action::RenameContainer { from, to } => {
                if self.own_or_gone(from).await?.is_none() {
                    // It has its new name already, or there is nothing to rename.
                    return self.own(to).await.map(drop);
                }
                self.post(&format!("/containers/{from}/rename?name={to}"), CALL_TIME)
                    .await
            }
            Action::RemoveContainer { name } => {
                if self.own_or_gone(name).await?.is_none() {
                    return Ok(());
                }
                self.delete(&format!("/containers/{name}?v=1")).await
            }
            Action::RemoveVolume { name } => self.remove(&format!("/volumes/{name}"), "volume", name).await,
            Action::CopyStore { volume } => self.in_volume(volume, store_data::copy).await,
            Action::VetStore { ends, reads_list, .. } => self.material.vet_store(*ends, *reads_list).await,
            Action::RemoveNetwork { name } => {
                self.remove(&format!("/networks/{name}"), "network", name).await
            }
        }
    }
}

impl<M: Material> EngineRuntime<M> {
    /// Makes something under a name; that it is there already is as good.
    async fn create(&self, path: &str, body: &Value, itself: &str) -> Result<(), StepError> {
        match self.call("POST", path, full(body.to_string()), CALL_TIME).await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, StatusCode::CONFLICT) => self.look(itself).await.map(drop),
            Err(error) => Err(failed(error)),
        }
    }

    async fn network(&self, name: &str) -> Result<Option<Value>, StepError> {
        let all: Vec<Value> = self.engine.get_json("/networks").await.map_err(failed)?;
        Ok(all.into_iter().find(|network| network["Name"] == name))
    }

    async fn create_container(&self, name: &str, spec: &ContainerSpec) -> Result<(), StepError> {
        let body = full(container::body(spec, &self.cluster_id).to_string());
        let path = format!("/containers/create?name={name}");
        match self.call("POST", &path, body, CALL_TIME).await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, StatusCode::CONFLICT) => {
                let found = self.own(name).await?;
                if found["Config"]["Labels"][labels::SPEC] == spec.digest() {
                    return Ok(());
                }
                Err(failed(error))
            }
            Err(error) => Err(failed(error)),
        }
    }

    async fn write(&self, file: &FileSpec) -> Result<(), StepError> {
        let Some(root) = &self.volumes else {
            return Err(StepError::new(format!(
                "{} cannot be written: the node's volumes are not mounted here",
                file.place()
            )));
        };
        let inside = Path::new(&file.path);
        if inside.components().any(|part| !matches!(part, Part::Normal(_))) {
            return Err(StepError::new(format!("{} lies in no volume", file.place())));
        }
        let path = root.join(&file.volume).join(inside);
        let refused =
            |error: std::io::Error| StepError::caused(&format!("{} cannot be written", file.place()), error);
        let failed = |error: files::FileError| StepError::caused("cannot write", error);
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(refused)?;
        }
        match &file.content {
            FileContent::Text(text) => {
                files::replace("file", &path, file.mode, text.as_bytes()).map_err(failed)
            }
            FileContent::Held(_) if path.exists() => {
                let permissions = std::os::unix::fs::PermissionsExt::from_mode(file.mode);
                std::fs::set_permissions(&path, permissions).map_err(refused)
            }
            FileContent::Held(source) => {
                let secret = self.material.held(*source).await?;
                files::replace("file", &path, file.mode, secret.expose().as_bytes()).map_err(failed)
            }
        }
    }

    /// Does something to the data of a store's member, which may be gigabytes.
    async fn in_volume(&self, volume: &str, work: fn(&Path) -> std::io::Result<()>) -> Result<(), StepError> {
        let refused = |why: &str| StepError::new(format!("volume {volume} cannot be changed: {why}"));
        let Some(root) = &self.volumes else {
            return Err(refused("the node's volumes are not mounted here"));
        };
        let place = root.join(volume);
        match tokio::task::spawn_blocking(move || work(&place)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(StepError::caused(
                &format!("volume {volume} cannot be changed"),
                error,
            )),
            Err(_) => Err(refused("the work on it broke off")),
        }
    }

    async fn pull(&self, image: &ImageRef) -> Result<(), StepError> {
        if self
            .engine
            .get_bytes(&format!("/images/{image}/json"))
            .await
            .is_ok()
        {
            return Ok(());
        }
        let path = format!(
            "/images/create?fromImage={}/{}&tag={}",
            image.organisation, image.name, image.tag
        );
        let text = self.call("POST", &path, empty(), PULL_TIME).await;
        let text =
            text.map_err(|error| StepError::caused(&format!("image {image} cannot be pulled"), error))?;
        // The answer is a list of messages, and one of them may be that it failed after all.
        let said = serde_json::Deserializer::from_slice(&text)
            .into_iter::<Value>()
            .flatten();
        match said
            .filter_map(|message| message["error"].as_str().map(str::to_owned))
            .last()
        {
            Some(error) => Err(StepError::new(format!("image {image} cannot be pulled: {error}"))),
            None => Ok(()),
        }
    }

    async fn remove(&self, path: &str, what: &str, name: &str) -> Result<(), StepError> {
        let found: Value = match self.engine.get_json(path).await {
            Err(error) if error.is_not_found() => return Ok(()),
            found => found.map_err(failed)?,
        };
        if found["Labels"][labels::INSTANCE_ID] != self.cluster_id.as_str() {
            return Err(StepError::new(format!(
                "{what} {name} is not ours: it is left alone"
            )));
        }
        self.delete(path).await
    }

    /// What the engine says about a container that must be there and be ours.
    async fn own(&self, name: &str) -> Result<Value, StepError> {
        self.own_or_gone(name)
            .await?
            .ok_or_else(|| StepError::new(format!("there is no container {name} any more")))
    }

    async fn own_or_gone(&self, name: &str) -> Result<Option<Value>, StepError> {
        let found = match self.look(&format!("/containers/{name}/json")).await {
            Ok(found) => found,
            Err(error)
                if error
                    .source
                    .as_ref()
                    .is_some_and(|source| is_gone(source.as_ref())) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let is_ours = found["Config"]["Labels"][labels::INSTANCE_ID] == self.cluster_id.as_str();
        // The engine also takes the beginning of an id for a name.
        let is_it = found["Name"]
            .as_str()
            .is_some_and(|found| found.trim_start_matches('/') == name);
        if is_ours && is_it {
            Ok(Some(found))
        } else {
            Err(StepError::new(format!(
                "container {name} is not ours: it is left alone"
            )))
        }
    }

    async fn look(&self, path: &str) -> Result<Value, StepError> {
        self.engine.get_json(path).await.map_err(failed)
    }

    async fn post(&self, path: &str, limit: Duration) -> Result<(), StepError> {
        match self.call("POST", path, empty(), limit).await {
            Ok(_) => Ok(()),
            // It is so already.
            Err(error) if is(&error, StatusCode::NOT_MODIFIED) => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    async fn delete(&self, path: &str) -> Result<(), StepError> {
        match self.call("DELETE", path, empty(), CALL_TIME).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(failed(error)),
        }
    }

    async fn call(
        &self,
        method: &str,
        path: &str,
        body: Body,
        limit: Duration,
    ) -> Result<Bytes, EngineError> {
        let unreadable = |source: http::Error| EngineError::Unreadable {
            path: path.to_owned(),
            source: source.into(),
        };
        let mut request = Request::builder().method(method).uri(path);
        if http_body::Body::size_hint(&body).exact() != Some(0) {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        if let Some(auth) = self
            .registry_auth
            .as_ref()
            .filter(|_| path.starts_with("/images/create"))
        {
            request = request.header("X-Registry-Auth", auth);
        }
        let request = request.body(body).map_err(unreadable)?;
        let exchange = async {
            let response = self.engine.send(request).await?;
            let status = response.status();
            let bytes = whole(path, response.into_body(), MAX_WHOLE_ANSWER).await?;
            if status.is_success() {
                Ok(bytes)
            } else {
                let message = message_of(&bytes);
                Err(EngineError::Refused { status, message })
            }
        };
        timeout(limit, exchange).await.unwrap_or_else(|_| {
            Err(EngineError::Slow {
                path: path.to_owned(),
                limit,
            })
        })
    }
}

fn is(error: &EngineError, wanted: StatusCode) -> bool {
    matches!(error, EngineError::Refused { status, .. } if *status == wanted)
}

fn is_gone(error: &(dyn std::error::Error + 'static)) -> bool {
    error
        .downcast_ref::<EngineError>()
        .is_some_and(EngineError::is_not_found)
}

fn failed(error: EngineError) -> StepError {
    StepError {
        message: error.to_string(),
        source: Some(error.into()),
    }
}
