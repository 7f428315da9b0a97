//! A swarm of a manager and two workers, the proxy of each, and a controller on the manager.

use mke_agent::fleet::{FleetOptions, PROXY_PORT};
use mke_test_support::lab::Lab;
use tempfile::TempDir;

use super::cluster::{Cluster, Docker};
use super::engine::{IMAGE, until, write_context};
use super::proxies::Proxies;

/// Everything that a test needs.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) lab: Lab,
    pub(crate) proxies: Proxies,
    _directory: TempDir,
}

impl World {
    /// Starts all, and waits until every node answers.
    pub(crate) async fn start() -> Self {
        let lab = tokio::task::spawn_blocking(|| {
            let lab = Lab::swarm(3, 1);
            let (context, archive) = (lab.directory().join("image"), lab.directory().join("image.tar"));
            write_context(&context);
            lab.node(1)
                .docker(&["build", "-q", "-t", IMAGE, context.to_str().unwrap()]);
            lab.node(1)
                .docker(&["save", "-o", archive.to_str().unwrap(), IMAGE]);
            lab.load_images(&archive);
            lab
        })
        .await
        .unwrap();
        let directory = tempfile::Builder::new()
            .prefix("mke-fleet-")
            .tempdir_in("/tmp")
            .unwrap();
        let proxies = Proxies::start(&lab, directory.path());
        let certificates = directory.path().join("n1");
        let cluster = Cluster::try_start(lab.node(1).sock(), |options| {
            options.fleet = Some(FleetOptions {
                certificates,
                proxy_port: PROXY_PORT,
            });
        })
        .await
        .unwrap();
        let world = Self {
            cluster,
            lab,
            proxies,
            _directory: directory,
        };
        world.healthy(3).await;
        world
    }

    /// Waits until so many nodes answer, as `docker info` tells.
    pub(crate) async fn healthy(&self, nodes: usize) {
        until("the nodes answer", || async {
            let info = self.cluster.api("GET", "/info", None).await;
            let rows = info["SystemStatus"].to_string();
            (rows.matches("\"Healthy\"").count() == nodes).then_some(())
        })
        .await;
    }

    /// The administrator's client.
    pub(crate) fn admin(&self) -> &Docker {
        &self.cluster.admin
    }

    /// On which node a container is, as the cluster says.
    pub(crate) async fn node_of(&self, container: &str) -> String {
        self.admin()
            .ok(&["inspect", "--format", "{{.Node.Name}}", container])
            .await
    }
}

/// The lines of an answer, in order.
pub(crate) fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}
