//! Upgrading a cluster: managers first and one by one, then workers, or only those that nobody holds back.

mod missing;
pub mod plan;
pub mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mke_core::causes::chain;
use mke_core::product::{
    Component, ImageRef, ImageSet, Os, ProductVersion, Role, components, image, image_of, labels,
    upgrade_path,
};
use mke_core::time::SystemClock;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use self::plan::{NodeName, Situation, Step};
use self::watch::{Runs, Watch};
use super::configuration;
use super::daemon::Daemon;
use super::error::InstallError;
use super::facts;
use super::images::{self, Pull};
use super::inventory::{Inventory, Kind, Node};
use super::lock::{self, Lock, Mark};
use super::own::Own;
use super::ping::{Health, ping};
use super::preflight::{self, Switches};
use super::probe::Probing;
use super::progress::Progress;
use super::remover::change_labels;
use super::swarm::{self, Swarm, SwarmInfo};

/// How long one manager may take.
const MANAGER: Duration = Duration::from_secs(600);
/// How long all workers may take.
const WORKERS: Duration = Duration::from_secs(1800);
/// How often one looks.
const LOOK: Duration = Duration::from_millis(500);
/// What `lock` calls this.
const OPERATION: &str = "upgrade";

/// What an upgrade is asked for.
#[derive(Debug, Clone)]
pub struct UpgradeOptions {
    /// The instance; `None` takes the one that is there.
    pub id: Option<String>,
    /// By which address this node is known, when somebody says so.
    pub host_address: Option<String>,
    /// Whether workers are held back.
    pub manual_workers: bool,
    /// When images are pulled.
    pub pull: Pull,
    /// `X-Registry-Auth` for pulls.
    pub credentials: Option<String>,
    /// What may be wrong.
    pub switches: Switches,
    /// Who runs this.
    pub owner: String,
    /// Names this run.
    pub run: String,
}

/// What is found before anything is done.
pub struct Examined {
    /// The instance.
    pub instance: String,
    /// The version that is there.
    pub from: ProductVersion,
    /// What the checks say.
    pub report: preflight::Report,
    port: u16,
    swarm_only: bool,
    inventory: Inventory,
}

/// Looks at the cluster and runs all checks.
///
/// # Errors
/// No manager, nothing installed, another instance, versions that allow no upgrade, and the engine's. What the checks say is
/// no error here.
pub async fn examine(
    daemon: &Daemon,
    own: &Own,
    options: &UpgradeOptions,
    progress: &dyn Progress,
) -> Result<Examined, InstallError> {
    let info = SwarmInfo::read(daemon).await?;
    let Swarm::Manager {
        cluster_id,
        pools,
        address,
        ..
    } = &info.swarm
    else {
        return Err(InstallError::Swarm(
            "this engine is no manager of a swarm; run this on a manager of the cluster, not through a client bundle"
                .to_owned(),
        ));
    };
    let inventory = Inventory::read(daemon, true).await?;
    let agent = inventory
        .named(Kind::Service, "ucp-cluster-agent")
        .filter(|agent| agent.is_of(cluster_id));
    let Some(agent) = agent else {
        return Err(InstallError::NotInstalled);
    };
    if let Some(asked) = &options.id
        && asked != cluster_id
    {
        return Err(InstallError::OtherInstance {
            found: cluster_id.clone(),
            asked: asked.clone(),
        });
    }
    swarm::must_be_known_as(address, options.host_address.as_deref())?;
    // The agent of the cluster is the last of the managers' parts that changes: before it, an upgrade that was broken off
    // is still one from the old version.
    let from: ProductVersion = agent
        .labels
        .get(labels::VERSION)
        .map_or("", String::as_str)
        .parse()?;
    let broken_off = lock::current(daemon)
        .await?
        .is_some_and(|mark| mark.operation == OPERATION);
    let unfinished =
        from == own.version && (broken_off || plan::active_generations(&inventory, cluster_id).len() > 1);
    if !unfinished {
        upgrade_path(from, own.version)?;
    }
    let text = current_configuration(daemon, &inventory).await?;
    let config = configuration::begin(Some(("the configuration of the cluster", &text)), &[])?.config;
    let swarm_only = config.cluster.swarm_only;
    let image = own.image("ucp-agent");
    let wanted = images::list(
        own,
        ImageSet {
            swarm_only,
            windows: false,
        },
    );
    images::ensure(
        daemon,
        &wanted,
        options.pull,
        options.credentials.as_deref(),
        progress,
    )
    .await?;
    let [managers, workers] = [Role::Manager, Role::Worker].map(|role| new_ports(&config, role, from));
    let of_workers = images_of_workers(own, swarm_only);
    let probing = Probing {
        daemon,
        image: &image,
        instance: cluster_id,
        run: &options.run,
        managers: &managers,
        workers: &workers,
        images: [&wanted, &of_workers],
        clock: &SystemClock,
    };
    progress.info("Checking all nodes");
    let probed = probing
        .nodes(
            &inventory.nodes,
            options.credentials.as_deref(),
            std::future::pending(),
        )
        .await?;
    let mut facts = facts::of(&info, &inventory.nodes, &config, pools, &probed);
    // Networks cannot be changed any more, and what is there works: only an installation asks about them.
    facts.ranges.clear();
    facts.backup_age_days = Some(None);
    facts.worker_generations = if unfinished {
        Default::default()
    } else {
        plan::active_generations(&inventory, cluster_id)
    };
    let tasks = daemon.list("/tasks").await?;
    facts.stuck = watch::stuck(&inventory, &tasks);
    Ok(Examined {
        instance: cluster_id.clone(),
        from,
        report: preflight::check(&facts, options.switches),
        port: config.cluster.controller_port,
        swarm_only,
        inventory,
    })
}

/// The images that a Linux worker needs.
fn images_of_workers(own: &Own, swarm_only: bool) -> Vec<String> {
    let runs = |component: &&Component| {
        component.made
            && component.os == Os::Linux
            && component.runs_on(Role::Worker)
            && component.exists_in(own.version)
            && (component.swarm_only || !swarm_only)
    };
    let names: BTreeSet<&str> = components()
        .iter()
        .filter(runs)
        .filter_map(|component| image_of(component.name, swarm_only))
        .filter(|name| image(name).is_some_and(|image| image.made))
        .collect();
    names.into_iter().map(|name| own.image(name)).collect()
}

/// Ports that the target needs and the version that is there does not: those it has are in use by itself.
fn new_ports(
    config: &mke_core::config::Config,
    role: Role,
    from: ProductVersion,
) -> Vec<super::probe::Wanted> {
    let since = |port: u16| {
        let component = mke_core::product::port(port).and_then(|port| port.component);
        component
            .and_then(mke_core::product::component)
            .and_then(|component| component.since)
    };
    facts::wanted_ports(config, role, true, 2377)
        .into_iter()
        .filter(|wanted| since(wanted.port).is_some_and(|since| since > from))
        // The metrics of clusters without Kubernetes have had theirs all along (SWO-006).
        .filter(|wanted| !(config.cluster.swarm_only && wanted.port == 12387))
        .collect()
}

/// The newest config object with the configuration.
async fn current_configuration(daemon: &Daemon, inventory: &Inventory) -> Result<String, InstallError> {
    use base64::Engine as _;
    use mke_core::product::objects;
    let newest = inventory
        .of_kind(Kind::Config)
        .filter_map(|object| Some((objects::version_of(objects::CONFIG, &object.name)?, object)))
        .max_by_key(|(number, _)| *number);
    let Some((_, object)) = newest else {
        return Err(InstallError::Swarm(
            "the cluster has no config object with its configuration".to_owned(),
        ));
    };
    let object = daemon.get(&format!("/configs/{}", object.id)).await?;
    let data = object
        .pointer("/Spec/Data")
        .and_then(Value::as_str)
        .unwrap_or_default();
    base64::engine::general_purpose::STANDARD
        .decode(data)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            InstallError::Swarm("the config object with the configuration holds no text".to_owned())
        })
}

/// Upgrades.
///
/// # Errors
/// [`InstallError`]. An upgrade that failed goes on where it stopped when it is run again.
pub async fn upgrade(
    daemon: &Daemon,
    own: &Own,
    options: &UpgradeOptions,
    progress: &dyn Progress,
) -> Result<ProductVersion, InstallError> {
    let examined = examine(daemon, own, options, progress).await?;
    for finding in &examined.report.known.0 {
        progress.warn(&finding.to_string());
    }
    if !examined.report.refused.0.is_empty() {
        return Err(InstallError::Checks(examined.report.refused));
    }
    let mark = Mark {
        operation: OPERATION.to_owned(),
        run: options.run.clone(),
        owner: options.owner.clone(),
        instance: examined.instance.clone(),
        swarm_made: false,
    };
    let lock = Lock::take(daemon, mark).await?;
    if let Some(other) = &lock.abandoned {
        progress.warn(&format!(
            "{} by {} was broken off; this run goes on with it",
            other.operation, other.owner
        ));
    }
    let run = Run {
        daemon,
        own,
        options,
        progress,
        examined: &examined,
    };
    let outcome = run.watched().await;
    match (outcome, lock.release().await) {
        (Ok(()), Ok(())) => Ok(examined.from),
        (Err(error), _) | (Ok(()), Err(error)) => Err(error),
    }
}

struct Run<'a> {
    daemon: &'a Daemon,
    own: &'a Own,
    options: &'a UpgradeOptions,
    progress: &'a dyn Progress,
    examined: &'a Examined,
}

impl Run<'_> {
    async fn watched(&self) -> Result<(), InstallError> {
        let credentials = self.options.credentials.as_deref();
        let image = self.own.image("ucp-agent");
        let instance = &self.examined.instance;
        let watch = Watch::start(self.daemon, &image, instance, &self.options.run, credentials).await?;
        let outcome = self.steps(&watch).await;
        watch.remove().await?;
        outcome
    }

    async fn steps(&self, watch: &Watch<'_>) -> Result<(), InstallError> {
        let said = watch.everybody(&self.examined.inventory.nodes).await?;
        let versions = versions(&self.examined.inventory.nodes, &said);
        let steps = plan::plan(&Situation {
            inventory: &self.examined.inventory,
            instance: &self.examined.instance,
            target: self.own.version,
            versions: &versions,
            manual: self.options.manual_workers,
        });
        for (number, step) in steps.iter().enumerate() {
            self.progress.step(number + 1, steps.len(), &step.to_string());
            match step {
                Step::Hold(nodes) => {
                    for node in nodes {
                        self.hold(node, true).await?;
                    }
                }
                Step::ManagerAgent => self.service("ucp-manager-agent").await?,
                Step::Manager(node) => {
                    self.hold(node, false).await?;
                    self.await_nodes(watch, std::slice::from_ref(node), MANAGER)
                        .await?;
                }
                Step::Service(name) => self.service(name).await?,
                Step::Create(name) => self.create(name).await?,
                Step::AwaitWorkers(nodes) => self.await_nodes(watch, nodes, WORKERS).await?,
                Step::Remove(name) => {
                    let doing = format!("cannot remove service `{name}`");
                    self.daemon.delete(&doing, &format!("/services/{name}")).await?;
                }
            }
        }
        Ok(())
    }

    async fn hold(&self, node: &NodeName, held: bool) -> Result<(), InstallError> {
        change_labels(self.daemon, &node.id, |found| {
            if held {
                found.insert(labels::UPGRADE_HOLD.to_owned(), json!("true"));
            } else {
                found.remove(labels::UPGRADE_HOLD);
            }
        })
        .await
        .map(drop)
    }

    /// Gives a service the new image, and nothing else.
    async fn service(&self, name: &str) -> Result<(), InstallError> {
        let service = self.daemon.get(&format!("/services/{name}")).await?;
        let version = service
            .pointer("/Version/Index")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        let mut spec = service.get("Spec").cloned().unwrap_or(Value::Null);
        renewed(&mut spec, &self.own.organisation, self.own.version);
        let path = format!("/services/{name}/update?version={version}");
        let doing = format!("cannot give service `{name}` its new image");
        let credentials = self.options.credentials.as_deref();
        self.daemon
            .post_with(&doing, &path, &spec, credentials)
            .await
            .map(drop)
    }

    /// Waits until nodes have the new version and, where they are managers, say that they are healthy. Agents that are
    /// refused end the waiting at once (UPG-015).
    async fn await_nodes(
        &self,
        watch: &Watch<'_>,
        nodes: &[NodeName],
        limit: Duration,
    ) -> Result<(), InstallError> {
        let end = Instant::now() + limit;
        loop {
            let inventory = Inventory::read(self.daemon, true).await?;
            let said = watch.now().await?;
            let mut waiting = Vec::new();
            for name in nodes {
                let Some(node) = inventory.nodes.iter().find(|node| node.id == name.id) else {
                    self.progress
                        .warn(&format!("{} has left the swarm and is not waited for", name.name));
                    continue;
                };
                if let Some(reason) = self.not_yet(node, &said).await {
                    waiting.push(format!("{}: {reason}", name.name));
                }
            }
            if waiting.is_empty() {
                return Ok(());
            }
            let tasks = self.daemon.list("/tasks").await?;
            let stuck = watch::stuck(&inventory, &tasks);
            if !stuck.is_empty() {
                return Err(InstallError::Swarm(format!(
                    "the upgrade cannot go on: {}",
                    stuck.join("; ")
                )));
            }
            if Instant::now() > end {
                return Err(InstallError::TookTooLong {
                    what: "upgrading nodes".to_owned(),
                    seconds: limit.as_secs(),
                    detail: format!(
                        ": {}; run the upgrade again once this is mended",
                        waiting.join("; ")
                    ),
                });
            }
            sleep(LOOK).await;
        }
    }

    async fn not_yet(&self, node: &Node, said: &BTreeMap<String, Runs>) -> Option<String> {
        // A worker that somebody held back meanwhile is not waited for.
        if !node.manager && node.labels.contains_key(labels::UPGRADE_HOLD) {
            return None;
        }
        let version = said.get(&node.id).and_then(|runs| runs.version(node.manager));
        if version != Some(self.own.version) {
            return Some(match version {
                Some(version) => format!("it runs {version}"),
                None => "its components are being replaced".to_owned(),
            });
        }
        if !node.manager {
            return None;
        }
        let Ok(address) = node.address.parse() else {
            return Some(format!("its address `{}` is none", node.address));
        };
        match ping(address, self.examined.port).await {
            Health::Healthy => None,
            Health::Unwell(text) | Health::Silent(text) => {
                Some(format!("its controller is not healthy: {text}"))
            }
        }
    }
}

fn versions(nodes: &[Node], said: &BTreeMap<String, Runs>) -> BTreeMap<String, ProductVersion> {
    nodes
        .iter()
        .filter_map(|node| Some((node.id.clone(), said.get(&node.id)?.version(node.manager)?)))
        .collect()
}

/// A service's specification with another version: image, variable and labels.
fn renewed(spec: &mut Value, organisation: &str, version: ProductVersion) {
    let text = version.to_string();
    if let Some(container) = spec
        .pointer_mut("/TaskTemplate/ContainerSpec")
        .and_then(Value::as_object_mut)
    {
        let old = container.get("Image").and_then(Value::as_str).unwrap_or_default();
        // The engine may have added the digest that it found.
        let old: Option<ImageRef> = old.split('@').next().and_then(|name| name.parse().ok());
        let name = old.map_or_else(|| "ucp-agent".to_owned(), |image| image.name);
        container.insert(
            "Image".to_owned(),
            json!(ImageRef::new(organisation, &name, version).to_string()),
        );
        for variable in container
            .get_mut("Env")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if variable
                .as_str()
                .is_some_and(|variable| variable.starts_with("UCP_VERSION="))
            {
                *variable = json!(format!("UCP_VERSION={text}"));
            }
        }
    }
    for place in ["/Labels", "/TaskTemplate/ContainerSpec/Labels"] {
        if let Some(labels_there) = spec.pointer_mut(place).and_then(Value::as_object_mut) {
            labels_there.insert(labels::VERSION.to_owned(), json!(text));
        }
    }
}

impl Examined {
    /// Whether the cluster runs without Kubernetes.
    pub fn is_swarm_only(&self) -> bool {
        self.swarm_only
    }
}

/// What is said of an upgrade that failed (UPG-014).
pub fn follow_up(failure: &InstallError) -> String {
    format!(
        "The upgrade stopped: {}. Managers that were upgraded stay so; mend the cause and run the same command again. Logs \
         of a node are in its containers ucp-reconcile and ucp-manager-agent; a worker goes back to its old version with \
         the label com.docker.ucp.upgrade-hold",
        chain(failure)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service keeps everything but image and version; the registry is that of the new bootstrapper.
    #[test]
    fn only_the_version_changes() {
        let mut spec = json!({
            "Name": "ucp-manager-agent",
            "Labels": { "com.docker.ucp.InstanceID": "c", "com.docker.ucp.version": "3.4.14" },
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": "mirantis/ucp-agent:3.4.14@sha256:00", "Env": ["A=b", "UCP_VERSION=3.4.14"],
                    "Labels": { "com.docker.ucp.version": "3.4.14" }, "Args": ["agent"],
                },
            },
        });
        renewed(
            &mut spec,
            "registry.example.com/mirantis",
            ProductVersion::new(3, 4, 15),
        );
        assert_eq!(
            spec,
            json!({
                "Name": "ucp-manager-agent",
                "Labels": { "com.docker.ucp.InstanceID": "c", "com.docker.ucp.version": "3.4.15" },
                "TaskTemplate": {
                    "ContainerSpec": {
                        "Image": "registry.example.com/mirantis/ucp-agent:3.4.15",
                        "Env": ["A=b", "UCP_VERSION=3.4.15"],
                        "Labels": { "com.docker.ucp.version": "3.4.15" }, "Args": ["agent"],
                    },
                },
            })
        );
    }

    /// UPG-005: workers are asked for what they will run, and not for what only managers have.
    #[test]
    fn images_by_role() {
        let own = Own {
            organisation: "mirantis".to_owned(),
            version: ProductVersion::new(3, 4, 15),
            container: None,
        };
        let images = images_of_workers(&own, true);
        let has = |name: &str| images.contains(&own.image(name));
        assert!(
            has("ucp-agent") && !has("ucp-etcd") && !has("ucp-cfssl"),
            "{images:?}"
        );
    }

    /// SWO-006: only ports that are new with the target are checked, never those that the cluster itself holds.
    #[test]
    fn ports_of_the_target() {
        let given = [configuration::Given::one("--swarm-only", "true")];
        let config = configuration::begin(None, &given).unwrap().config;
        for role in [Role::Manager, Role::Worker] {
            let ports = new_ports(&config, role, ProductVersion::new(3, 4, 14));
            assert!(
                !ports
                    .iter()
                    .any(|wanted| [443, 12387, 12376].contains(&wanted.port)),
                "{ports:?}"
            );
        }
    }
}
