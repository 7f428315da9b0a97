//! A network plugin of somebody else: what waits for it, and what is said meanwhile (CNI-002, CNI-003, CNI-005).

/// What kubelet says about the network of its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KubeletNetwork {
    /// Pods get addresses.
    Ready,
    /// No plugin is there yet.
    NotReady,
}

/// The message of a node without a plugin; `others` is how many nodes there are besides it.
pub fn node_message(unmanaged: bool, network: KubeletNetwork, others: usize) -> Option<String> {
    match (network, unmanaged) {
        (KubeletNetwork::Ready, _) => None,
        (KubeletNetwork::NotReady, false) => {
            Some("NetworkPluginNotReady: Calico has not started on this node yet".to_owned())
        }
        (KubeletNetwork::NotReady, true) => {
            let order = match others {
                0 => "",
                _ => "; it should have been there before other nodes joined",
            };
            Some(format!(
                "NetworkPluginNotReady: the cluster has no network plugin yet. Put its programs into /opt/cni/bin and apply \
                 its manifest; its messages are in `docker logs ucp-kubelet`{order}"
            ))
        }
    }
}

/// The phase in which a pod is seen.
pub fn pod_phase(network: KubeletNetwork, needs_network: bool, on_a_node: bool) -> &'static str {
    match (network, needs_network, on_a_node) {
        (KubeletNetwork::Ready, ..) | (_, false, true) => "Running",
        (_, true, true) => "ContainerCreating",
        (_, _, false) => "Pending",
    }
}

/// What kube-proxy of a Windows node waits for: the variables that are not set yet.
pub fn kube_proxy_hint(network_name: Option<&str>, source_vip: Option<&str>) -> Vec<String> {
    let missing = |value: Option<&str>| value.is_none_or(|value| value.trim().is_empty());
    [
        ("CNINetworkName", "vxlan0", missing(network_name)),
        ("CNISourceVip", "192.0.2.10", missing(source_vip)),
    ]
    .into_iter()
    .filter(|(.., missing)| *missing)
    .map(|(name, example, _)| {
        format!(
            "set {name}, for example: [System.Environment]::SetEnvironmentVariable(\"{name}\", \"{example}\", \
             [System.EnvironmentVariableTarget]::Machine)"
        )
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use KubeletNetwork::{NotReady, Ready};

    use super::*;

    /// CNI-002, CNI-003: a node without a plugin is unhealthy and says what to do and in which order.
    #[test]
    fn nodes_without_a_plugin() {
        assert_eq!(node_message(true, Ready, 3), None);
        let alone = node_message(true, NotReady, 0).unwrap();
        assert!(
            alone.starts_with("NetworkPluginNotReady") && alone.contains("/opt/cni/bin"),
            "{alone}"
        );
        assert!(!alone.contains("before other nodes joined"));
        assert!(
            node_message(true, NotReady, 1)
                .unwrap()
                .ends_with("before other nodes joined")
        );
        assert!(node_message(false, NotReady, 0).unwrap().contains("Calico"));
        assert_eq!(pod_phase(NotReady, true, true), "ContainerCreating");
        assert_eq!(pod_phase(NotReady, true, false), "Pending");
        assert_eq!(pod_phase(NotReady, false, true), "Running");
        assert_eq!(pod_phase(Ready, true, true), "Running");
    }

    /// CNI-005: both variables are asked for until both are set.
    #[test]
    fn hints_of_kube_proxy_on_windows() {
        assert_eq!(kube_proxy_hint(None, None).len(), 2);
        assert!(kube_proxy_hint(Some("vxlan0"), Some(" "))[0].starts_with("set CNISourceVip"));
        assert!(kube_proxy_hint(Some("vxlan0"), Some("192.0.2.10")).is_empty());
    }
}
