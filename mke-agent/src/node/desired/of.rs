//! From the catalogue, the configuration and the facts of a node to what it shall run.

use std::collections::BTreeSet;

use mke_core::product::{self, Component, Condition, Kind, Os, Placement, Role, objects};
use mke_core::render;

use super::places::{KUBERNETES, NODE_CERTS, volume_path};
use super::{Desired, NetworkSpec, VolumeSpec, Wanting, kubernetes, own, store};
use crate::node::cluster::ClusterSpec;
use crate::node::container::ContainerSpec;
use crate::node::facts::NodeFacts;

/// Components that only pass connections on to the controller: nothing waits for them.
const RELAYS: [&str; 1] = ["ucp-swarm-manager"];

/// What is known while containers are described.
pub(super) struct Work<'w> {
    pub(super) cluster: &'w ClusterSpec,
    pub(super) facts: &'w NodeFacts,
    pub(super) render: render::NodeFacts,
}

impl Desired {
    /// What a node shall run. Every cluster and every node have an answer: what cannot be described stands under
    /// [`Self::waiting`], with the reason.
    pub fn of(cluster: &ClusterSpec, facts: &NodeFacts) -> Self {
        let work = Work {
            cluster,
            facts,
            render: render_facts(cluster, facts),
        };
        let mut desired = Self {
            cluster_id: cluster.cluster_id.clone(),
            node_id: facts.id.clone(),
            role: facts.role,
            paused: facts.is_paused(),
            networks: vec![NetworkSpec {
                name: objects::BRIDGE.to_owned(),
                driver: if facts.os == Os::Windows { "nat" } else { "bridge" }.to_owned(),
            }],
            volumes: product::volumes_of(facts.role)
                .map(|volume| VolumeSpec {
                    name: volume.name.to_owned(),
                    precious: volume.precious(),
                })
                .collect(),
            files: Vec::new(),
            containers: Vec::new(),
            services: Vec::new(),
            pods: Vec::new(),
            waiting: Vec::new(),
        };
        if work.keeps_store() {
            let kept = store::VOLUMES.iter().filter_map(|name| product::volume(name));
            desired.volumes.extend(kept.map(|volume| VolumeSpec {
                name: volume.name.to_owned(),
                precious: volume.precious(),
            }));
        }
        let mut containers = Vec::new();
        for component in product::components() {
            let Some(name) = work.name(component) else {
                continue;
            };
            match component.kind {
                Kind::Service => desired.services.push(name.to_owned()),
                Kind::Container => match work.container(component, name, &mut desired) {
                    Ok(spec) => containers.push(spec),
                    Err(why) => desired.waiting.push(Wanting {
                        component: name.to_owned(),
                        why,
                    }),
                },
                Kind::Pod | Kind::Init | Kind::Pause => {}
            }
        }
        let pods = product::pods().iter().filter_map(|pod| work.name(pod));
        desired.pods = pods.map(str::to_owned).collect();
        desired.containers = in_order(containers);
        desired
    }
}

impl Work<'_> {
    /// Whether the node is no manager any more and the store still counts on it: its member keeps voting until the cluster
    /// agent took it out, because the others may need its vote for that.
    pub(super) fn keeps_store(&self) -> bool {
        let mut members = self.cluster.store_members.iter();
        self.facts.role == Role::Worker && members.any(|member| member.id == self.facts.id)
    }

    /// The component's name when it belongs on the node.
    fn name(&self, component: &Component) -> Option<&'static str> {
        let cluster = self.cluster;
        let kubernetes = !cluster.config.cluster.swarm_only;
        let is_there = component.made
            && component.placement != Placement::OnDemand
            && (component.runs_on(self.facts.role) || (component.name == store::NAME && self.keeps_store()))
            && component.exists_in(cluster.version)
            && (kubernetes || component.swarm_only)
            // With Kubernetes, measuring is done by a pod.
            && !(kubernetes && component.name == "ucp-metrics");
        let takes_pods = self.facts.orchestrator().takes_pods();
        let is_on = is_switched_on(component, cluster)
            && (component.when != Some(Condition::KubernetesOrchestrator) || takes_pods);
        // Windows twins of services stand in the table under names of their own.
        let twin = component.os != self.facts.os && component.kind == Kind::Service;
        (is_there && is_on && !twin)
            .then(|| product::component_on(component.name, self.facts.os))
            .flatten()
    }

    fn container(
        &self,
        component: &Component,
        name: &str,
        desired: &mut Desired,
    ) -> Result<ContainerSpec, String> {
        let mut spec = own::basis(self, component, name)?;
        match component.name {
            store::NAME => store::describe(self, &mut spec)?,
            kube if kube.starts_with("ucp-kube") => kubernetes::describe(self, kube, &mut spec, desired)?,
            _ => own::describe(self, component, &mut spec),
        }
        let needs = component
            .depends_on
            .iter()
            .filter(|other| !RELAYS.contains(other));
        spec.needs = needs.map(|other| (*other).to_owned()).collect();
        if own::needs_proxy(component) {
            spec.needs.push("ucp-proxy".to_owned());
        }
        Ok(spec)
    }
}

/// Whether the cluster has what must be switched on for a component. What that depends on its node is another question.
pub(crate) fn is_switched_on(component: &Component, cluster: &ClusterSpec) -> bool {
    let config = &cluster.config.cluster;
    let is_on = match component.when {
        None | Some(Condition::KubernetesOrchestrator) => true,
        Some(Condition::Interlock) => cluster.interlock,
        Some(Condition::ManagedCni) => {
            !config.network.unmanaged_cni && config.network.cni_installer_url.is_empty()
        }
        Some(Condition::ServiceMesh) => config.service_mesh.enabled,
        Some(Condition::SecureOverlay) => config.network.secure_overlay,
    };
    is_on && (component.name != "k8s_ucp-nvidia-device-partitioner" || config.nvidia_device_plugin)
}

/// Puts each container after those that it needs, and takes out of its needs what is no wanted container. The table holds
/// no circle; if it did, the rest would follow in the table's order.
fn in_order(mut left: Vec<ContainerSpec>) -> Vec<ContainerSpec> {
    let names: BTreeSet<String> = left.iter().map(|spec| spec.name.clone()).collect();
    for spec in &mut left {
        spec.needs.retain(|other| names.contains(other));
    }
    let mut sorted: Vec<ContainerSpec> = Vec::with_capacity(left.len());
    let mut placed: BTreeSet<String> = BTreeSet::new();
    while !left.is_empty() {
        let free = |spec: &ContainerSpec| spec.needs.iter().all(|other| placed.contains(other));
        let place = left.iter().position(free).unwrap_or_default();
        let spec = left.remove(place);
        placed.insert(spec.name.clone());
        sorted.push(spec);
    }
    sorted
}

/// The facts that rendering asks for.
fn render_facts(cluster: &ClusterSpec, facts: &NodeFacts) -> render::NodeFacts {
    render::NodeFacts {
        // The store knows its members by their nodes' ids; Kubernetes knows nodes by their host names.
        name: facts.hostname.to_ascii_lowercase(),
        address: facts.address,
        role: facts.role,
        orchestrator: facts.orchestrator().rendered(),
        os: facts.os,
        managers: cluster.managers.iter().map(|manager| manager.address).collect(),
        cluster_id: cluster.cluster_id.clone(),
        cores: facts.cores,
        kubelet_profile: None,
        kubernetes_minor: kubernetes_minor(cluster.version.minor),
        paths: render::Paths {
            node_certs: NODE_CERTS.to_owned(),
            kv_certs: volume_path("ucp-kv-certs"),
            config: format!("{NODE_CERTS}/{KUBERNETES}"),
            kv_data: volume_path("ucp-kv"),
            ..render::Paths::default()
        },
    }
}

/// The second number of Kubernetes' version that came with a minor version of the product.
const fn kubernetes_minor(minor: u16) -> u16 {
    match minor {
        0..=3 => 18,
        4 => 20,
        _ => 21,
    }
}
