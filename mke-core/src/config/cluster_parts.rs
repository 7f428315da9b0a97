//! Groups of `[cluster_config]` about state, measuring, storage and privileges.

use super::components::{API_SERVER, AUTH_STORE, CONTROLLER, CONTROLLER_MANAGER, KUBELET, KV, METRICS};
use super::format::Format;
use super::key::{Key, Kind};
use super::section::section;

section! {
    /// Where the control plane keeps its state.
    pub struct Stores at "cluster_config" {
        /// How many milliseconds a call of the key-value store may take.
        kv_timeout: i64 = Key::integer(5000).min(1).unit("milliseconds").flag("--kv-timeout")
            .restarts(&[CONTROLLER]);
        /// After how many changes etcd writes a snapshot.
        kv_snapshot_count: i64 = Key::integer(20000).min(1).flag("--kv-snapshot-count").restarts(&[KV]);
        /// How much memory a server of the account database caches in; empty or `auto` lets it choose.
        rethinkdb_cache_size: String = Key::text("1GB").format(Format::SizeOrAuto).restarts(&[AUTH_STORE]);
        /// How large etcd may grow.
        etcd_storage_quota: String = Key::text("2G").since(3, 4, 11).format(Format::Size).not_empty()
            .aliases(&["etcd-storage-quota"]).restarts(&[KV]);
        /// The TLS ciphers of etcd; empty leaves the choice to it.
        cipher_suites_for_etcd_server: String = Key::text("").since(3, 4, 8).format(Format::CipherSuites)
            .restarts(&[KV]);
    }
}

section! {
    /// What is measured and how long it is kept.
    pub struct Metrics at "cluster_config" {
        /// How long measurements are kept.
        metrics_retention_time: String = Key::text("").unit("duration").format(Format::Duration)
            .restarts(&[METRICS]);
        /// How often managers measure their nodes.
        metrics_scrape_interval: String = Key::text("1m").unit("duration").format(Format::PositiveDuration)
            .restarts(&[METRICS]);
        /// How often the use of disks is measured, which is expensive with large volumes.
        metrics_disk_usage_interval: Option<String> = Key::unset(Kind::Text).unit("duration")
            .format(Format::PositiveDuration).restarts(&[METRICS]);
        /// How much memory Prometheus may take.
        prometheus_memory_limit: String = Key::text("2Gi").since(3, 7, 0).not_in_3_4()
            .format(Format::Quantity).restarts(&[METRICS]);
        /// How much memory Prometheus is given in any case.
        prometheus_memory_request: String = Key::text("1Gi").since(3, 7, 0).not_in_3_4()
            .format(Format::Quantity).restarts(&[METRICS]);
        /// Whether each node runs cAdvisor on its own.
        cadvisor_enabled: bool = Key::bool(false).not_in_3_4().all_nodes(&[METRICS]);
        /// The port on which nodes show their measurements.
        node_exporter_port: u16 = Key::integer(9100).min(1).max(65535).required().not_in_3_4()
            .all_nodes(&[METRICS]);
    }
}

section! {
    /// Who may use privileged attributes of pods.
    pub struct Privileges at "cluster_config" {
        /// Which privileged attributes the listed users may give their pods.
        priv_attributes_allowed_for_user_accounts: Vec<String> = Key::list(&[])
            .one_of(&["hostIPC", "hostNetwork", "hostPID", "hostBindMounts", "privileged", "kernelCapabilities"])
            .since(3, 4, 2).live();
        /// The users who may do that; administrators may in any case.
        priv_attributes_user_accounts: Vec<String> = Key::list(&[]).since(3, 4, 2).live();
        /// Which privileged attributes the listed service accounts may give their pods.
        priv_attributes_allowed_for_service_accounts: Vec<String> = Key::list(&[])
            .one_of(&["hostIPC", "hostNetwork", "hostPID", "hostBindMounts", "privileged", "kernelCapabilities"])
            .since(3, 4, 2).live();
        /// The service accounts that may do that.
        priv_attributes_service_accounts: Vec<String> = Key::list(&[]).since(3, 4, 2)
            .format(Format::ServiceAccount).live();
    }
}

section! {
    /// Volumes.
    pub struct Storage at "cluster_config" {
        /// Whether experimental storage of Kubernetes can be used.
        storage_expt_enabled: bool = Key::bool(false).flag("--storage-expt-enabled")
            .all_nodes(&[API_SERVER, CONTROLLER_MANAGER, KUBELET]);
        /// Whether volumes may be iSCSI targets.
        iscsi_enabled: bool = Key::bool(false).flag("--storage-iscsi").all_nodes(&[KUBELET]);
        /// Where nodes have the program iscsiadm.
        iscsiadm_path: String = Key::text("/usr/sbin/iscsiadm").flag("--iscsiadm-path")
            .format(Format::AbsolutePath).all_nodes(&[KUBELET]);
        /// Where nodes have the database of iSCSI.
        iscsidb_path: String = Key::text("/etc/iscsi").flag("--iscsidb-path").format(Format::AbsolutePath)
            .all_nodes(&[KUBELET]);
        /// Whether the old FlexVolume drivers can be used.
        use_flex_volume_driver: bool = Key::bool(false).not_in_3_4().all_nodes(&[KUBELET]);
    }
}

section! {
    /// Images that are never pruned.
    pub struct ImagePruneFilter at "cluster_config.image_prune_whitelist[]" {
        /// By what images are chosen.
        key: String = Key::unset(Kind::Text).one_of(&["dangling", "label", "before", "since", "reference"])
            .required().not_in_3_4().live();
        /// What is looked for there.
        value: String = Key::unset(Kind::Text).required().not_in_3_4().live();
    }
}
