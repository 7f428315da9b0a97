//! A pod security policy as data: the fields of `policy/v1beta1` as Kubernetes 1.20 has them. Fields that this
//! version does not have are refused, because a misspelt limit would be no limit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A policy: what pods under it may ask for, and what they get when they do not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSecurityPolicy {
    /// Its name.
    pub name: String,
    /// Its annotations; some hold limits for seccomp and AppArmor.
    pub annotations: BTreeMap<String, String>,
    /// Its limits.
    pub spec: PolicySpec,
}

/// The limits of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySpec {
    /// Privileged containers.
    #[serde(default)]
    pub privileged: bool,
    /// The network of the host.
    #[serde(default)]
    pub host_network: bool,
    /// Ports of the host; none when empty.
    #[serde(default)]
    pub host_ports: Vec<PortRange>,
    /// The process namespace of the host.
    #[serde(default, rename = "hostPID")]
    pub host_pid: bool,
    /// The IPC namespace of the host.
    #[serde(default, rename = "hostIPC")]
    pub host_ipc: bool,
    /// Types of volumes, `*` for all.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// Paths of the host; all when empty.
    #[serde(default)]
    pub allowed_host_paths: Vec<AllowedHostPath>,
    /// Drivers of flex volumes; all when empty.
    #[serde(default)]
    pub allowed_flex_volumes: Vec<AllowedDriver>,
    /// Drivers of inline CSI volumes; all when empty.
    #[serde(default, rename = "allowedCSIDrivers")]
    pub allowed_csi_drivers: Vec<AllowedCsiDriver>,
    /// The user of containers.
    pub run_as_user: IdStrategy,
    /// The primary group of containers; any when absent.
    #[serde(default)]
    pub run_as_group: Option<IdStrategy>,
    /// Further groups of containers.
    pub supplemental_groups: IdStrategy,
    /// The group that owns volumes.
    pub fs_group: IdStrategy,
    /// SELinux labels.
    pub se_linux: SeLinuxStrategy,
    /// Whether the root file system must be read-only.
    #[serde(default)]
    pub read_only_root_filesystem: bool,
    /// Capabilities that every container gets unless it drops them.
    #[serde(default)]
    pub default_add_capabilities: Vec<String>,
    /// Capabilities that every container loses.
    #[serde(default)]
    pub required_drop_capabilities: Vec<String>,
    /// Capabilities that containers may add, `*` for all.
    #[serde(default)]
    pub allowed_capabilities: Vec<String>,
    /// Whether processes may gain privileges; they may when absent.
    #[serde(default)]
    pub allow_privilege_escalation: Option<bool>,
    /// What containers get that do not say whether their processes may gain privileges.
    #[serde(default)]
    pub default_allow_privilege_escalation: Option<bool>,
    /// Kernel parameters beyond the safe ones, with a star at the end for a prefix.
    #[serde(default)]
    pub allowed_unsafe_sysctls: Vec<String>,
    /// Kernel parameters that are refused, with a star at the end for a prefix.
    #[serde(default)]
    pub forbidden_sysctls: Vec<String>,
    /// Types of `/proc` mounts besides the default, `*` for all.
    #[serde(default)]
    pub allowed_proc_mount_types: Vec<String>,
    /// Runtime classes; any when absent.
    #[serde(default)]
    pub runtime_class: Option<RuntimeClasses>,
}

/// Ports from `min` to `max`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PortRange {
    /// The first.
    pub min: i64,
    /// The last.
    pub max: i64,
}

/// Ids from `min` to `max`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdRange {
    /// The first.
    pub min: i64,
    /// The last.
    pub max: i64,
}

/// A path of the host and everything below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AllowedHostPath {
    /// The path.
    pub path_prefix: String,
    /// Whether every mount of it must be read-only.
    #[serde(default)]
    pub read_only: bool,
}

/// A driver of flex volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedDriver {
    /// Its name.
    pub driver: String,
}

/// A driver of CSI volumes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedCsiDriver {
    /// Its name.
    pub name: String,
}

/// How ids of users and groups are limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdStrategy {
    /// The rule.
    pub rule: IdRule,
    /// The ranges that it uses.
    #[serde(default)]
    pub ranges: Vec<IdRange>,
}

/// The rules for ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdRule {
    /// Within the ranges; the lowest id when the pod says nothing.
    MustRunAs,
    /// Within the ranges when the pod says something; for groups only.
    MayRunAs,
    /// Not root; for users only.
    MustRunAsNonRoot,
    /// No limit.
    RunAsAny,
}

/// How SELinux labels are limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeLinuxStrategy {
    /// The rule.
    pub rule: SeLinuxRule,
    /// The labels that it uses.
    #[serde(default)]
    pub se_linux_options: Option<SeLinuxOptions>,
}

/// The rules for SELinux labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SeLinuxRule {
    /// Exactly the labels of the policy.
    MustRunAs,
    /// No limit.
    RunAsAny,
}

/// SELinux labels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeLinuxOptions {
    /// The user label.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// The role label.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The type label.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The level label.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub level: String,
}

/// Runtime classes that pods may name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RuntimeClasses {
    /// The names, `*` for all.
    pub allowed_runtime_class_names: Vec<String>,
    /// What pods get that name none.
    #[serde(default)]
    pub default_runtime_class_name: Option<String>,
}

/// Why an object is no usable policy.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It has no name.
    #[error("a pod security policy without metadata.name; name it")]
    Unnamed,
    /// A field is missing, unknown or of the wrong type.
    #[error("pod security policy `{name}`: {source}")]
    Field {
        /// The policy.
        name: String,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// Two fields contradict each other, or a rule has nothing to work with. All of them.
    #[error("pod security policy `{name}`: {}", problems.join("; "))]
    Problems {
        /// The policy.
        name: String,
        /// One sentence each.
        problems: Vec<String>,
    },
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    metadata: Metadata,
    spec: PolicySpec,
}

#[derive(Deserialize, Default)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl PodSecurityPolicy {
    /// Reads a policy from its manifest.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub fn from_object(object: &Value) -> Result<Self, PolicyError> {
        let name = object
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let manifest = Manifest::deserialize(object).map_err(|source| PolicyError::Field {
            name: name.to_owned(),
            source,
        })?;
        let Manifest { metadata, spec } = manifest;
        if metadata.name.is_empty() {
            return Err(PolicyError::Unnamed);
        }
        let problems = spec.problems();
        if !problems.is_empty() {
            return Err(PolicyError::Problems {
                name: metadata.name,
                problems,
            });
        }
        Ok(Self {
            name: metadata.name,
            annotations: metadata.annotations,
            spec,
        })
    }
}

impl PolicySpec {
    /// Whether processes may gain privileges.
    pub(super) fn allows_escalation(&self) -> bool {
        self.allow_privilege_escalation.unwrap_or(true)
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut strategy = |field: &str, strategy: &IdStrategy, allowed: &[IdRule]| {
            if !allowed.contains(&strategy.rule) {
                problems.push(format!("{field} cannot have the rule {:?}", strategy.rule));
            }
            let bounded = matches!(strategy.rule, IdRule::MustRunAs | IdRule::MayRunAs);
            if bounded && strategy.ranges.is_empty() {
                problems.push(format!("{field} needs ranges for the rule {:?}", strategy.rule));
            }
            for range in &strategy.ranges {
                if range.min > range.max || range.min < 0 {
                    problems.push(format!("{field} has the empty range {}-{}", range.min, range.max));
                }
            }
        };
        let groups = [IdRule::MustRunAs, IdRule::MayRunAs, IdRule::RunAsAny];
        let users = [IdRule::MustRunAs, IdRule::MustRunAsNonRoot, IdRule::RunAsAny];
        strategy("runAsUser", &self.run_as_user, &users);
        if let Some(group) = &self.run_as_group {
            strategy("runAsGroup", group, &groups);
        }
        strategy("supplementalGroups", &self.supplemental_groups, &groups);
        strategy("fsGroup", &self.fs_group, &groups);
        if self.default_allow_privilege_escalation == Some(true) && !self.allows_escalation() {
            problems.push(
                "defaultAllowPrivilegeEscalation is true, but allowPrivilegeEscalation is false".to_owned(),
            );
        }
        for range in &self.host_ports {
            if range.min > range.max || range.min < 0 || range.max > 65_535 {
                problems.push(format!(
                    "hostPorts has the impossible range {}-{}",
                    range.min, range.max
                ));
            }
        }
        for path in &self.allowed_host_paths {
            if path.path_prefix.is_empty() || path.path_prefix.split('/').any(|part| part == "..") {
                problems.push(format!(
                    "allowedHostPaths has the path `{}`: write a path without `..`",
                    path.path_prefix
                ));
            }
        }
        for capability in &self.default_add_capabilities {
            if self.required_drop_capabilities.contains(capability) {
                problems.push(format!("capability {capability} is both added and dropped"));
            }
        }
        for capability in &self.allowed_capabilities {
            if self.required_drop_capabilities.contains(capability) {
                problems.push(format!("capability {capability} is both allowed and dropped"));
            }
        }
        problems
    }
}
