//! What offers the NVIDIA devices of a node to pods (GPU-001). Nodes with such devices carry a label.

use super::flags::Origin;
use super::{Mount, Work};
use crate::render::facts::OperatingSystem;

const PLUGIN: &str = "cluster_config.nvidia_device_plugin";

/// The label of nodes with NVIDIA devices.
const LABEL: &str = "com.docker.ucp.gpu.nvidia=true";

pub(super) fn render(work: &mut Work<'_>) {
    let cluster = &work.config.cluster;
    let absent = if !cluster.nvidia_device_plugin {
        Some("`cluster_config.nvidia_device_plugin` is off")
    } else if work.facts.os == OperatingSystem::Windows {
        Some("it runs on Linux only")
    } else {
        None
    };
    if work.is_absent(absent) {
        return;
    }
    let strategy = if cluster.nvidia_device_partitioner {
        "mixed"
    } else {
        "none"
    };
    let key = Origin::Key("cluster_config.nvidia_device_partitioner");
    work.variable("MIG_STRATEGY", strategy, key);
    let why = Origin::Fixed("it waits on nodes whose driver is not loaded yet");
    work.variable("FAIL_ON_INIT_ERROR", false, why);
    let root = &cluster.kubelet.kubelet_data_root;
    let plugins = format!("{root}/device-plugins");
    work.mounts.push(Mount {
        source: plugins.clone(),
        target: plugins,
        read_only: false,
        origin: Origin::Key("cluster_config.kubelet_data_root"),
    });
    work.notes.push(format!(
        "it runs on nodes with the label {LABEL}, set because of `{PLUGIN}`"
    ));
}
