//! Labels that the product reads or writes.

/// On our containers, services and other objects: the id of the installation they belong to.
pub const INSTANCE_ID: &str = "com.docker.ucp.InstanceID";
/// On our containers: the version that made them.
pub const VERSION: &str = "com.docker.ucp.version";
/// On our containers: the digest of what was wanted when they were made. Another digest means drift.
pub const SPEC: &str = "com.docker.ucp.spec";
/// On our containers: the digest of the arguments that only help it to begin. Another digest counts as long as it does not run.
pub const FIRST_START: &str = "com.docker.ucp.first-start";
/// On a manager's node: further names for its server certificate, with commas between them.
pub const SANS: &str = "com.docker.ucp.SANs";
/// On a node, with value `true`: nothing is reconciled there.
pub const AGENT_PAUSE: &str = "com.docker.ucp.agent-pause";
/// On a manager: the members of the store that will never be back, by their ids in hexadecimal with commas between them. When
/// they are the reason that the store takes no writes, the member of this node goes on without them.
pub const STORE_FORGET: &str = "com.docker.ucp.store-forget";
/// On a worker: it stays on its version during a phased upgrade. Presence counts, not the value.
pub const UPGRADE_HOLD: &str = "com.docker.ucp.upgrade-hold";
/// On a node, with value `true`: its agent gives kernel parameters the values that a cluster needs. One of ours: the product's
/// documents leave that to others (decision 0031).
pub const KERNEL_PARAMETERS: &str = "com.docker.ucp.kernel-parameters";
/// On a node, with value `true`: it takes Swarm's workloads.
pub const ORCHESTRATOR_SWARM: &str = "com.docker.ucp.orchestrator.swarm";
/// On a node, with value `true`: it takes Kubernetes' workloads.
pub const ORCHESTRATOR_KUBERNETES: &str = "com.docker.ucp.orchestrator.kubernetes";
/// On a node or a resource: the path of its collection.
pub const ACCESS_LABEL: &str = "com.docker.ucp.access.label";
/// On a resource: who owns it.
pub const ACCESS_OWNER: &str = "com.docker.ucp.access.owner";
/// On a resource: the id of its collection.
pub const COLLECTION: &str = "com.docker.ucp.collection";
/// The key of the taint that keeps users' pods off managers.
pub const MANAGER_TAINT: &str = "com.docker.ucp.manager";
/// On a Kubernetes node with NVIDIA devices.
pub const GPU_NVIDIA: &str = "com.docker.ucp.gpu.nvidia";
