//! Installing: looks, checks everything, then makes the cluster step by step; when a step fails, all of it is undone.

use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use ipnet::Ipv4Net;
use mke_core::causes::chain;
use mke_core::pki::SubjectAltName;
use mke_core::product::{ImageSet, Role};
use mke_core::time::{Clock as _, SystemClock};
use mke_net::address::propose::{Wanted as WantedRange, propose};
use mke_net::address::{Purpose, Range, default_overlay_pool};

use super::configuration::Beginning;
use super::daemon::Daemon;
use super::error::InstallError;
use super::inventory::{Inventory, Kind};
use super::lock::{Lock, Mark};
use super::material::Volumes;
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
use super::{begin, facts, first_node, images};

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
    begin::check_license(options)?;
    options.check()?;
    let info = SwarmInfo::read(daemon).await?;
    let info = match &info.swarm {
        Swarm::Locked => begin::unlocked(daemon, options).await?,
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
    let beginning = begin::beginning(daemon, &info, options).await?;
    let wanted = images::list(
        own,
        ImageSet {
            swarm_only: beginning.config.cluster.swarm_only,
            windows: false,
        },
    );
    begin::refuse_kubernetes(own, &beginning.config)?;
    let new_swarm = matches!(info.swarm, Swarm::None).then_some(options.swarm_grpc_port);
    first_node::check(own, &beginning.config, new_swarm)?;
    let mut cancelled = pin!(cancelled);
    let credentials = options.credentials.as_deref();
    tokio::select! {
        ensured = images::ensure(daemon, &wanted, options.pull, credentials, progress) => ensured?,
        // Nothing is made yet.
        () = &mut cancelled => return Err(InstallError::BrokenOff),
    }
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

/// Somebody who wants to stop.
type Cancelled<'a> = Pin<&'a mut dyn Future<Output = ()>>;

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
        mut cancelled: Cancelled<'_>,
    ) -> Result<Installed, InstallError> {
        let probing = self.ports(false);
        let address = self.options.host_address.as_deref();
        let address = address.and_then(|address| address.parse::<IpAddr>().ok());
        let probed = probing
            .probing(&self, "")
            .this_engine(address, cancelled.as_mut())
            .await?;
        begin::must_be_here(address, &probed, &probing.managers)?;
        self.check_external().await?;
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
        let Err(failure) = outcome else {
            return outcome;
        };
        match forget_gateway(daemon, gateway_was_there).await {
            Ok(()) => Err(failure),
            // The first failure tells why; this one only what is left.
            Err(error) => Err(not_undone(
                failure,
                format!("network {GATEWAY}: {}", chain(&error)),
            )),
        }
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
        cancelled: Cancelled<'_>,
    ) -> Result<Installed, InstallError> {
        let Swarm::Manager { cluster_id, .. } = &info.swarm else {
            return Err(InstallError::Swarm(
                "the swarm that was made is not there".to_owned(),
            ));
        };
        let instance = cluster_id.clone();
        let mark = Mark {
            operation: match self.options.restore {
                Some(_) => "restore".to_owned(),
                None => "install".to_owned(),
            },
            run: self.options.run.clone(),
            owner: self.options.owner.clone(),
            instance: instance.clone(),
            swarm_made,
        };
        let lock = match Lock::take(self.daemon, mark).await {
            Ok(lock) => lock,
            // Whoever works there now ends with the swarm what this run has made of it.
            Err(failure @ InstallError::Locked { .. }) => return Err(failure),
            Err(failure) if swarm_made => {
                return match swarm::leave(self.daemon).await {
                    Ok(()) => Err(failure),
                    Err(error) => Err(not_undone(failure, format!("the swarm: {}", chain(&error)))),
                };
            }
            Err(failure) => return Err(failure),
        };
        let outcome = self.locked(&info, &instance, &lock, swarm_made, cancelled).await;
        let swarm_made = lock.mark().swarm_made;
        match outcome {
            Ok(installed) => {
                lock.release().await?;
                Ok(installed)
            }
            // Whoever is refused because something is installed must not end its swarm.
            Err(failure @ (InstallError::AlreadyInstalled { .. } | InstallError::AlreadyThere(_))) => {
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
        mut cancelled: Cancelled<'_>,
    ) -> Result<Installed, InstallError> {
        let now = Inventory::read(self.daemon, true).await?;
        let abandoned = lock.abandoned.as_ref();
        match steps::standing(&now, instance, abandoned.map(|mark| mark.operation.as_str())) {
            Standing::Free => {}
            Standing::Installed(version) => {
                return Err(InstallError::AlreadyInstalled {
                    version: version.unwrap_or_else(|| "of an unknown version".to_owned()),
                    instance: instance.to_owned(),
                    nodes: now.nodes.len(),
                });
            }
            Standing::Broken => self.clean_up(&now, instance, abandoned).await?,
        }
        let before = Inventory::read(self.daemon, true).await?;
        if !swarm_made {
            let ports = self.ports(true);
            let probed = ports
                .probing(self, instance)
                .nodes(
                    &before.nodes,
                    self.options.credentials.as_deref(),
                    cancelled.as_mut(),
                )
                .await?;
            let Swarm::Manager { pools, .. } = &info.swarm else {
                return Err(InstallError::Swarm(
                    "the engine is no manager any more".to_owned(),
                ));
            };
            self.check(info, &before.nodes, pools, &probed)?;
        }
        let site = self.site(info)?;
        if !swarm_made {
            self.check_external().await?;
        }
        self.volumes(&self.own.image("ucp-agent"))
            .refuse_old_store()
            .await?;
        let outcome = tokio::select! {
            outcome = self.steps(&site) => outcome,
            () = cancelled => Err(InstallError::BrokenOff),
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

    /// What volumes hold, as seen through an image that is there.
    pub(super) fn volumes<'v>(&'v self, image: &'v str) -> Volumes<'v> {
        Volumes {
            daemon: self.daemon,
            image,
            run: &self.options.run,
        }
    }

    /// The operator's own certificate, when it is to be served: every name that was asked for has to be in it.
    async fn check_external(&self) -> Result<(), InstallError> {
        if !self.options.external_server_cert {
            return Ok(());
        }
        let names = self.beginning.config.cluster.shared_sans.iter();
        // Reading the configuration checked them.
        let names: Vec<SubjectAltName> = names.filter_map(|name| name.parse().ok()).collect();
        let image = self.own.image("ucp-agent");
        self.volumes(&image)
            .check_external(&names, SystemClock.now())
            .await
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
        let mut facts = facts::of(info, nodes, &self.beginning.config, pools, probed);
        if !self.options.skip_cloud {
            facts.cloud_provider = Some(self.beginning.config.cluster.cloud_provider.clone());
        }
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

/// The engine makes this network for a swarm and does not take it along when that ends.
async fn forget_gateway(daemon: &Daemon, was_there: bool) -> Result<(), InstallError> {
    let ended = matches!(SwarmInfo::read(daemon).await?.swarm, Swarm::None);
    if !ended || was_there {
        return Ok(());
    }
    let doing = "cannot remove the gateway of overlay networks";
    let path = format!("/networks/{GATEWAY}");
    daemon.delete(doing, &path).await.map(drop)
}

/// The failure with what is left, together with what was left before.
fn not_undone(failure: InstallError, left: String) -> InstallError {
    match failure {
        InstallError::NotUndone {
            failure,
            left: before,
        } => InstallError::NotUndone {
            failure,
            left: format!("{before}; {left}"),
        },
        failure => InstallError::NotUndone {
            failure: Box::new(failure),
            left,
        },
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
