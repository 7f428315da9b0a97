//! Where components find their volumes, and what else they see of the node.

/// Where every component finds its node's certificate: `ca.pem`, `cert.pem` and `key.pem` (volume `ucp-node-certs`).
pub const NODE_CERTS: &str = "/etc/ucp/node";

/// Where a component finds one of its volumes: the node's certificates at [`NODE_CERTS`], all others below `/v`.
///
/// ```
/// use mke_agent::node::volume_path;
/// assert_eq!(volume_path("ucp-kv"), "/v/ucp-kv");
/// assert_eq!(volume_path("ucp-node-certs"), "/etc/ucp/node");
/// ```
pub fn volume_path(volume: &str) -> String {
    if volume == "ucp-node-certs" {
        NODE_CERTS.to_owned()
    } else {
        format!("/v/{volume}")
    }
}

/// Where components find the engine's socket.
pub(super) const SOCKET: &str = "/var/run/docker.sock";

/// Below the node's certificates: files of Kubernetes' components.
pub(super) const KUBERNETES: &str = "kubernetes";
