//! The network of pods: how packets travel between nodes, how large they may be, and what on a host is in its way.

mod affinity;
mod autodetection;
mod encapsulation;
mod host;
mod mtu;
mod unmanaged;
mod xfrm;

pub use affinity::strict_affinity;
pub use autodetection::{Autodetection, MethodError};
pub use encapsulation::{Encapsulation, History};
pub use host::{Firewalld, NETWORK_MANAGER_FILE, firewalld, network_manager};
pub use mtu::{MtuProblem, packet_size, packet_size_problems, packet_sizes, secure_overlay_size};
pub use unmanaged::{KubeletNetwork, kube_proxy_hint, node_message, pod_phase};
pub use xfrm::{Tunnel, TunnelKey, secure_tunnel};
