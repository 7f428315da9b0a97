//! What an engine says is there: our networks, volumes, images and containers, and whatever bears one of our names or
//! uses one of our volumes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use mke_core::product::{self, ImageRef, is_component_name, labels, objects};
use mke_core::time::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::engine::EngineClient;
use crate::node::observed::{ContainerState, Observed, ObservedContainer, ObservedNetwork, ObservedVolume};
use crate::node::runtime::{ObserveError, STEADY, look};

/// After so many starts in vain a container counts as looping also while it rests.
const IN_VAIN: u64 = 3;

/// Where files of volumes are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Files<'f> {
    /// Nowhere.
    Unseen,
    /// Below a directory, each volume under its name.
    Below(&'f Path),
    /// Where the engine says that they lie. What cannot be read there counts as unseen.
    AtMountpoints,
}

pub(super) async fn observe(
    engine: &EngineClient,
    cluster_id: &str,
    files: Files<'_>,
) -> Result<Observed, ObserveError> {
    let mut observed = Observed {
        at: SystemTime::now().into(),
        ..Observed::default()
    };
    for found in get::<Vec<RawNetwork>>(engine, "/networks", "the networks").await? {
        if found.name == objects::BRIDGE {
            let network = ObservedNetwork {
                id: found.id,
                driver: found.driver,
                labels: found.labels.unwrap_or_default(),
            };
            observed.networks.insert(found.name, network);
        }
    }
    let volumes: RawVolumes = get(engine, "/volumes", "the volumes").await?;
    for found in volumes.volumes.unwrap_or_default() {
        if product::volume(&found.name).is_none() {
            continue;
        }
        let files = match files {
            Files::Below(root) => {
                look::files(&found.name, &root.join(&found.name)).map_err(|error| ObserveError {
                    what: format!("volume {}", found.name),
                    source: error.into(),
                })?
            }
            Files::AtMountpoints => look::files(&found.name, Path::new(&found.mountpoint)).unwrap_or(None),
            Files::Unseen => None,
        };
        let volume = ObservedVolume {
            driver: found.driver,
            mountpoint: found.mountpoint,
            labels: found.labels.unwrap_or_default(),
            files,
        };
        observed.volumes.insert(found.name, volume);
    }
    for found in get::<Vec<RawImage>>(engine, "/images/json", "the images").await? {
        let names = found.repo_tags.unwrap_or_default().into_iter();
        observed.images.extend(names.filter(|name| is_ours(name)));
    }
    for found in get::<Vec<RawContainer>>(engine, "/containers/json?all=1", "the containers").await? {
        container(engine, cluster_id, found, &mut observed).await?;
    }
    Ok(observed)
}

fn is_ours(image: &str) -> bool {
    let image: Result<ImageRef, _> = image.parse();
    image.is_ok_and(|image| product::image(image.name.trim_end_matches("-win")).is_some())
}

async fn container(
    engine: &EngineClient,
    cluster_id: &str,
    found: RawContainer,
    observed: &mut Observed,
) -> Result<(), ObserveError> {
    // Further names are links of other containers to it: they hold a slash.
    let mut names = found.names.unwrap_or_default().into_iter();
    let Some(name) = names.find_map(|name| {
        let plain = name.trim_start_matches('/');
        (!plain.contains('/')).then(|| plain.to_owned())
    }) else {
        return Ok(());
    };
    let mounts = found.mounts.unwrap_or_default();
    let volumes: BTreeSet<String> = mounts
        .into_iter()
        .filter_map(|mount| mount.name.filter(|name| product::volume(name).is_some()))
        .collect();
    let labels = found.labels.unwrap_or_default();
    if !is_component_name(&name) && volumes.is_empty() && !labels.contains_key(labels::INSTANCE_ID) {
        return Ok(());
    }
    let mut container = ObservedContainer {
        id: found.id,
        image: found.image,
        state: found.state,
        exit_code: 0,
        looping: false,
        labels,
        volumes,
    };
    if Observed::is_ours(&container.labels, cluster_id) {
        // The list names the image as it is called now, and the container's own record as it was asked for.
        let path = format!("/containers/{}/json", container.id);
        match engine.get_json::<RawRecord>(&path).await {
            Ok(record) => {
                container.looping = record.is_looping(observed.at);
                container.image = record.config.image;
                container.state = record.state.status;
                container.exit_code = record.state.exit_code;
            }
            // It went while we looked.
            Err(error) if error.is_not_found() => return Ok(()),
            Err(error) => {
                return Err(ObserveError {
                    what: format!("container {name}"),
                    source: error.into(),
                });
            }
        }
    }
    observed.containers.insert(name, container);
    Ok(())
}

async fn get<T: DeserializeOwned>(engine: &EngineClient, path: &str, what: &str) -> Result<T, ObserveError> {
    engine.get_json(path).await.map_err(|error| ObserveError {
        what: what.to_owned(),
        source: error.into(),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawNetwork {
    id: String,
    name: String,
    driver: String,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawVolumes {
    volumes: Option<Vec<RawVolume>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawVolume {
    name: String,
    driver: String,
    #[serde(default)]
    mountpoint: String,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawImage {
    repo_tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawContainer {
    id: String,
    names: Option<Vec<String>>,
    image: String,
    labels: Option<BTreeMap<String, String>>,
    state: ContainerState,
    mounts: Option<Vec<RawMount>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawMount {
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawRecord {
    config: RawConfig,
    state: RawState,
    #[serde(default)]
    restart_count: u64,
}

impl RawRecord {
    fn is_looping(&self, now: Timestamp) -> bool {
        // One that was killed is started again at once; one that rests between two starts was in vain before.
        if self.state.status == ContainerState::Restarting {
            return self.restart_count >= IN_VAIN;
        }
        let started: Option<Timestamp> = self.state.started_at.parse().ok();
        self.restart_count > 0 && started.is_some_and(|started| now < started.plus(STEADY))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawConfig {
    image: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawState {
    status: ContainerState,
    exit_code: i64,
    #[serde(default)]
    started_at: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A container that the engine had to start again counts as looping until it has run for a while.
    #[test]
    fn looping() {
        let now: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        for (restarts, started, looping) in [
            (0, "2026-01-01T00:00:59.5Z", false),
            (3, "2026-01-01T00:00:59.5Z", true),
            (3, "2026-01-01T00:00:50Z", false),
            (3, "0001-01-01T00:00:00Z", false),
            (3, "", false),
        ] {
            let record: RawRecord = serde_json::from_value(json!({
                "Config": { "Image": "x" }, "RestartCount": restarts,
                "State": { "Status": "running", "ExitCode": 0, "StartedAt": started },
            }))
            .unwrap();
            assert_eq!(record.is_looping(now), looping, "{restarts} {started}");
        }
        for (restarts, looping) in [(0, false), (2, false), (3, true)] {
            let record: RawRecord = serde_json::from_value(json!({
                "Config": { "Image": "x" }, "RestartCount": restarts,
                "State": { "Status": "restarting", "ExitCode": 1, "StartedAt": "2026-01-01T00:00:59.5Z" },
            }))
            .unwrap();
            assert_eq!(record.is_looping(now), looping, "{restarts}");
        }
    }
}
