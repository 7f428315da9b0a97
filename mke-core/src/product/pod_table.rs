//! Every container of the pods that Kubernetes starts for the product. They are looked for, shown and cleaned up by name.

use super::component::{ALL, Component, Condition, MANAGERS, Placement};

/// The containers of the pods.
pub(super) const PODS: &[Component] = &[
    Component::pod("k8s_calico-kube-controllers", "Cluster-wide Calico controller.")
        .image("ucp-calico-kube-controllers")
        .on(MANAGERS)
        .placed(Placement::OneManager)
        .after(&["ucp-kubelet"])
        .when(Condition::ManagedCni),
    Component::pod("k8s_calico-node", "Calico node agent (Felix, BIRD).")
        .image("ucp-calico-node")
        .on(ALL)
        .placed(Placement::EveryNode)
        .after(&["ucp-kubelet"])
        .when(Condition::ManagedCni),
    Component::pod(
        "k8s_install-cni_calico-node",
        "Installs CNI binaries and configuration on the host.",
    )
    .image("ucp-calico-cni")
    .on(ALL)
    .placed(Placement::EveryNode)
    .after(&["ucp-kubelet"])
    .when(Condition::ManagedCni),
    Component::init(
        "k8s_firewalld-policy_calico-node",
        "Checks that firewalld and Calico can live together.",
    )
    .on(ALL)
    .placed(Placement::EveryNode)
    .after(&["ucp-kubelet"])
    .when(Condition::ManagedCni),
    Component::init(
        "k8s_enable-strictaffinity",
        "Sets Calico StrictAffinity from configuration.",
    )
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .when(Condition::ManagedCni),
    Component::pod(
        "k8s_ucp-coredns_coredns",
        "CoreDNS service discovery (replaces kube-dns from 3.3).",
    )
    .image("ucp-coredns")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .since(3, 3, 0),
    Component::pod(
        "k8s_ucp-kube-compose",
        "Translates Compose stacks into Kubernetes objects.",
    )
    .image("ucp-kube-compose")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .until(3, 4, 10),
    Component::pod("k8s_ucp-kube-compose-api", "API server of Compose on Kubernetes.")
        .image("ucp-kube-compose-api")
        .on(MANAGERS)
        .placed(Placement::OneManager)
        .after(&["ucp-kubelet"])
        .until(3, 4, 10),
    Component::pod(
        "k8s_ucp-metrics-inventory",
        "Writes the scrape target list for Prometheus.",
    )
    .image("ucp-metrics")
    .on(MANAGERS)
    .placed(Placement::EveryManager)
    .after(&["ucp-kubelet"]),
    Component::pod("k8s_ucp-metrics-prometheus", "Collects and stores metrics.")
        .image("ucp-metrics")
        .on(MANAGERS)
        .placed(Placement::EveryManager)
        .after(&["ucp-kubelet"]),
    Component::pod(
        "k8s_ucp-metrics-proxy",
        "Authenticating proxy in front of Prometheus.",
    )
    .image("ucp-metrics")
    .on(MANAGERS)
    .placed(Placement::EveryManager)
    .after(&["ucp-kubelet"]),
    Component::pod(
        "k8s_ucp-node-feature-discovery-master",
        "Node Feature Discovery labels, master part.",
    )
    .image("ucp-node-feature-discovery")
    .on(ALL)
    .placed(Placement::EveryNode)
    .after(&["ucp-kubelet"]),
    Component::pod(
        "k8s_ucp-node-feature-discovery-worker",
        "Node Feature Discovery labels, worker part.",
    )
    .image("ucp-node-feature-discovery")
    .on(ALL)
    .placed(Placement::EveryNode)
    .after(&["ucp-kubelet"]),
    Component::pod(
        "k8s_discovery_istio-pilot",
        "Istio ingress component for Kubernetes layer 7 routing.",
    )
    .image("ucp-istio-pilot")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .when(Condition::ServiceMesh),
    Component::pod(
        "k8s_ingress-sds_istio-ingressgateway",
        "Istio ingress component for Kubernetes layer 7 routing.",
    )
    .image("ucp-istio-node-agent-k8s")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .when(Condition::ServiceMesh),
    Component::pod(
        "k8s_istio-proxy_istio-ingressgateway",
        "Istio ingress component for Kubernetes layer 7 routing.",
    )
    .image("ucp-istio-proxyv2")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .when(Condition::ServiceMesh),
    Component::pod(
        "k8s_istio-proxy_istio-pilot",
        "Istio ingress component for Kubernetes layer 7 routing.",
    )
    .image("ucp-istio-proxyv2")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .when(Condition::ServiceMesh),
    Component::pod(
        "k8s_mixer_istio-mixer",
        "Istio ingress component for Kubernetes layer 7 routing.",
    )
    .image("ucp-istio-mixer")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .when(Condition::ServiceMesh),
    Component::pause(
        "k8s_POD_calico-node",
        "Holds namespaces and cgroups of the calico-node pod.",
    )
    .image("ucp-pause")
    .on(ALL)
    .placed(Placement::EveryNode)
    .after(&["ucp-kubelet"]),
    Component::pause(
        "k8s_POD_calico-kube-controllers",
        "Holds namespaces and cgroups of the calico-kube-controllers pod.",
    )
    .image("ucp-pause")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"]),
    Component::pause(
        "k8s_POD_compose",
        "Holds namespaces and cgroups of the compose pod.",
    )
    .image("ucp-pause")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .until(3, 4, 10),
    Component::pause(
        "k8s_POD_compose-api",
        "Holds namespaces and cgroups of the compose-api pod.",
    )
    .image("ucp-pause")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .until(3, 4, 10),
    Component::pause(
        "k8s_POD_coredns",
        "Holds namespaces and cgroups of the coredns pod.",
    )
    .image("ucp-pause")
    .on(MANAGERS)
    .placed(Placement::OneManager)
    .after(&["ucp-kubelet"])
    .since(3, 3, 0),
    Component::pause(
        "k8s_POD_ucp-metrics",
        "Holds namespaces and cgroups of the ucp-metrics pod.",
    )
    .image("ucp-pause")
    .on(MANAGERS)
    .placed(Placement::EveryManager)
    .after(&["ucp-kubelet"]),
    Component::pause(
        "k8s_POD_ucp-node-feature-discovery",
        "Holds namespaces and cgroups of the ucp-node-feature-discovery pod.",
    )
    .image("ucp-pause")
    .on(ALL)
    .placed(Placement::EveryNode)
    .after(&["ucp-kubelet"]),
    Component::pod(
        "k8s_ucp-secureoverlay-agent",
        "IPsec agent that encrypts Calico IPIP traffic between nodes.",
    )
    .on(ALL)
    .placed(Placement::EveryNode)
    .after(&["k8s_calico-node"])
    .when(Condition::SecureOverlay),
    Component::pod("k8s_ucp-secureoverlay-mgr", "Key manager of secure overlay.")
        .on(MANAGERS)
        .placed(Placement::OneManager)
        .after(&["k8s_calico-node"])
        .when(Condition::SecureOverlay),
    Component::pod(
        "k8s_ucp-nvidia-device-partitioner",
        "Labels nodes with NVIDIA hardware and offers GPUs to pods.",
    )
    .image("ucp-nvidia-device-plugin")
    .on(ALL)
    .placed(Placement::EveryNode)
    .after(&["ucp-kubelet"])
    .since(3, 5, 5),
    Component::pod("k8s_ucp-kube-dns", "kube-dns server before CoreDNS")
        .image("ucp-kube-dns")
        .on(MANAGERS)
        .placed(Placement::OneManager)
        .after(&["ucp-kubelet"])
        .until(3, 3, 0),
    Component::pod("k8s_ucp-dnsmasq-nanny", "dnsmasq of kube-dns")
        .image("ucp-kube-dns-dnsmasq-nanny")
        .on(MANAGERS)
        .placed(Placement::OneManager)
        .after(&["ucp-kubelet"])
        .until(3, 3, 0),
    Component::pod("k8s_ucp-kubedns-sidecar", "Health and metrics of kube-dns")
        .image("ucp-kube-dns-sidecar")
        .on(MANAGERS)
        .placed(Placement::OneManager)
        .after(&["ucp-kubelet"])
        .until(3, 3, 0),
    Component::pause("k8s_POD_kube-dns", "Pause container of kube-dns")
        .image("ucp-pause")
        .on(MANAGERS)
        .placed(Placement::OneManager)
        .after(&["ucp-kubelet"])
        .until(3, 3, 0),
];
