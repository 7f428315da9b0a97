//! What the upgrade command is told, checked before anything happens (M4-005, M4-017), and what an operator must know
//! first (M4-003, M4-015, M4-018).

use std::fmt;

use serde::Serialize;

use super::hosts::Hosts;
use crate::config::{Config, Format};
use crate::secret::Secret;

/// The flags of the upgrade command. `None` stands for one that was not given.
#[derive(Debug, Clone, Default)]
pub struct UpgradeFlags {
    /// The text of the file of `--hosts-path`.
    pub hosts: Option<String>,
    /// `--mke3-admin-username`
    pub admin_username: Option<String>,
    /// `--mke3-admin-password`
    pub admin_password: Option<Secret>,
    /// `--external-address`
    pub external_address: Option<String>,
    /// `--log-level`
    pub log_level: Option<String>,
    /// `--image-registry`
    pub image_registry: Option<String>,
    /// `--chart-registry`
    pub chart_registry: Option<String>,
    /// `--mke3-airgapped`
    pub airgapped: bool,
}

/// One thing that is wrong with the flags.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{flag}: {message}")]
pub struct FlagProblem {
    /// The flag.
    pub flag: &'static str,
    /// What is wrong, and what to give.
    pub message: String,
}

impl UpgradeFlags {
    /// Everything that is wrong with the flags; empty when the upgrade could begin.
    pub fn problems(&self) -> Vec<FlagProblem> {
        let mut problems = Vec::new();
        let mut add = |flag, message: &str| {
            problems.push(FlagProblem {
                flag,
                message: message.to_owned(),
            });
        };
        match self.hosts.as_deref().map(Hosts::parse) {
            None => add("--hosts-path", "must name the file that lists the nodes"),
            Some(Ok(_)) => {}
            Some(Err(found)) => found
                .iter()
                .for_each(|problem| add("--hosts-path", &problem.to_string())),
        }
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if given(&self.admin_username).is_none() {
            add("--mke3-admin-username", "must name an administrator of MKE 3");
        }
        if self.admin_password.as_ref().is_none_or(Secret::is_empty) {
            add(
                "--mke3-admin-password",
                "must be the password of that administrator",
            );
        }
        match given(&self.external_address) {
            Some(address) if Format::HostName.accepts(&address) => {}
            Some(address) => add(
                "--external-address",
                &format!("{address:?} is no name or address: write it without scheme, port and path"),
            ),
            None => add("--external-address", "must be the name of the load balancer"),
        }
        const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "fatal"];
        if let Some(level) = self.log_level.as_deref().filter(|level| !LEVELS.contains(level)) {
            add(
                "--log-level",
                &format!("{level:?} is no level: use one of {}", LEVELS.join(", ")),
            );
        }
        if let Some(registry) = &self.image_registry
            && let Some(wrong) = not_a_registry(registry)
        {
            add("--image-registry", &wrong);
        }
        if let Some(registry) = &self.chart_registry {
            match registry.strip_prefix("oci://").map(not_a_registry) {
                None => add(
                    "--chart-registry",
                    &format!("{registry:?} must start with `oci://`"),
                ),
                Some(Some(wrong)) => add("--chart-registry", &wrong),
                Some(None) => {}
            }
        }
        if self.airgapped {
            for (flag, registry) in [
                ("--image-registry", &self.image_registry),
                ("--chart-registry", &self.chart_registry),
            ] {
                if registry.is_none() {
                    add(
                        flag,
                        "must be given with `--mke3-airgapped`: nothing else can be reached",
                    );
                }
            }
        }
        problems
    }
}

/// Why a text is no registry with the path of a project.
fn not_a_registry(text: &str) -> Option<String> {
    if text.ends_with('/') {
        return Some(format!("{text:?} must not end with `/`"));
    }
    if text.contains("://") {
        return Some(format!("{text:?} must not have a scheme"));
    }
    let (host, path) = text.split_once('/').unwrap_or((text, "project"));
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let project = path
        .split('/')
        .all(|part| !part.is_empty() && part.chars().all(fine));
    (!Format::Host.accepts(host) || !project)
        .then(|| format!("{text:?} is no registry: write it as `registry.example.com:8080/project`"))
}

/// What the upgrade does to a cluster, whatever its configuration (M4-015).
pub const CONSEQUENCES: [&str; 7] = [
    "the cluster cannot be reached from the beginning of the upgrade until its end",
    "Swarm and everything in it is gone afterwards; it does not come along",
    "the API of the controller ends, and client bundles of MKE 3 are worthless afterwards",
    "the administrator's kubeconfig lies in ~/.mke/ of the machine that ran the upgrade; everybody else gets a new one",
    "what else runs on the nodes is not carried over and may be deleted: back it up first, on managers and workers",
    "the password of `admin` comes along, those of other accounts that MKE 3 manages do not",
    "after a failure MKE 3 is restored from the backup; after a success the way back is to uninstall and restore",
];

/// What this configuration asks for before the upgrade, besides what speaks against it.
pub fn reminders(config: &Config) -> Vec<&'static str> {
    let cluster = &config.cluster;
    let conditions = [
        (
            cluster.nvidia_device_plugin,
            "the cluster offers GPUs: do what MKE 4 asks of nodes with GPUs first",
        ),
        (
            cluster.cloud_provider == "azure" || cluster.cloud_provider == "aws",
            "the cluster uses a cloud inside of Kubernetes, which newer releases do not have: prepare the cloud's own controller",
        ),
        (
            !cluster.kubelet.custom_kubelet_flags_profiles.is_empty(),
            "hosts whose label names a kubelet profile are to be marked for the profile of the same name",
        ),
    ];
    let asked = conditions.into_iter().filter(|(asked, _)| *asked);
    asked.map(|(_, reminder)| reminder).collect()
}

/// What to know before Calico moves its data from etcd into Kubernetes (M4-003). `Display` is the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatastoreMove {
    /// How many nodes the cluster has, when known.
    pub nodes: Option<u32>,
}

/// How long the move takes on one node.
const SECONDS_ON_A_NODE: u32 = 20;

impl fmt::Display for DatastoreMove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Calico keeps its data in etcd. Before the upgrade, and apart from it:"
        )?;
        writeln!(f, "1. read the configuration: GET /api/ucp/config-toml")?;
        writeln!(f, "2. set `calico_kdd = true` in [cluster_config]")?;
        writeln!(
            f,
            "3. apply it: PUT /api/ucp/config-toml, and wait for the answer that the move succeeded"
        )?;
        write!(f, "The move takes about {SECONDS_ON_A_NODE} seconds on each node")?;
        if let Some(nodes) = self.nodes {
            let all = SECONDS_ON_A_NODE.saturating_mul(nodes);
            write!(f, ", {all} seconds on {nodes}")?;
        }
        writeln!(
            f,
            ". Meanwhile networking is frozen: no new pod gets a network; pods that run keep theirs.\n\
             There is no way back."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready() -> UpgradeFlags {
        UpgradeFlags {
            hosts: Some("hosts: [{address: h, user: u, keyPath: k}]".to_owned()),
            admin_username: Some("admin".to_owned()),
            admin_password: Some(Secret::new("hunter2hunter2")),
            external_address: Some("mke.example.com".to_owned()),
            ..UpgradeFlags::default()
        }
    }

    fn wrong(flags: &UpgradeFlags) -> Vec<&'static str> {
        let problems = flags.problems();
        assert!(
            problems
                .iter()
                .all(|problem| !problem.to_string().contains("hunter2"))
        );
        problems.iter().map(|problem| problem.flag).collect()
    }

    /// M4-005: what is missing or cannot be, all at once; the rest is optional.
    #[test]
    fn flags() {
        assert!(wrong(&ready()).is_empty());
        assert_eq!(
            wrong(&UpgradeFlags::default()),
            [
                "--hosts-path",
                "--mke3-admin-username",
                "--mke3-admin-password",
                "--external-address"
            ]
        );
        for (address, fine) in [
            ("10.0.0.1", true),
            ("fd00::1", true),
            ("https://mke.example.com", false),
            ("mke.example.com:443", false),
            ("a b", false),
            ("", false),
        ] {
            let flags = UpgradeFlags {
                external_address: Some(address.to_owned()),
                ..ready()
            };
            assert_eq!(wrong(&flags).is_empty(), fine, "{address}");
        }
        for (level, fine) in [
            ("debug", true),
            ("info", true),
            ("DEBUG", false),
            ("", false),
            ("loud", false),
        ] {
            let flags = UpgradeFlags {
                log_level: Some(level.to_owned()),
                ..ready()
            };
            assert_eq!(wrong(&flags).is_empty(), fine, "{level}");
        }
        let hosts = UpgradeFlags {
            hosts: Some("hosts: [{address: h}]".to_owned()),
            ..ready()
        };
        assert_eq!(wrong(&hosts), ["--hosts-path"; 2], "every problem of the file");
    }

    /// M4-017: no slash at the end, `oci://` before charts only, both registries without a way out.
    #[test]
    fn registries() {
        let with = |image: Option<&str>, chart: Option<&str>, airgapped| {
            wrong(&UpgradeFlags {
                image_registry: image.map(str::to_owned),
                chart_registry: chart.map(str::to_owned),
                airgapped,
                ..ready()
            })
        };
        const IMAGE: &str = "--image-registry";
        const CHART: &str = "--chart-registry";
        for (image, chart, airgapped, expected) in [
            (
                Some("private-registry.example.com:8080/mke"),
                None,
                false,
                &[][..],
            ),
            (Some("private-registry.example.com/a/b"), None, false, &[]),
            (Some("[fd00::1]:5000/mke"), None, false, &[]),
            (
                None,
                Some("oci://private-registry.example.com:8080/mke"),
                false,
                &[],
            ),
            (
                Some("r.example.com/mke"),
                Some("oci://r.example.com/mke"),
                true,
                &[],
            ),
            (Some("r.example.com/mke/"), None, false, &[IMAGE]),
            (Some("oci://r.example.com/mke"), None, false, &[IMAGE]),
            (Some("https://r.example.com/mke"), None, false, &[IMAGE]),
            (Some("r.example.com//mke"), None, false, &[IMAGE]),
            (Some("r.example.com/mke;x"), None, false, &[IMAGE]),
            (Some("r.example.com:99999/mke"), None, false, &[IMAGE]),
            (Some(""), None, false, &[IMAGE]),
            (None, Some("oci://r.example.com/mke/"), false, &[CHART]),
            (None, Some("r.example.com/mke"), false, &[CHART]),
            (None, Some("OCI://r.example.com/mke"), false, &[CHART]),
            (None, Some("oci://oci://r.example.com/mke"), false, &[CHART]),
            (None, Some("oci://"), false, &[CHART]),
            (None, None, true, &[IMAGE, CHART]),
            (Some("r.example.com/mke/"), None, true, &[IMAGE, CHART]),
        ] {
            assert_eq!(
                with(image, chart, airgapped),
                expected,
                "{image:?} {chart:?} {airgapped}"
            );
        }
    }

    /// The text says how to move, how long it takes, what stands still, and that there is no way back.
    #[test]
    fn the_move_of_the_datastore() {
        let text = DatastoreMove { nodes: Some(6) }.to_string();
        for part in [
            "calico_kdd = true",
            "about 20 seconds on each node, 120 seconds on 6",
            "frozen",
            "no way back",
            "apart",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            !DatastoreMove { nodes: None }
                .to_string()
                .contains(" seconds on 0")
        );
    }
}
