//! Every port of the product with its scope (NET-009).

use super::component::{ALL, MANAGERS};
use super::port::{Port, Scope};

/// The ports.
pub(super) const PORTS: &[Port] = &[
    Port::tcp(179, "BGP peering between Calico nodes")
        .on(ALL)
        .reached(&[Scope::Internal])
        .of("calico-node")
        .firewall(),
    Port::tcp(443, "Web UI and API")
        .on(MANAGERS)
        .reached(&[Scope::External, Scope::Internal])
        .of("ucp-controller")
        .container(8080)
        .key("cluster_config.controller_port")
        .flag("--controller-port")
        .swarm_only()
        .firewall(),
    Port::tcp(2376, "Classic Swarm manager, backwards compatibility")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-swarm-manager")
        .container(2375)
        .key("cluster_config.swarm_port")
        .flag("--swarm-port")
        .swarm_only()
        .firewall(),
    Port::tcp(2377, "Swarm control traffic between nodes (gRPC)")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("container runtime (swarm)")
        .flag("--swarm-grpc-port")
        .swarm_only()
        .firewall(),
    Port::udp(4789, "Overlay (VXLAN) data traffic")
        .on(ALL)
        .reached(&[Scope::Internal])
        .of("container runtime (swarm) and Calico VXLAN")
        .swarm_only()
        .firewall(),
    Port::tcp(6443, "Kubernetes API endpoint for clients")
        .on(MANAGERS)
        .reached(&[Scope::External, Scope::Internal])
        .of("ucp-controller")
        .container(8081)
        .key("cluster_config.kube_apiserver_port")
        .flag("--kube-apiserver-port")
        .firewall(),
    Port::tcp(6444, "Reverse proxy to the Kubernetes API")
        .on(ALL)
        .reached(&[Scope::Own])
        .of("ucp-proxy")
        .container(6444),
    Port::both(7946, "Gossip clustering")
        .on(ALL)
        .reached(&[Scope::Internal])
        .of("container runtime (swarm)")
        .swarm_only()
        .firewall(),
    Port::tcp(9091, "Felix metrics of calico-node for Prometheus")
        .on(ALL)
        .reached(&[Scope::Internal])
        .of("calico-node"),
    Port::tcp(9094, "Felix metrics of calico-kube-controllers for Prometheus")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("calico-kube-controllers"),
    Port::tcp(9099, "Calico health check")
        .on(ALL)
        .reached(&[Scope::Own])
        .of("calico-node"),
    Port::tcp(10_250, "Kubelet API")
        .on(ALL)
        .reached(&[Scope::Internal])
        .of("ucp-kubelet")
        .firewall(),
    Port::tcp(12_376, "TLS authentication proxy to the container runtime")
        .on(ALL)
        .reached(&[Scope::Internal])
        .of("ucp-proxy")
        .container(2376)
        .swarm_only()
        .firewall(),
    Port::tcp(12_378, "Reverse proxy to etcd")
        .on(ALL)
        .reached(&[Scope::Own])
        .of("ucp-proxy")
        .container(12_378)
        .swarm_only(),
    Port::tcp(12_379, "etcd client (control) API")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-kv")
        .container(2379)
        .swarm_only()
        .firewall(),
    Port::tcp(12_380, "etcd peer API")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-kv")
        .container(12_380)
        .swarm_only()
        .firewall(),
    Port::tcp(12_381, "Cluster certificate authority")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-cluster-root-ca")
        .container(12_381)
        .swarm_only()
        .firewall(),
    Port::tcp(12_382, "Client certificate authority")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-client-root-ca")
        .container(12_382)
        .swarm_only()
        .firewall(),
    Port::tcp(12_383, "Authentication store (RethinkDB client driver)")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-auth-store")
        .container(12_383)
        .swarm_only()
        .firewall(),
    Port::tcp(12_384, "Authentication store replication between managers")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-auth-store")
        .container(12_384)
        .swarm_only()
        .firewall(),
    Port::tcp(12_385, "Authentication service API")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-auth-api")
        .container(4443)
        .swarm_only()
        .firewall(),
    Port::tcp(12_386, "Authentication worker")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-auth-worker")
        .container(4443)
        .swarm_only()
        .firewall(),
    Port::tcp(12_387, "Prometheus server")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-metrics")
        .swarm_only()
        .firewall(),
    Port::tcp(12_388, "Kubernetes API server, internal")
        .on(MANAGERS)
        .reached(&[Scope::Internal])
        .of("ucp-kube-apiserver")
        .container(12_388)
        .firewall(),
    Port::tcp(12_389, "Hardware discovery API")
        .on(ALL)
        .reached(&[Scope::Own])
        .of("ucp-hardware-info")
        .swarm_only(),
    Port::tcp(12_390, "Not described in 3.4; only in the firewall list of the install command and in the 3.x to 4k upgrade summary")
        .firewall(),
    Port::tcp(9055, "Port of later 3.7 and 3.8 releases; appears only in the list freed by an upgrade to 4k"),
    Port::tcp(12_391, "Port of later 3.7 and 3.8 releases; appears only in the list freed by an upgrade to 4k"),
    Port::tcp(12_392, "Port of later 3.7 and 3.8 releases; appears only in the list freed by an upgrade to 4k"),
];
