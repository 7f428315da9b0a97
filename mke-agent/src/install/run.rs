//! Installing: looks, checks everything, then makes the cluster step by step; when a step fails, all of it is undone.

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ipnet::Ipv4Net;
use mke_core::causes::chain;
use mke_core::config::Config;
use mke_core::product::{ImageSet, Role};
use mke_core::time::SystemClock;
use mke_net::address::propose::{Wanted as WantedRange, propose};
use mke_net::address::{Purpose, Range, default_overlay_pool};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::configuration::{self, Beginning};
use super::daemon::Daemon;
use super::error::InstallError;
use super::inventory::{Inventory, Kind};
use super::lock::{Lock, Mark};
use super::options::InstallOptions;
use super::own::Own;
use super::preflight;
use super::probe::{Probed, Probing};
use super::progress::Progress;
use super::removal::{self, Keep};
use super::remover;
use super::steps::{self, Standing};
use super::swarm::{self, NewSwarm, Swarm, SwarmInfo};
use super::uninstall::{self, UninstallOptions};
use super::{facts, images};
use crate::controller::configuration::license::License;
use crate::controller::configuration::objects as config_objects;

/// How often one looks.
pub(super) const LOOK: Duration = Duration::from_millis(300);
/// The network that the engine makes when it enters a swarm.
const GATEWAY: &str = "docker_gwbridge";

/// A cluster that was installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The instance.
    pub instance: String,
    /// Where it answers.
    pub url: String,
}

/// Installs. `cancelled` ends it early, and what was made is undone.
///
/// # Errors
/// [`InstallError`]. Nothing is left then, or [`InstallError::NotUndone`] names it.
pub async fn install(
    daemon: &Daemon,
    own: &Own,
    options: &InstallOptions,
    progress: &dyn Progress,
    cancelled: impl Future<Output = ()>,
) -> Result<Installed, InstallError> {
    if mke_core::product::withdrawn(own.version) {
        return Err(InstallError::System(format!(
            "version {} was withdrawn, install another one",
            own.version
        )));
    }
    check_license(options)?;
    let info = SwarmInfo::read(daemon).await?;
    let info = match &info.swarm {
        Swarm::Locked => unlocked(daemon, options).await?,
        _ => info,
    };
    match &info.swarm {
        Swarm::None | Swarm::Manager { .. } => {}
        Swarm::Worker => {
            return Err(InstallError::Swarm(
                "this engine is a worker of a swarm; install on a manager, or promote it with `docker node promote`"
                    .to_owned(),
            ));
        }
        Swarm::Locked => {
            return Err(InstallError::Swarm(
                "the swarm is locked; give its key with `--unlock-key`".to_owned(),
            ));
        }
        Swarm::Unclear(state) => {
            return Err(InstallError::Swarm(format!(
                "the engine cannot say how its swarm is ({state}); look at `docker info` and restart the engine"
            )));
        }
    }
    let beginning = beginning(daemon, &info, options).await?;
    let wanted = images::list(
        own,
        ImageSet {
            swarm_only: beginning.config.cluster.swarm_only,
            windows: false,
        },
    );
    refuse_kubernetes(own, &beginning.config)?;
    images::ensure(
        daemon,
        &wanted,
        options.pull,
        options.credentials.as_deref(),
        progress,
    )
    .await?;
    let installation = Installation {
        daemon,
        own,
        options,
        progress,
        beginning,
    };
    match &info.swarm {
        Swarm::Manager { .. } => installation.into_swarm(info, false, cancelled).await,
        _ => installation.with_new_swarm(info, cancelled).await,
    }
}

/// Says at once what would otherwise be found out image by image.
fn refuse_kubernetes(own: &Own, config: &Config) -> Result<(), InstallError> {
    if config.cluster.swarm_only {
        return Ok(());
    }
    let missing = images::not_made(own, ImageSet::default());
    Err(InstallError::Images(format!(
        "Kubernetes is not part of this version; install with `--swarm-only`. Without that these images would be needed: {}",
        missing.join(", ")
    )))
}

fn check_license(options: &InstallOptions) -> Result<(), InstallError> {
    match &options.license {
        None => Ok(()),
        Some(text) => License::parse(text.as_bytes())
            .map(drop)
            .map_err(|error| InstallError::License(error.to_string())),
    }
}

async fn unlocked(daemon: &Daemon, options: &InstallOptions) -> Result<SwarmInfo, InstallError> {
    let Some(key) = &options.unlock_key else {
        return SwarmInfo::read(daemon).await;
    };
    swarm::unlock(daemon, key.expose()).await?;
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let info = SwarmInfo::read(daemon).await?;
        if matches!(info.swarm, Swarm::Manager { .. } | Swarm::Worker) || Instant::now() > end {
            return Ok(info);
        }
        sleep(LOOK).await;
    }
}

/// The configuration to begin with.
async fn beginning(
    daemon: &Daemon,
    info: &SwarmInfo,
    options: &InstallOptions,
) -> Result<Beginning, InstallError> {
    if !options.existing_config {
        return configuration::begin(None, &options.settings);
    }
    if !matches!(info.swarm, Swarm::Manager { .. }) {
        return Err(InstallError::NoExistingConfig);
    }
    let (name, _) = config_objects::import(daemon.client())
        .await
        .map_err(|error| match error {
            config_objects::ImportError::Missing => InstallError::NoExistingConfig,
            other => InstallError::System(chain(&other)),
        })?;
    let object = daemon.get(&format!("/configs/{name}")).await?;
    let data = object
        .pointer("/Spec/Data")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let text = STANDARD
        .decode(data)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| InstallError::System(format!("config object `{name}` holds no text")))?;
    configuration::begin(Some((&name, &text)), &options.settings)
}

/// An installation under way.
pub(super) struct Installation<'a> {
    pub(super) daemon: &'a Daemon,
    pub(super) own: &'a Own,
    pub(super) options: &'a InstallOptions,
    pub(super) progress: &'a dyn Progress,
    pub(super) beginning: Beginning,
}

/// What is known once there is a swarm.
pub(super) struct Site {
    pub(super) instance: String,
    pub(super) node_id: String,
    pub(super) address: IpAddr,
    pub(super) hostname: String,
    pub(super) data_root: String,
    pub(super) port: u16,
}

impl Installation<'_> {
    async fn with_new_swarm(
        self,
        info: SwarmInfo,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Installed, InstallError> {
        let probing = self.ports(false);
        let probed = probing.probing(&self, "").this_engine(None).await?;
        let pools = self.pools(&probed)?;
        self.check(&info, &[], &pools, &probed)?;
        self.progress.info("Initializing New Docker Swarm");
        let gateway_was_there = self.daemon.find(&format!("/networks/{GATEWAY}")).await?.is_some();
        let new = NewSwarm {
            address: self.options.host_address.clone(),
            data_path: self.options.data_path_address.clone(),
            port: self.options.swarm_grpc_port,
            pools,
        };
        swarm::init(self.daemon, &new).await?;
        let info = SwarmInfo::read(self.daemon).await?;
        let daemon = self.daemon;
        let outcome = self.into_swarm(info, true, cancelled).await;
        // The engine makes this network for a swarm and does not take it along when that ends.
        let ended = matches!(SwarmInfo::read(daemon).await?.swarm, Swarm::None);
        if outcome.is_err() && ended && !gateway_was_there {
            daemon
                .delete(
                    "cannot remove the gateway of overlay networks",
                    &format!("/networks/{GATEWAY}"),
                )
                .await?;
        }
        outcome
    }

    /// A new swarm's pool: the engine's own, unless the host has networks in it (NET-006).
    fn pools(&self, probed: &Probed) -> Result<Vec<String>, InstallError> {
        let preferred: Ipv4Net = default_overlay_pool().base();
        let mut used: Vec<Range> = probed
            .said
            .values()
            .flat_map(|said| said.networks.iter())
            .map(|(net, source)| Range::new(Purpose::Host, *net, source.clone()))
            .collect();
        used.extend(preflight::ranges_of(&self.beginning.config, &[]));
        let place = |preferred| {
            let wanted = WantedRange {
                purpose: Purpose::Overlay,
                preferred,
            };
            propose(&[wanted], &used)
                .ok()
                .and_then(|ranges| ranges.into_iter().next())
        };
        if place(preferred).is_some_and(|range| range.net == preferred.into()) {
            return Ok(Vec::new());
        }
        // A pool of the default's size fits nowhere else in the private ranges; 256 networks of 256 addresses are plenty.
        let smaller = Ipv4Net::new_assert(preferred.addr(), 16);
        let range = place(smaller).ok_or_else(|| {
            InstallError::Swarm(
                "no private network is free for the swarm's overlay networks; make the swarm yourself with \
                 `docker swarm init --default-addr-pool NETWORK`"
                    .to_owned(),
            )
        })?;
        self.progress.info(&format!(
            "The host has networks in {preferred}, so the swarm's overlay networks come from {}",
            range.net
        ));
        Ok(vec![range.net.to_string()])
    }

    async fn into_swarm(
        self,
        info: SwarmInfo,
        swarm_made: bool,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Installed, InstallError> {
        let Swarm::Manager { cluster_id, .. } = &info.swarm else {
            return Err(InstallError::Swarm(
                "the swarm that was made is not there".to_owned(),
            ));
        };
        let instance = cluster_id.clone();
        let mark = Mark {
            operation: "install".to_owned(),
            run: self.options.run.clone(),
            owner: self.options.owner.clone(),
            instance: instance.clone(),
            swarm_made,
        };
        let lock = Lock::take(self.daemon, mark).await?;
        let outcome = self.locked(&info, &instance, &lock, swarm_made, cancelled).await;
        let swarm_made = lock.mark().swarm_made;
        match outcome {
            Ok(installed) => {
                lock.release().await?;
                Ok(installed)
            }
            // Whoever is refused because something is installed must not end its swarm.
            Err(failure @ InstallError::AlreadyThere(_)) => {
                lock.release().await?;
                Err(failure)
            }
            Err(failure) if swarm_made => {
                lock.forget();
                match swarm::leave(self.daemon).await {
                    Ok(()) => Err(failure),
                    Err(error) => Err(not_undone(failure, format!("the swarm: {}", chain(&error)))),
                }
            }
            Err(failure) => match lock.release().await {
                Ok(()) => Err(failure),
                Err(error) => Err(not_undone(failure, chain(&error))),
            },
        }
    }

    async fn locked(
        &self,
        info: &SwarmInfo,
        instance: &str,
        lock: &Lock,
        swarm_made: bool,
        cancelled: impl Future<Output = ()>,
    ) -> Result<Installed, InstallError> {
        let now = Inventory::read(self.daemon, true).await?;
        let abandoned = lock.abandoned.as_ref();
        match steps::standing(&now, instance, abandoned.map(|mark| mark.operation.as_str())) {
            Standing::Free => {}
            Standing::Installed(version) => {
                let version = version.unwrap_or_else(|| "of an unknown version".to_owned());
                return Err(InstallError::AlreadyThere(format!(
                    "MKE {version} is already installed on this swarm as instance {instance} on {} nodes; use \
                     `upgrade` for another version, or `uninstall-ucp` first",
                    now.nodes.len()
                )));
            }
            Standing::Broken => self.clean_up(&now, instance, abandoned).await?,
        }
        let before = Inventory::read(self.daemon, true).await?;
        if !swarm_made {
            let ports = self.ports(true);
            let probed = ports
                .probing(self, instance)
                .nodes(&before.nodes, self.options.credentials.as_deref())
                .await?;
            let Swarm::Manager { pools, .. } = &info.swarm else {
                return Err(InstallError::Swarm(
                    "the engine is no manager any more".to_owned(),
                ));
            };
            self.check(info, &before.nodes, pools, &probed)?;
        }
        let site = self.site(info)?;
        let outcome = tokio::select! {
            outcome = self.steps(&site) => outcome,
            () = cancelled => Err(InstallError::System("the installation was broken off".to_owned())),
        };
        let Err(failure) = outcome else {
            return Ok(Installed {
                instance: instance.to_owned(),
                url: match site.port {
                    443 => format!("https://{}", host(site.address)),
                    port => format!("https://{}:{port}", host(site.address)),
                },
            });
        };
        self.progress.warn(&format!(
            "The installation failed and is undone: {}",
            chain(&failure)
        ));
        match self.undo(&before, instance).await {
            Ok(left) if left.is_empty() => Err(failure),
            Ok(left) => {
                let left: Vec<String> = left
                    .into_iter()
                    .map(|(name, reason)| format!("{name} ({reason})"))
                    .collect();
                Err(not_undone(failure, left.join(", ")))
            }
            Err(error) => Err(not_undone(failure, chain(&error))),
        }
    }

    fn site(&self, info: &SwarmInfo) -> Result<Site, InstallError> {
        let Swarm::Manager {
            cluster_id,
            node_id,
            address,
            ..
        } = &info.swarm
        else {
            return Err(InstallError::Swarm(
                "the engine is no manager any more".to_owned(),
            ));
        };
        swarm::must_be_known_as(address, self.options.host_address.as_deref())?;
        Ok(Site {
            instance: cluster_id.clone(),
            node_id: node_id.clone(),
            address: address.parse().map_err(|_| {
                InstallError::Swarm(format!("the swarm's address of this node, `{address}`, is none"))
            })?,
            hostname: info.text("/Name").to_owned(),
            data_root: info.text("/DockerRootDir").to_owned(),
            port: self.beginning.config.cluster.controller_port,
        })
    }

    fn ports(&self, swarm_is_there: bool) -> Ports {
        let of = |role| {
            facts::wanted_ports(
                &self.beginning.config,
                role,
                swarm_is_there,
                self.options.swarm_grpc_port,
            )
        };
        Ports {
            image: self.own.image("ucp-agent"),
            managers: of(Role::Manager),
            workers: of(Role::Worker),
        }
    }

    fn check(
        &self,
        info: &SwarmInfo,
        nodes: &[super::inventory::Node],
        pools: &[String],
        probed: &Probed,
    ) -> Result<(), InstallError> {
        self.progress.info("Checking required ports for connectivity");
        let facts = facts::of(info, nodes, &self.beginning.config, pools, probed);
        let report = preflight::check(&facts, self.options.switches);
        for finding in &report.known.0 {
            self.progress.warn(&finding.to_string());
        }
        if report.refused.0.is_empty() {
            Ok(())
        } else {
            Err(InstallError::Checks(report.refused))
        }
    }

    /// Removes what a run left that was broken off.
    async fn clean_up(
        &self,
        now: &Inventory,
        instance: &str,
        abandoned: Option<&Mark>,
    ) -> Result<(), InstallError> {
        self.progress
            .warn("An earlier run was broken off; what it left is removed first");
        if let Some(mark) = abandoned {
            let removals = removal::of_run(&Inventory::default(), now, instance, &mark.run);
            let left = remover::remove(self.daemon, &removals, self.progress).await;
            for (name, reason) in left {
                self.progress
                    .warn(&format!("{name} could not be removed: {reason}"));
            }
        }
        let swept = uninstall::sweep(self.daemon, instance, &self.sweeping(), self.progress).await?;
        if swept.left.is_empty() && swept.unanswered.is_empty() {
            return Ok(());
        }
        let left = swept.left.into_iter().chain(swept.unanswered);
        let left: Vec<String> = left.map(|(name, reason)| format!("{name} ({reason})")).collect();
        Err(InstallError::AlreadyThere(format!(
            "an earlier run was broken off, and this could not be removed: {}; remove it by hand",
            left.join(", ")
        )))
    }

    fn sweeping(&self) -> UninstallOptions {
        UninstallOptions {
            id: None,
            keep: Keep {
                configuration: true,
                secrets: false,
            },
            unmanaged_cni: true,
            image: self.own.image("ucp-agent"),
            credentials: self.options.credentials.clone(),
            owner: self.options.owner.clone(),
            run: self.options.run.clone(),
        }
    }

    async fn undo(&self, before: &Inventory, instance: &str) -> Result<remover::Left, InstallError> {
        let now = Inventory::read(self.daemon, true).await?;
        let on_others = now.named(Kind::Service, "ucp-worker-agent-x").is_some() && now.nodes.len() > 1;
        let removals = removal::of_run(before, &now, instance, &self.options.run);
        let mut left = remover::remove(self.daemon, &removals, self.progress).await;
        if on_others {
            let swept = uninstall::sweep(self.daemon, instance, &self.sweeping(), self.progress).await?;
            left.extend(swept.left);
            left.extend(swept.unanswered);
        }
        // Containers that others made while theirs was removed, such as components that were being started.
        let now = Inventory::read(self.daemon, true).await?;
        let removals = removal::of_run(before, &now, instance, &self.options.run);
        let again = remover::remove(self.daemon, &removals, self.progress).await;
        left.retain(|(name, _)| again.iter().any(|(other, _)| other == name));
        left.extend(
            again
                .into_iter()
                .filter(|one| !left.contains(one))
                .collect::<Vec<_>>(),
        );
        Ok(left)
    }
}

fn host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn not_undone(failure: InstallError, left: String) -> InstallError {
    InstallError::NotUndone {
        failure: Box::new(failure),
        left,
    }
}

/// What probes need, kept while they run.
struct Ports {
    image: String,
    managers: Vec<super::probe::Wanted>,
    workers: Vec<super::probe::Wanted>,
}

impl Ports {
    fn probing<'p>(&'p self, installation: &'p Installation<'_>, instance: &'p str) -> Probing<'p> {
        Probing {
            daemon: installation.daemon,
            image: &self.image,
            instance,
            run: &installation.options.run,
            managers: &self.managers,
            workers: &self.workers,
            images: [&[], &[]],
            clock: &SystemClock,
        }
    }
}
