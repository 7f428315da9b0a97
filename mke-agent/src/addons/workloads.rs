//! Which workloads the add-ons are: where they lie, where their pods run, and which containers of the catalogue they hold.

use mke_core::product::{self, Component};

/// The namespace of the system.
pub(super) const SYSTEM: &str = "kube-system";
/// The namespace of Node Feature Discovery.
pub(super) const FEATURES: &str = "node-feature-discovery";
/// The namespace of the ingress.
pub(super) const MESH: &str = "istio-system";

/// Where the pods of a workload run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spread {
    /// One on every node: a DaemonSet.
    EveryNode,
    /// One on every node with this label: a DaemonSet.
    NodesWith(&'static str, &'static str),
    /// One on every manager: a DaemonSet.
    EveryManager,
    /// So many, on managers: a Deployment.
    Managers(u32),
}

/// One workload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Workload {
    /// Its namespace.
    pub(super) namespace: &'static str,
    /// Its name, which is also that of its service account and the value of its label `k8s-app`.
    pub(super) name: &'static str,
    /// Where its pods run.
    pub(super) spread: Spread,
    /// Its containers, by their names in the catalogue.
    pub(super) containers: &'static [&'static str],
}

/// One add-on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addon {
    /// The value of its objects' label.
    pub(super) name: &'static str,
    /// Its workloads.
    pub(super) workloads: &'static [Workload],
    /// Why its objects are not described here, when they are not.
    pub(super) undescribed: Option<&'static str>,
}

/// How many servers of names there are.
const DNS_SERVERS: u32 = 2;

/// Every add-on of the catalogue.
pub(super) const ADDONS: &[Addon] = &[
    Addon {
        name: "calico",
        workloads: &[
            Workload {
                namespace: SYSTEM,
                name: "calico-node",
                spread: Spread::EveryNode,
                containers: &[
                    "k8s_firewalld-policy_calico-node",
                    "k8s_install-cni_calico-node",
                    "k8s_calico-node",
                ],
            },
            Workload {
                namespace: SYSTEM,
                name: "calico-kube-controllers",
                spread: Spread::Managers(1),
                containers: &["k8s_enable-strictaffinity", "k8s_calico-kube-controllers"],
            },
        ],
        undescribed: None,
    },
    Addon {
        name: "coredns",
        workloads: &[Workload {
            namespace: SYSTEM,
            name: "coredns",
            spread: Spread::Managers(DNS_SERVERS),
            containers: &["k8s_ucp-coredns_coredns"],
        }],
        undescribed: None,
    },
    Addon {
        name: "metrics",
        workloads: &[Workload {
            namespace: SYSTEM,
            name: "ucp-metrics",
            spread: Spread::EveryManager,
            containers: &[
                "k8s_ucp-metrics-inventory",
                "k8s_ucp-metrics-prometheus",
                "k8s_ucp-metrics-proxy",
            ],
        }],
        undescribed: None,
    },
    Addon {
        name: "node-feature-discovery",
        workloads: &[Workload {
            namespace: FEATURES,
            name: "ucp-node-feature-discovery",
            spread: Spread::EveryNode,
            containers: &[
                "k8s_ucp-node-feature-discovery-master",
                "k8s_ucp-node-feature-discovery-worker",
            ],
        }],
        undescribed: None,
    },
    Addon {
        name: "nvidia",
        workloads: &[Workload {
            namespace: SYSTEM,
            name: "ucp-nvidia-device-partitioner",
            spread: Spread::NodesWith(product::labels::GPU_NVIDIA, "true"),
            containers: &["k8s_ucp-nvidia-device-partitioner"],
        }],
        undescribed: None,
    },
    Addon {
        name: "secure-overlay",
        workloads: &[
            Workload {
                namespace: SYSTEM,
                name: "ucp-secureoverlay-agent",
                spread: Spread::EveryNode,
                containers: &["k8s_ucp-secureoverlay-agent"],
            },
            Workload {
                namespace: SYSTEM,
                name: "ucp-secureoverlay-mgr",
                spread: Spread::Managers(1),
                containers: &["k8s_ucp-secureoverlay-mgr"],
            },
        ],
        undescribed: Some("no image of it is known"),
    },
    Addon {
        name: "service-mesh",
        workloads: &[
            Workload {
                namespace: MESH,
                name: "istio-pilot",
                spread: Spread::Managers(1),
                containers: &["k8s_discovery_istio-pilot", "k8s_istio-proxy_istio-pilot"],
            },
            Workload {
                namespace: MESH,
                name: "istio-ingressgateway",
                spread: Spread::Managers(2),
                containers: &[
                    "k8s_istio-proxy_istio-ingressgateway",
                    "k8s_ingress-sds_istio-ingressgateway",
                ],
            },
            Workload {
                namespace: MESH,
                name: "istio-mixer",
                spread: Spread::Managers(1),
                containers: &["k8s_mixer_istio-mixer"],
            },
        ],
        undescribed: Some("this version does not describe the ingress of Kubernetes"),
    },
    Addon {
        name: "compose",
        workloads: &[
            Workload {
                namespace: SYSTEM,
                name: "compose",
                spread: Spread::Managers(1),
                containers: &["k8s_ucp-kube-compose"],
            },
            Workload {
                namespace: SYSTEM,
                name: "compose-api",
                spread: Spread::Managers(1),
                containers: &["k8s_ucp-kube-compose-api"],
            },
        ],
        undescribed: Some("Compose on Kubernetes ended with 3.4.10 and is not brought along"),
    },
    Addon {
        name: "kube-dns",
        workloads: &[Workload {
            namespace: SYSTEM,
            name: "kube-dns",
            spread: Spread::Managers(1),
            containers: &[
                "k8s_ucp-kube-dns",
                "k8s_ucp-dnsmasq-nanny",
                "k8s_ucp-kubedns-sidecar",
            ],
        }],
        undescribed: Some("it ended with 3.3, and names are CoreDNS' since"),
    },
];

impl Workload {
    /// Its containers as the catalogue has them, those that run before the others first.
    pub(super) fn components(&self) -> impl Iterator<Item = &'static Component> {
        self.containers.iter().filter_map(|name| product::component(name))
    }

    /// The kind of object that it is.
    pub(super) const fn kind(&self) -> &'static str {
        match self.spread {
            Spread::EveryNode | Spread::NodesWith(..) | Spread::EveryManager => "DaemonSet",
            Spread::Managers(_) => "Deployment",
        }
    }
}

/// The name of a container in its pod: the catalogue has it as `k8s_<container>` or `k8s_<container>_<pod>`.
pub(super) fn container_name(component: &Component) -> &'static str {
    let name = component.name.strip_prefix("k8s_").unwrap_or(component.name);
    name.split_once('_').map_or(name, |(container, _)| container)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mke_core::product::{Kind, pods};

    use super::*;

    /// ARCH-016: every container of the catalogue's pods stands in exactly one workload, and no other one does.
    #[test]
    fn the_catalogue_and_the_workloads_agree() {
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for name in ADDONS
            .iter()
            .flat_map(|addon| addon.workloads)
            .flat_map(|workload| workload.containers)
        {
            *known.entry(name).or_default() += 1;
        }
        let listed: BTreeMap<&str, usize> = pods()
            .iter()
            .filter(|pod| matches!(pod.kind, Kind::Pod | Kind::Init))
            .map(|pod| (pod.name, 1))
            .collect();
        assert_eq!(known, listed);
        for (name, container) in [
            ("k8s_calico-node", "calico-node"),
            ("k8s_install-cni_calico-node", "install-cni"),
            ("k8s_ucp-coredns_coredns", "ucp-coredns"),
        ] {
            let found = product::component(name).map(container_name);
            assert_eq!(found, Some(container));
        }
    }
}
