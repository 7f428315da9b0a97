//! What the load meets: three proxies over one socket, and the objects behind it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use tokio_rustls::TlsConnector;

use crate::client::{Client, text};
use crate::error::BenchError;
use crate::peers::canned::Recording;
use crate::peers::engine::IMAGE;
use crate::peers::front::{Front, Kind};
use crate::peers::ucp::{Ucp, add_collection, let_view};
use crate::trust;

/// The collection of the containers that the viewer sees, and that of the others.
const COLLECTIONS: [&str; 2] = ["seen", "hidden"];

/// The user who sees the first of them.
const VIEWER: &str = "viewer";

/// Callers that create containers at once; an engine with two cores gains nothing from more.
const CREATORS: u32 = 8;

/// Three proxies over one socket.
pub(super) struct Stage {
    /// How tables call what lies behind.
    pub(super) backend: &'static str,
    pub(super) socket: PathBuf,
    pub(super) ucp: Ucp,
    pub(super) haproxy: Front,
    pub(super) nginx: Front,
    pub(super) connector: TlsConnector,
}

/// What was created through the control plane, and who may see it.
pub(super) struct Objects {
    /// Session of the administrator.
    pub(super) administrator: String,
    /// Session of a user who sees every second container.
    pub(super) viewer: String,
    /// Id of one container.
    pub(super) container: String,
    count: u32,
    created_in: Duration,
}

impl Stage {
    /// Starts the proxies over a new engine and creates the objects there.
    pub(super) async fn over_engine(
        program: &Path,
        directory: &Path,
        socket: &Path,
        root: &str,
        containers: u32,
    ) -> Result<(Self, Objects), BenchError> {
        let stage = Self::start("engine", program, directory, socket, root).await?;
        let objects = Objects::create(&stage.ucp, containers).await?;
        Ok((stage, objects))
    }

    /// Starts the proxies over recorded answers. The control plane keeps the store, and with it sessions and
    /// collections, that the recordings belong to.
    pub(super) async fn over_recordings(
        program: &Path,
        directory: &Path,
        socket: &Path,
        root: &str,
    ) -> Result<Self, BenchError> {
        Self::start("recorded", program, directory, socket, root).await
    }

    async fn start(
        backend: &'static str,
        program: &Path,
        directory: &Path,
        socket: &Path,
        root: &str,
    ) -> Result<Self, BenchError> {
        let ucp = Ucp::start(program, &directory.join("data"), socket).await?;
        let haproxy = Front::start(Kind::Haproxy, directory, backend, socket, root).await?;
        let nginx = Front::start(Kind::Nginx, directory, backend, socket, root).await?;
        let connector = trust::connector([root, ucp.root()])?;
        Ok(Self {
            backend,
            socket: socket.to_owned(),
            ucp,
            haproxy,
            nginx,
            connector,
        })
    }
}

impl Objects {
    async fn create(ucp: &Ucp, count: u32) -> Result<Self, BenchError> {
        let administrator = ucp.log_in_administrator().await?;
        let mut client = ucp.client().await?.with_token(&administrator);
        let [seen, hidden] = COLLECTIONS;
        let collection = add_collection(&mut client, seen).await?;
        add_collection(&mut client, hidden).await?;
        let (user, viewer) = ucp.add_user(&mut client, VIEWER).await?;
        let_view(&mut client, &user, &collection).await?;

        let start = Instant::now();
        let mut creators = tokio::task::JoinSet::new();
        for creator in 0..CREATORS {
            let client = ucp.client().await?.with_token(&administrator);
            creators.spawn(create_containers(
                client,
                (creator..count).step_by(CREATORS as usize),
            ));
        }
        let mut created = Vec::new();
        while let Some(result) = creators.join_next().await {
            created.push(result.map_err(BenchError::no_answer("a creator of containers"))??);
        }
        let created_in = start.elapsed();
        let container = created
            .into_iter()
            .flatten()
            .next()
            .ok_or(BenchError::Malformed {
                what: "the run".to_owned(),
                missing: "container",
            })?;
        Ok(Self {
            administrator,
            viewer,
            container,
            count,
            created_in,
        })
    }

    /// Path of the container's details.
    pub(super) fn container_path(&self) -> String {
        format!("/v1.41/containers/{}/json", self.container)
    }

    /// What the engine answers to the calls of the measurement.
    pub(super) async fn record(&self, socket: &Path) -> Result<Vec<Recording>, BenchError> {
        let mut client = Client::unix(socket).await?;
        let container = format!("/containers/{}/json", self.container);
        let paths = [
            ("/_ping".to_owned(), ""),
            ("/info".to_owned(), ""),
            ("/version".to_owned(), ""),
            (container, ""),
            (format!("/images/{IMAGE}/json"), ""),
            (format!("/images/{IMAGE}:latest/json"), ""),
            ("/containers/json".to_owned(), "?all=1"),
        ];
        let mut recordings = Vec::new();
        for (path, query) in paths {
            let answer = client.get(&format!("/v1.41{path}{query}")).await?;
            recordings.push((path, answer));
        }
        Ok(recordings)
    }

    /// How the containers came to be.
    pub(super) fn creation_note(&self) -> String {
        let rate = f64::from(self.count) / self.created_in.as_secs_f64();
        format!(
            "{} containers were created through `ucp` by {CREATORS} callers in {:.1} s ({rate:.0} a second).",
            self.count,
            self.created_in.as_secs_f64(),
        )
    }
}

/// Creates stopped containers, in turns in either collection; returns the id of the first.
async fn create_containers(
    mut client: Client,
    numbers: impl Iterator<Item = u32>,
) -> Result<Option<String>, BenchError> {
    let mut first = None;
    for number in numbers {
        let [seen, hidden] = COLLECTIONS;
        let collection = if number % 2 == 0 { seen } else { hidden };
        let container = json!({
            "Image": IMAGE,
            "Cmd": ["/program"],
            "NetworkDisabled": true,
            "HostConfig": { "NetworkMode": "none" },
            "Labels": { "com.docker.ucp.access.label": format!("/Shared/{collection}") },
        });
        let path = format!("/v1.41/containers/create?name=bench-{number}");
        let created = client.json(Method::POST, &path, &container).await?;
        if first.is_none() {
            first = Some(text(&created, "Id")?);
        }
    }
    Ok(first)
}
