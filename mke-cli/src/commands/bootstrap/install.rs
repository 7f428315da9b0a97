//! `ucp install`: flags, questions and the report; see `mke_agent::install::run`.

use std::path::Path;

use mke_agent::controller::random_password;
use mke_agent::install::configuration::Given;
use mke_agent::install::options::{InstallOptions, check_password};
use mke_agent::install::preflight::Switches;
use mke_agent::install::swarm::{Swarm, SwarmInfo};
use mke_agent::install::{Progress as _, run};
use mke_core::names::AccountName;
use mke_core::secret::Secret;

use super::flags::{LogArgs, RegistryArgs};
use super::log::Log;
use super::{Failure, begin, broken_off, questions, run_and_owner, told, wait_for};
use crate::error::CliError;
use crate::output::Output;

/// Where a licence is looked for when no flag gives one.
const LICENSE_FILE: &str = "/config/docker_subscription.lic";
/// Name of the first administrator when nobody says another one.
const ADMINISTRATOR: &str = "admin";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Asks for missing values on the terminal.
    #[arg(long, short, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    interactive: bool,
    /// Name of the first administrator [default: admin]
    #[arg(long, env = "UCP_ADMIN_USER")]
    admin_username: Option<AccountName>,
    /// Password of the first administrator; a random one is generated and logged when absent (non-interactive).
    #[arg(long, env = "UCP_ADMIN_PASSWORD", hide_env_values = true)]
    admin_password: Option<String>,
    /// Addresses to provision per Azure virtual machine; 0 turns provisioning off, below 6 only with manual addresses [default: 128]
    #[arg(long, allow_negative_numbers = true)]
    azure_ip_count: Option<i64>,
    /// Classic Swarm scheduler packs nodes.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", conflicts_with = "random")]
    binpack: Option<bool>,
    /// Classic Swarm scheduler picks nodes at random.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    random: Option<bool>,
    /// Cloud provider of the cluster: aws, azure, gce or openstack.
    #[arg(long, ignore_case = true, value_parser = ["aws", "azure", "gce", "openstack"])]
    cloud_provider: Option<String>,
    /// Kubernetes manifest used instead of the default CNI; HTTPS certificates are not verified.
    #[arg(long)]
    cni_installer_url: Option<String>,
    /// Port of web UI and API [default: 443]
    #[arg(long, allow_negative_numbers = true)]
    controller_port: Option<i64>,
    /// Address or interface for data path traffic.
    #[arg(long, env = "UCP_DATA_PATH_ADDR")]
    data_path_addr: Option<String>,
    /// Turns off anonymous tracking and analytics.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_tracking: Option<bool>,
    /// Turns off anonymous usage reports.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    disable_usage: Option<bool>,
    /// Name servers for MKE containers.
    #[arg(long, env = "DNS", value_delimiter = ',')]
    dns: Vec<String>,
    /// Resolver options for MKE containers.
    #[arg(long, env = "DNS_OPT", value_delimiter = ',')]
    dns_opt: Vec<String>,
    /// Search domains for MKE containers.
    #[arg(long, env = "DNS_SEARCH", value_delimiter = ',')]
    dns_search: Vec<String>,
    /// Exposes profiling endpoints.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    enable_profiling: Option<bool>,
    /// Starts from the newest existing MKE config object; fails when there is none.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    existing_config: bool,
    /// Uses certificates supplied in volume ucp-controller-server-certs.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    external_server_cert: bool,
    /// Load balancer address under which published services are reached.
    #[arg(long)]
    external_service_lb: Option<String>,
    /// Continues although the runtime listens on unauthenticated TCP.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    force_insecure_tcp: bool,
    /// Continues although minimum requirements are not met.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    force_minimums: bool,
    /// Address or interface advertised to other nodes.
    #[arg(long, env = "UCP_HOST_ADDRESS")]
    host_address: Option<String>,
    /// Path of iscsiadm on the host [default: /usr/sbin/iscsiadm]
    #[arg(long)]
    iscsiadm_path: Option<String>,
    /// Absolute path of the iSCSI database, no symbolic link [default: /etc/iscsi]
    #[arg(long)]
    iscsidb_path: Option<String>,
    /// Port of the Kubernetes API [default: 6443]
    #[arg(long, allow_negative_numbers = true)]
    kube_apiserver_port: Option<i64>,
    /// Changes between key-value store snapshots [default: 20000]
    #[arg(long, env = "KV_SNAPSHOT_COUNT", allow_negative_numbers = true)]
    kv_snapshot_count: Option<i64>,
    /// Key-value store timeout in milliseconds [default: 5000]
    #[arg(long, env = "KV_TIMEOUT", allow_negative_numbers = true)]
    kv_timeout: Option<i64>,
    /// Licence text (usually the content of a .lic file).
    #[arg(long, env = "UCP_LICENSE")]
    license: Option<String>,
    /// Ports for NodePort services [default: 32768-35535]
    #[arg(long)]
    nodeport_range: Option<String>,
    /// Address pool of pods [default: 192.168.0.0/16]
    #[arg(long)]
    pod_cidr: Option<String>,
    /// Address range of Kubernetes services [default: 10.96.0.0/16]
    #[arg(long)]
    service_cluster_ip_range: Option<String>,
    /// Keeps certificates that already exist.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    preserve_certs: bool,
    /// Additional subject alternative names.
    #[arg(long, env = "UCP_HOSTNAMES", value_delimiter = ',')]
    san: Vec<String>,
    /// Skips checks that rely on detecting the cloud provider.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    skip_cloud_provider_check: bool,
    /// Enables experimental Kubernetes storage features.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    storage_expt_enabled: Option<bool>,
    /// Enables iSCSI persistent volumes.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    storage_iscsi: Option<bool>,
    /// Enables experimental classic Swarm features.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, hide_default_value = true, action = clap::ArgAction::Set)]
    swarm_experimental: bool,
    /// Port for traffic between swarm nodes.
    #[arg(long, default_value_t = 2377)]
    swarm_grpc_port: u16,
    /// Port of the classic Swarm manager [default: 2376]
    #[arg(long, allow_negative_numbers = true)]
    swarm_port: Option<i64>,
    /// Unlock key of an auto-locked swarm.
    #[arg(long, env = "UNLOCK_KEY", hide_env_values = true)]
    unlock_key: Option<String>,
    /// Installs without the managed CNI; the operator supplies one before joining nodes.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    unmanaged_cni: Option<bool>,
    /// Kubelet data root on Linux, new installations only [default: /var/lib/kubelet]
    #[arg(long)]
    kubelet_data_root: Option<String>,
    /// containerd root on Linux, new installations only; leave out when containerd already has a custom non-root directory [default: /var/lib/containerd]
    #[arg(long)]
    containerd_root: Option<String>,
    /// Installs without Kubernetes.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    swarm_only: Option<bool>,
    /// containerd root on Windows.
    #[arg(long)]
    windows_containerd_root: Option<String>,
    /// Kubelet data root on Windows.
    #[arg(long)]
    windows_kubelet_data_root: Option<String>,
    /// IPsec encryption of pod traffic; needs the IPIP data plane.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    secure_overlay: Option<bool>,
    /// How calico-node finds the host's IPv4 address.
    #[arg(long)]
    calico_ip_auto_method: Option<String>,
    /// VXLAN data plane for Calico; false selects IPIP.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    calico_vxlan: Option<bool>,
    /// VXLAN network identifier [default: 10000]
    #[arg(long, allow_negative_numbers = true)]
    vxlan_vni: Option<i64>,
    /// MTU of CNI interfaces
    #[arg(long, allow_negative_numbers = true)]
    cni_mtu: Option<i64>,
    /// Orchestrator of nodes that join [default: swarm]
    #[arg(long, value_parser = ["swarm", "kubernetes"])]
    default_node_orchestrator: Option<String>,
    /// kube-proxy implementation [default: iptables]
    #[arg(long, value_parser = ["iptables", "ipvs"])]
    kube_proxy_mode: Option<String>,
    /// Calico eBPF data plane.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    calico_ebpf_enabled: Option<bool>,
    /// Runs without kube-proxy; implied by --calico-ebpf-enabled, excludes --kube-proxy-mode.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", conflicts_with = "kube_proxy_mode")]
    kube_proxy_disabled: Option<bool>,
    /// Label used in usage reports.
    #[arg(long)]
    cluster_label: Option<String>,
}

impl Args {
    /// The flags that are settings of the cluster and were given.
    fn settings(&self) -> Vec<Given> {
        let text =
            |flag: &str, value: &Option<String>| value.as_ref().map(|value| Given::one(flag, value.clone()));
        let number = |flag: &str, value: &Option<i64>| value.map(|value| Given::one(flag, value.to_string()));
        let switch =
            |flag: &str, value: &Option<bool>| value.map(|value| Given::one(flag, value.to_string()));
        // Scripts hand on what they have, also nothing.
        let list = |flag: &str, values: &Vec<String>| {
            let values: Vec<String> = values.iter().filter(|value| !value.is_empty()).cloned().collect();
            (!values.is_empty()).then(|| Given {
                flag: flag.to_owned(),
                values,
            })
        };
        let chosen = |switch: Option<Given>| switch.filter(|given| given.values != ["false"]);
        [
            number("--azure-ip-count", &self.azure_ip_count),
            chosen(switch("--binpack", &self.binpack)),
            chosen(switch("--random", &self.random)),
            text("--cloud-provider", &self.cloud_provider),
            text("--cni-installer-url", &self.cni_installer_url),
            number("--controller-port", &self.controller_port),
            switch("--disable-tracking", &self.disable_tracking),
            switch("--disable-usage", &self.disable_usage),
            list("--dns", &self.dns),
            list("--dns-opt", &self.dns_opt),
            list("--dns-search", &self.dns_search),
            switch("--enable-profiling", &self.enable_profiling),
            text("--external-service-lb", &self.external_service_lb),
            text("--iscsiadm-path", &self.iscsiadm_path),
            text("--iscsidb-path", &self.iscsidb_path),
            number("--kube-apiserver-port", &self.kube_apiserver_port),
            number("--kv-snapshot-count", &self.kv_snapshot_count),
            number("--kv-timeout", &self.kv_timeout),
            text("--nodeport-range", &self.nodeport_range),
            text("--pod-cidr", &self.pod_cidr),
            text("--service-cluster-ip-range", &self.service_cluster_ip_range),
            list("--san", &self.san),
            switch("--storage-expt-enabled", &self.storage_expt_enabled),
            switch("--storage-iscsi", &self.storage_iscsi),
            number("--swarm-port", &self.swarm_port),
            switch("--unmanaged-cni", &self.unmanaged_cni),
            text("--kubelet-data-root", &self.kubelet_data_root),
            text("--containerd-root", &self.containerd_root),
            switch("--swarm-only", &self.swarm_only),
            text("--windows-containerd-root", &self.windows_containerd_root),
            text("--windows-kubelet-data-root", &self.windows_kubelet_data_root),
            switch("--secure-overlay", &self.secure_overlay),
            text("--calico-ip-auto-method", &self.calico_ip_auto_method),
            switch("--calico-vxlan", &self.calico_vxlan),
            number("--vxlan-vni", &self.vxlan_vni),
            number("--cni-mtu", &self.cni_mtu),
            text("--default-node-orchestrator", &self.default_node_orchestrator),
            text("--kube-proxy-mode", &self.kube_proxy_mode),
            switch("--calico-ebpf-enabled", &self.calico_ebpf_enabled),
            text("--cluster-label", &self.cluster_label),
            (self.kube_proxy_disabled == Some(true)).then(|| Given::one("--kube-proxy-mode", "disabled")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

pub(crate) fn run(args: Args, output: &mut Output<'_>) -> Result<(), CliError> {
    let log = args.log.log();
    let outcome = wait_for(install(args, &log, output));
    told(&log, outcome)
}

async fn install(mut args: Args, log: &Log, output: &mut Output<'_>) -> Result<(), Failure> {
    let credentials = args.registry.credentials()?;
    let begun = begin(args.log.socket()).await?;
    if args.interactive || questions::somebody_is_there() {
        let info = SwarmInfo::read(&begun.daemon).await?;
        ask(&mut args, info.swarm == Swarm::None, output)?;
    }
    let settings = args.settings();
    let license = license(args.license.take(), Path::new(LICENSE_FILE))?;
    let admin_username = match args.admin_username {
        Some(name) => name,
        None => ADMINISTRATOR
            .parse::<AccountName>()
            .map_err(|error| CliError::Failed(error.to_string()))?,
    };
    let given = args.admin_password.filter(|password| !password.is_empty());
    let admin_password = match given {
        Some(password) => Secret::new(password),
        None => {
            let password = random_password();
            // Existing installers look for these words.
            log.info(&format!("Generated random admin password: {}", password.expose()));
            password
        }
    };
    if args.swarm_experimental {
        log.warn("--swarm-experimental changes nothing: the classic endpoint has no experimental features");
    }
    let cancelled = broken_off();
    let (run_name, owner) = run_and_owner();
    let options = InstallOptions {
        settings,
        admin_username,
        admin_password,
        host_address: args.host_address.filter(|address| !address.is_empty()),
        data_path_address: args.data_path_addr.filter(|address| !address.is_empty()),
        swarm_grpc_port: args.swarm_grpc_port,
        license,
        existing_config: args.existing_config,
        external_server_cert: args.external_server_cert,
        preserve_certs: args.preserve_certs,
        skip_cloud: args.skip_cloud_provider_check,
        unlock_key: args.unlock_key.map(Secret::new),
        pull: args.registry.pull.into(),
        credentials,
        switches: Switches {
            minimums: args.force_minimums,
            insecure_tcp: args.force_insecure_tcp,
            ..Switches::default()
        },
        restore: None,
        owner,
        run: run_name,
    };
    let installed = run::install(&begun.daemon, &begun.own, &options, log, cancelled).await?;
    log.info("All Installation Steps Completed");
    log.info(&format!(
        "Login to MKE at {} as {}; instance {}",
        installed.url, options.admin_username, installed.instance
    ));
    output.value(&installed.url, String::clone)?;
    Ok(())
}

/// Asks for what was not given.
fn ask(args: &mut Args, no_swarm: bool, output: &mut Output<'_>) -> Result<(), CliError> {
    if args.admin_username.is_none() {
        let name = questions::text(output, "Admin Username", Some(ADMINISTRATOR))?;
        let name = name
            .parse::<AccountName>()
            .map_err(|error| CliError::Usage(format!("--admin-username: {error}")))?;
        args.admin_username = Some(name);
    }
    if args.admin_password.is_none() {
        let password = questions::new_password(output, "Admin Password", |password| {
            check_password(password).map_err(|error| error.to_string())
        })?;
        args.admin_password = Some(password.expose().to_owned());
    }
    if no_swarm && args.host_address.is_none() {
        let address = questions::text(
            output,
            "Host address or interface (empty: chosen by the engine)",
            None,
        )?;
        args.host_address = Some(address).filter(|address| !address.is_empty());
    }
    if args.san.is_empty() {
        let names = questions::text(output, "Additional aliases (SANs), separated by commas", None)?;
        let names = names.split([',', ' ']).filter(|name| !name.is_empty());
        args.san = names.map(str::to_owned).collect();
    }
    Ok(())
}

/// The licence: what the flag says, else the file that may be mounted.
fn license(given: Option<String>, file: &Path) -> Result<Option<String>, CliError> {
    if let Some(text) = given.filter(|text| !text.trim().is_empty()) {
        return Ok(Some(text));
    }
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(CliError::file("cannot read the licence", file)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn settings(words: &[&str]) -> Vec<Given> {
        #[derive(clap::Parser)]
        struct Command {
            #[command(flatten)]
            args: Args,
        }
        Command::try_parse_from(std::iter::once(&"install").chain(words))
            .unwrap()
            .args
            .settings()
    }

    /// INST-023, CLI-002: lists are repeated or separated by commas; only what was given is a setting.
    #[test]
    fn what_was_given() {
        assert_eq!(settings(&[]), []);
        let given = settings(&[
            "--san",
            "a.example.com,b.example.com",
            "--san=10.0.0.1",
            "--swarm-only",
            "--calico-vxlan=false",
        ]);
        let shown: Vec<(&str, Vec<&str>)> = given
            .iter()
            .map(|given| {
                (
                    given.flag.as_str(),
                    given.values.iter().map(String::as_str).collect(),
                )
            })
            .collect();
        assert!(
            shown.contains(&("--san", vec!["a.example.com", "b.example.com", "10.0.0.1"])),
            "{shown:?}"
        );
        assert!(shown.contains(&("--swarm-only", vec!["true"])));
        assert!(shown.contains(&("--calico-vxlan", vec!["false"])));
        assert_eq!(shown.len(), 3);
        assert_eq!(settings(&["--binpack=false"]), []);
        assert_eq!(settings(&["--dns=", "--san=,"]), []);
    }

    /// INST-008: the flag wins over the mounted file; without both there is none.
    #[test]
    fn licences() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.lic");
        assert_eq!(license(None, &file).unwrap(), None);
        std::fs::write(&file, "from the file").unwrap();
        assert_eq!(license(None, &file).unwrap().as_deref(), Some("from the file"));
        assert_eq!(
            license(Some(" ".to_owned()), &file).unwrap().as_deref(),
            Some("from the file")
        );
        assert_eq!(
            license(Some("given".to_owned()), &file).unwrap().as_deref(),
            Some("given")
        );
        assert!(license(None, directory.path()).is_err());
    }
}
