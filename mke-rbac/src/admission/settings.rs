//! Which settings admission has, and whether they make sense. Only settings that do can be used (ADM-004, ADM-012).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::cluster::Cluster;
use super::plugin::Plugin;
use super::requester::Requester;

/// How long a pod stays on a node that is not ready or not reachable, in seconds (ADM-003).
pub const DEFAULT_TOLERATION_SECONDS: u32 = 300;

/// A privileged attribute that can be given to single accounts (R91).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Attribute {
    /// The IPC namespace of the host.
    #[serde(rename = "hostIPC")]
    HostIpc,
    /// The network of the host.
    HostNetwork,
    /// The process namespace of the host.
    #[serde(rename = "hostPID")]
    HostPid,
    /// Paths of the host as volumes.
    HostBindMounts,
    /// Privileged containers, and processes that gain privileges.
    Privileged,
    /// Added kernel capabilities.
    KernelCapabilities,
}

impl Attribute {
    /// All attributes.
    pub const ALL: [Self; 6] = [
        Self::HostIpc,
        Self::HostNetwork,
        Self::HostPid,
        Self::HostBindMounts,
        Self::Privileged,
        Self::KernelCapabilities,
    ];

    /// The name in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HostIpc => "hostIPC",
            Self::HostNetwork => "hostNetwork",
            Self::HostPid => "hostPID",
            Self::HostBindMounts => "hostBindMounts",
            Self::Privileged => "privileged",
            Self::KernelCapabilities => "kernelCapabilities",
        }
    }

    /// The attribute of this name, exactly as spelled.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attribute| attribute.name() == name)
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Settings as a file has them. The names are those of the configuration of the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawSettings {
    /// What the listed user accounts may use.
    pub priv_attributes_allowed_for_user_accounts: Vec<String>,
    /// User accounts, by name or id; none may be an administrator.
    pub priv_attributes_user_accounts: Vec<String>,
    /// What the listed service accounts may use.
    pub priv_attributes_allowed_for_service_accounts: Vec<String>,
    /// Service accounts as `namespace:name`; none may be bound to `cluster-admin`.
    pub priv_attributes_service_accounts: Vec<String>,
    /// Lets users run privileged containers where a pod security policy allows it (ADM-013).
    #[serde(rename = "allowPrivilegedPods")]
    pub allow_privileged_pods: bool,
    /// Lets administrators run workloads on managers.
    pub enable_admin_ucp_scheduling: bool,
    /// Lets everybody run workloads on managers.
    pub enable_user_ucp_scheduling: bool,
    /// Refuses images that are not signed (ADM-009).
    pub require_content_trust: bool,
    /// Teams, as `organization/team`: every image needs a signature from each.
    pub require_signature_from: Vec<String>,
    /// Repositories that need no signature.
    pub allow_repos: Vec<String>,
    /// The toleration of nodes that are not ready, in seconds.
    pub default_not_ready_toleration_seconds: u32,
    /// The toleration of nodes that cannot be reached, in seconds.
    pub default_unreachable_toleration_seconds: u32,
    /// The node selector of namespaces that have none, as `key=value,key=value`.
    pub cluster_default_node_selector: String,
    /// Plugins by name, on or off. Custom plugins cannot be named here (ADM-004).
    pub plugins: BTreeMap<String, bool>,
}

impl Default for RawSettings {
    fn default() -> Self {
        Self {
            priv_attributes_allowed_for_user_accounts: Vec::new(),
            priv_attributes_user_accounts: Vec::new(),
            priv_attributes_allowed_for_service_accounts: Vec::new(),
            priv_attributes_service_accounts: Vec::new(),
            allow_privileged_pods: false,
            enable_admin_ucp_scheduling: false,
            enable_user_ucp_scheduling: false,
            require_content_trust: false,
            require_signature_from: Vec::new(),
            allow_repos: Vec::new(),
            default_not_ready_toleration_seconds: DEFAULT_TOLERATION_SECONDS,
            default_unreachable_toleration_seconds: DEFAULT_TOLERATION_SECONDS,
            cluster_default_node_selector: String::new(),
            plugins: BTreeMap::new(),
        }
    }
}

/// Everything that is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct SettingsProblems(pub Vec<SettingsProblem>);

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsProblem {
    /// No such attribute.
    #[error(
        "{key}: there is no privileged attribute `{name}`; there are {}",
        attributes()
    )]
    Attribute {
        /// The setting.
        key: &'static str,
        /// What it holds.
        name: String,
    },
    /// No such account.
    #[error(
        "priv_attributes_user_accounts: there is no user `{name}`; create the account first or leave it out"
    )]
    NoSuchUser {
        /// What it holds.
        name: String,
    },
    /// Administrators need no permission.
    #[error(
        "priv_attributes_user_accounts: `{name}` is an administrator and may use every attribute; leave it out"
    )]
    Administrator {
        /// The account.
        name: String,
    },
    /// Not `namespace:name`.
    #[error("priv_attributes_service_accounts: `{name}` is not of the form `namespace:name`")]
    ServiceAccountForm {
        /// What it holds.
        name: String,
    },
    /// Cluster administrators need no permission.
    #[error(
        "priv_attributes_service_accounts: `{name}` is bound to cluster-admin and may use every attribute; leave it out"
    )]
    ClusterAdmin {
        /// The service account.
        name: String,
    },
    /// No such team.
    #[error("require_signature_from: there is no team `{name}`; write `organization/team`")]
    NoSuchTeam {
        /// What it holds.
        name: String,
    },
    /// No such plugin.
    #[error("plugins: there is no plugin `{name}`; there are {}", switchable())]
    NoSuchPlugin {
        /// What it holds.
        name: String,
    },
    /// Custom plugins are always on.
    #[error("plugins: `{name}` cannot be switched on or off; leave it out")]
    CustomPlugin {
        /// The plugin.
        name: Plugin,
    },
    /// Not a node selector.
    #[error("cluster_default_node_selector: `{text}` is not of the form `key=value,key=value`")]
    NodeSelector {
        /// What it holds.
        text: String,
    },
}

fn attributes() -> String {
    Attribute::ALL.map(Attribute::name).join(", ")
}

fn switchable() -> String {
    let names = Plugin::ALL.iter().filter(|plugin| !plugin.is_custom());
    names.map(|plugin| plugin.name()).collect::<Vec<_>>().join(", ")
}

/// Settings that make sense: every name in them stands for something, and no permission is idle.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub(super) raw: RawSettings,
    users: BTreeSet<String>,
    user_attributes: BTreeSet<Attribute>,
    service_accounts: BTreeSet<(String, String)>,
    service_account_attributes: BTreeSet<Attribute>,
    /// Ids of the teams, each with the name in the settings.
    pub(super) signing_teams: Vec<(String, mke_core::ids::TeamId)>,
}

impl Default for Settings {
    /// What holds when nothing is configured: no exception for anybody.
    fn default() -> Self {
        Self {
            raw: RawSettings::default(),
            users: BTreeSet::new(),
            user_attributes: BTreeSet::new(),
            service_accounts: BTreeSet::new(),
            service_account_attributes: BTreeSet::new(),
            signing_teams: Vec::new(),
        }
    }
}

impl RawSettings {
    /// Checks the settings against the accounts and bindings of a cluster.
    ///
    /// # Errors
    /// All problems at once.
    pub fn check(self, cluster: &Cluster) -> Result<Settings, SettingsProblems> {
        let mut problems = Vec::new();
        let user_attributes = parse_attributes(
            "priv_attributes_allowed_for_user_accounts",
            &self.priv_attributes_allowed_for_user_accounts,
            &mut problems,
        );
        let service_account_attributes = parse_attributes(
            "priv_attributes_allowed_for_service_accounts",
            &self.priv_attributes_allowed_for_service_accounts,
            &mut problems,
        );
        let mut users = BTreeSet::new();
        for name in &self.priv_attributes_user_accounts {
            match cluster.accounts().user(name) {
                None => problems.push(SettingsProblem::NoSuchUser { name: name.clone() }),
                Some(user) if user.admin => {
                    problems.push(SettingsProblem::Administrator { name: name.clone() })
                }
                Some(user) => {
                    users.insert(user.id.as_str().to_owned());
                }
            }
        }
        let mut service_accounts = BTreeSet::new();
        for name in &self.priv_attributes_service_accounts {
            match service_account(name) {
                None => problems.push(SettingsProblem::ServiceAccountForm { name: name.clone() }),
                Some((namespace, account)) if cluster.is_cluster_admin(namespace, account) => {
                    problems.push(SettingsProblem::ClusterAdmin { name: name.clone() });
                }
                Some((namespace, account)) => {
                    service_accounts.insert((namespace.to_owned(), account.to_owned()));
                }
            }
        }
        let mut signing_teams = Vec::new();
        for name in &self.require_signature_from {
            match cluster.accounts().team(name) {
                None => problems.push(SettingsProblem::NoSuchTeam { name: name.clone() }),
                Some(team) => signing_teams.push((name.clone(), team.id.clone())),
            }
        }
        for name in self.plugins.keys() {
            match Plugin::from_name(name) {
                None => problems.push(SettingsProblem::NoSuchPlugin { name: name.clone() }),
                Some(name) if name.is_custom() => problems.push(SettingsProblem::CustomPlugin { name }),
                Some(_) => {}
            }
        }
        if super::selector::parse(&self.cluster_default_node_selector).is_none() {
            problems.push(SettingsProblem::NodeSelector {
                text: self.cluster_default_node_selector.clone(),
            });
        }
        if !problems.is_empty() {
            return Err(SettingsProblems(problems));
        }
        Ok(Settings {
            raw: self,
            users,
            user_attributes,
            service_accounts,
            service_account_attributes,
            signing_teams,
        })
    }
}

fn parse_attributes(
    key: &'static str,
    names: &[String],
    problems: &mut Vec<SettingsProblem>,
) -> BTreeSet<Attribute> {
    let mut attributes = BTreeSet::new();
    for name in names {
        match Attribute::from_name(name) {
            Some(attribute) => {
                attributes.insert(attribute);
            }
            None => problems.push(SettingsProblem::Attribute {
                key,
                name: name.clone(),
            }),
        }
    }
    attributes
}

fn service_account(text: &str) -> Option<(&str, &str)> {
    let (namespace, name) = text.split_once(':')?;
    let valid = |part: &str| {
        !part.is_empty()
            && part.len() <= 253
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
    };
    (valid(namespace) && valid(name)).then_some((namespace, name))
}

impl Settings {
    /// Whether the configuration gives the requester this privileged attribute (R91, ADM-012).
    pub fn grants(&self, requester: &Requester, attribute: Attribute) -> bool {
        match requester.as_service_account() {
            Some((namespace, name)) => {
                self.service_account_attributes.contains(&attribute)
                    && self
                        .service_accounts
                        .contains(&(namespace.to_owned(), name.to_owned()))
            }
            None => self.user_attributes.contains(&attribute) && self.users.contains(&requester.user),
        }
    }

    /// Whether a plugin runs. Custom plugins always do.
    pub fn is_on(&self, plugin: Plugin) -> bool {
        plugin.is_custom() || self.raw.plugins.get(plugin.name()).copied().unwrap_or(true)
    }

    /// The settings as written.
    pub const fn raw(&self) -> &RawSettings {
        &self.raw
    }
}
