//! From the catalogue and the configuration to the objects and taints of a cluster.

use std::collections::BTreeSet;

use mke_core::product::{ImageRef, Kind, Os};
use mke_core::render;
use serde_json::{Value, json};

use super::manifest::{Manifest, rank};
use super::nodes::{KubeNode, NodeTaints};
use super::settings::{Described, Settings};
use super::workloads::{ADDONS, Addon, Workload, container_name};
use super::{around, pods};
use crate::node::{ClusterSpec, NODE_CERTS, Wanting, is_switched_on};

/// What is wanted in Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The installation.
    pub cluster_id: String,
    /// Objects, each after those that it needs.
    pub objects: Vec<Manifest>,
    /// Add-ons that belong to the cluster and cannot be described: what there is of them is left alone.
    pub kept: BTreeSet<String>,
    /// What is not there although the configuration asks for it, with the reason.
    pub waiting: Vec<Wanting>,
    /// The taints of nodes.
    pub nodes: Vec<NodeTaints>,
}

impl Wanted {
    /// What is wanted. Every cluster has an answer; one without Kubernetes wants nothing.
    pub fn of(cluster: &ClusterSpec, nodes: &[KubeNode]) -> Self {
        let mut wanted = Self {
            cluster_id: cluster.cluster_id.clone(),
            ..Self::default()
        };
        if cluster.config.cluster.swarm_only {
            return wanted;
        }
        wanted.nodes = nodes.iter().map(NodeTaints::of).collect();
        let facts = cluster_facts(cluster);
        for addon in ADDONS {
            match wanted.addon(addon, cluster, &facts) {
                Ok(objects) => wanted.objects.extend(objects),
                Err(why) => {
                    wanted.kept.insert(addon.name.to_owned());
                    wanted.wait(addon.name, why);
                }
            }
        }
        wanted.without_name(cluster);
        wanted.objects.sort_by_key(|object| rank(&object.place.kind));
        wanted
    }

    /// The objects as the API server and `kubectl apply` take them.
    pub fn list(&self) -> Value {
        let items: Vec<&Value> = self.objects.iter().map(|object| &object.object).collect();
        json!({ "apiVersion": "v1", "kind": "List", "items": items })
    }

    /// The objects of an add-on; none when the cluster does not have it.
    fn addon(
        &mut self,
        addon: &Addon,
        cluster: &ClusterSpec,
        facts: &render::NodeFacts,
    ) -> Result<Vec<Manifest>, String> {
        let mut objects = Vec::new();
        for workload in addon.workloads {
            if !is_there(workload, cluster) {
                continue;
            }
            if let Some(why) = addon.undescribed {
                return Err(why.to_owned());
            }
            objects.extend(self.workload(addon, workload, cluster, facts)?);
        }
        Ok(objects)
    }

    fn workload(
        &mut self,
        addon: &Addon,
        workload: &Workload,
        cluster: &ClusterSpec,
        facts: &render::NodeFacts,
    ) -> Result<Vec<Manifest>, String> {
        let settings = Settings::of(workload, cluster, facts)?;
        let (mut init, mut containers) = (Vec::new(), Vec::new());
        let mut volumes = Vec::new();
        for component in workload.components() {
            let Some(image) = component.image else {
                self.wait(component.name, "no image of it is known".to_owned());
                continue;
            };
            let image = ImageRef::new(&cluster.organisation, image, cluster.version);
            let name = container_name(component);
            let Described { container, needs } = settings.container(name, &image.to_string());
            volumes.extend(needs);
            match component.kind {
                Kind::Init => init.push(container),
                _ => containers.push(container),
            }
        }
        let content = pods::workload(workload, settings.host_network, init, containers, volumes);
        let mut objects = around::of(addon.name, workload, &settings, cluster);
        let place = super::Place::within(workload.namespace, workload.kind(), workload.name);
        objects.push(Manifest::new(&cluster.cluster_id, addon.name, place, content));
        Ok(objects)
    }

    fn wait(&mut self, component: &str, why: String) {
        self.waiting.push(Wanting {
            component: component.to_owned(),
            why,
        });
    }

    /// What the configuration asks for and the catalogue has no name for.
    fn without_name(&mut self, cluster: &ClusterSpec) {
        let config = &cluster.config.cluster;
        let network = &config.network;
        let is = |value: Option<bool>| value == Some(true);
        for (asked, key) in [
            (!network.cni_installer_url.is_empty(), "cni_installer_url"),
            (is(network.node_local_dns), "node_local_dns"),
            (is(network.multus_cni), "multus_cni"),
            (is(config.windows_gmsa), "windows_gmsa"),
            (config.metrics.cadvisor_enabled, "cadvisor_enabled"),
            (config.metallb.enabled, "metallb_config.enabled"),
            (config.ingress_controller.enabled, "ingress_controller.enabled"),
            (
                config.policy.gatekeeper.enabled,
                "policy_enforcement.gatekeeper.enabled",
            ),
        ] {
            if asked {
                let why = "this version describes no objects for it".to_owned();
                self.wait(&format!("cluster_config.{key}"), why);
            }
        }
        if network.calico_kdd && !network.unmanaged_cni && network.cni_installer_url.is_empty() {
            let why = "with cluster_config.calico_kdd Calico keeps its data in kinds of its own (crd.projectcalico.org), which come \
                       with its version: apply them first";
            self.wait("calico", why.to_owned());
        }
    }
}

/// Whether the cluster has a workload: at least one of its containers that go on running belongs to it.
fn is_there(workload: &Workload, cluster: &ClusterSpec) -> bool {
    workload.components().any(|component| {
        component.kind == Kind::Pod
            && component.made
            && component.exists_in(cluster.version)
            && is_switched_on(component, cluster)
    })
}

/// What rendering asks about a node, for what is the same on all nodes.
fn cluster_facts(cluster: &ClusterSpec) -> render::NodeFacts {
    let managers: Vec<_> = cluster.managers.iter().map(|manager| manager.address).collect();
    let address = managers
        .first()
        .copied()
        .unwrap_or(std::net::Ipv4Addr::LOCALHOST.into());
    render::NodeFacts {
        role: render::NodeRole::Worker,
        orchestrator: render::Orchestrator::Kubernetes,
        os: Os::Linux,
        managers,
        cluster_id: cluster.cluster_id.clone(),
        paths: render::Paths {
            node_certs: NODE_CERTS.to_owned(),
            // Pods run on workers too, which have no certificate but that of their node.
            kv_certs: NODE_CERTS.to_owned(),
            config: super::settings::CONFIG.to_owned(),
            ..render::Paths::default()
        },
        ..render::NodeFacts::single_manager("cluster", address)
    }
}
