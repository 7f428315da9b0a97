//! Every image of the product, by name.

use super::image::Image;

/// The images.
pub(super) const IMAGES: &[Image] = &[
    Image::new("ucp", "bootstrapper: all CLI commands").made(),
    Image::new(
        "ucp-agent",
        "agents, ucp-proxy, ucp-reconcile, ucp-kubelet wrapper",
    )
    .swarm_only()
    .windows("ucp-agent-win")
    .made(),
    Image::new("ucp-auth", "ucp-auth-api, ucp-auth-worker")
        .swarm_only()
        .made(),
    Image::new("ucp-auth-store", "RethinkDB").swarm_only(),
    Image::new("ucp-azure-ip-allocator", "Azure address pool allocator").swarm_only(),
    Image::new("ucp-calico-cni", "CNI plugin installer"),
    Image::new("ucp-calico-kube-controllers", "Calico controllers"),
    Image::new("ucp-calico-node", "Calico node agent"),
    Image::new("ucp-cfssl", "both certificate authorities")
        .swarm_only()
        .made(),
    Image::new("ucp-compose", "docker-compose helper").swarm_only(),
    Image::new("ucp-containerd-shim-process", "containerd shim helper")
        .swarm_only()
        .windows("ucp-containerd-shim-process-win"),
    Image::new("ucp-controller", "web server").swarm_only().made(),
    Image::new("ucp-dsinfo", "support data")
        .swarm_only()
        .windows("ucp-dsinfo-win")
        .made(),
    Image::new("ucp-etcd", "etcd").swarm_only().made(),
    Image::new("ucp-hyperkube", "Kubernetes binaries"),
    Image::new("ucp-interlock", "Interlock core").swarm_only().made(),
    Image::new("ucp-interlock-extension", "Interlock extension")
        .swarm_only()
        .made(),
    Image::new("ucp-interlock-proxy", "Interlock proxy (nginx)")
        .swarm_only()
        .made(),
    Image::new("ucp-interlock-config", "Interlock configuration service")
        .swarm_only()
        .made(),
    Image::new("ucp-kube-compose", "Compose on Kubernetes controller"),
    Image::new("ucp-kube-compose-api", "Compose on Kubernetes API"),
    Image::new("ucp-kube-gmsa-webhook", "gMSA webhook"),
    Image::new("ucp-coredns", "CoreDNS"),
    Image::new("ucp-metrics", "Prometheus, inventory, proxy")
        .swarm_only()
        .made(),
    Image::new("ucp-pause", "pause container"),
    Image::new("ucp-swarm", "classic Swarm").swarm_only().made(),
    Image::new("ucp-istio-node-agent-k8s", "Istio SDS agent"),
    Image::new("ucp-istio-pilot", "Istio pilot"),
    Image::new("ucp-istio-proxyv2", "Istio Envoy proxy"),
    Image::new("ucp-istio-mixer", "Istio mixer"),
    Image::new("ucp-openstack-ccm", "OpenStack cloud controller manager").swarm_only(),
    Image::new("ucp-openstack-cinder-csi-plugin", "Cinder CSI plugin").swarm_only(),
    Image::new("ucp-csi-attacher", "CSI sidecar").swarm_only(),
    Image::new("ucp-csi-provisioner", "CSI sidecar").swarm_only(),
    Image::new("ucp-csi-snapshotter", "CSI sidecar").swarm_only(),
    Image::new("ucp-csi-resizer", "CSI sidecar").swarm_only(),
    Image::new("ucp-csi-node-driver-registrar", "CSI sidecar").swarm_only(),
    Image::new("ucp-csi-liveness-probe", "CSI sidecar").swarm_only(),
    Image::new("ucp-hardware-info", "host facts").made(),
    Image::new("ucp-node-feature-discovery", "node feature discovery"),
];
