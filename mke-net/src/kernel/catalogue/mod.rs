//! The kernel parameters of the documents: what each means, its values before and after an installation, who sets it
//! (SYS-001). Facts alone; what follows from them is decided by the plan.

mod bridge;
mod conntrack;
mod host;
mod ipv4;
mod ipvs;

use std::fmt;

use serde::Serialize;

/// A figure of the documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Figure {
    /// This value.
    Value(&'static str),
    /// The kernel computes it from memory and the like; no value is right or wrong.
    Calculated,
    /// Distributions differ.
    Distribution,
    /// There is none before the module is loaded.
    Absent,
    /// It counts something; nobody sets it.
    Counter,
}

impl Figure {
    /// The value, when there is a certain one.
    pub const fn value(self) -> Option<&'static str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Calculated | Self::Distribution | Self::Absent | Self::Counter => None,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Value(value) => value,
            Self::Calculated => "calculated",
            Self::Distribution => "distribution dependent",
            Self::Absent => "no default",
            Self::Counter => "a count",
        })
    }
}

/// Who gives a parameter its value after an installation. The product itself sets none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetBy {
    /// The Engine, when it starts.
    Engine,
    /// The kernel itself, when forwarding is switched.
    Forwarding,
    /// The kubelet, unless it protects the kernel's defaults.
    Kubelet,
    /// The kube-proxy.
    KubeProxy,
    /// The kernel module, when it is loaded.
    Module,
    /// Nobody.
    Nobody,
}

impl SetBy {
    /// Whether the documents name the container runtime; otherwise they name an upstream component.
    pub const fn is_runtime(self, name_is_bridge_call: bool) -> bool {
        match self {
            Self::Engine => true,
            Self::Forwarding | Self::Module => name_is_bridge_call,
            Self::Kubelet | Self::KubeProxy | Self::Nobody => false,
        }
    }
}

impl fmt::Display for SetBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Engine => "the Engine",
            Self::Forwarding => "the kernel, when forwarding is switched",
            Self::Kubelet => "the kubelet",
            Self::KubeProxy => "the kube-proxy",
            Self::Module => "its module, when it is loaded",
            Self::Nobody => "nobody",
        })
    }
}

/// How much a cluster needs the product's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Every cluster does.
    Always,
    /// Kubernetes does.
    Kubernetes,
    /// Kubernetes does, and more is as good.
    AtLeast,
    /// Kubernetes does, unless kubelets protect the kernel's defaults (`kube_protect_kernel_defaults`).
    Kubelet,
    /// The documents list what the module brings; a difference is told and left alone unless all are asked for.
    Module,
    /// It is told and never judged.
    Never,
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// As sysctl(8) writes it.
    pub name: &'static str,
    /// Before an installation.
    pub before: Figure,
    /// After an installation.
    pub product: Figure,
    /// Its unit.
    pub unit: &'static str,
    /// The kernel module that brings it; `None` when every kernel has it.
    pub module: Option<&'static str>,
    /// Whether every network namespace has a value of its own.
    pub per_namespace: bool,
    /// Who sets it.
    pub set_by: SetBy,
    /// How much a cluster needs it.
    pub need: Need,
    /// What it means.
    pub meaning: &'static str,
}

/// Every parameter of the documents, 91 of them.
pub fn parameters() -> impl Iterator<Item = &'static Parameter> {
    let groups: [&[Parameter]; 5] = [
        &host::ROWS,
        &bridge::ROWS,
        &ipv4::ROWS,
        &ipvs::ROWS,
        &conntrack::ROWS,
    ];
    groups.into_iter().flatten()
}

/// A parameter by its name.
pub fn parameter(name: &str) -> Option<&'static Parameter> {
    parameters().find(|parameter| parameter.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SYS-001, SYS-002, SYS-003, SYS-004, SYS-005, SYS-006, SYS-007: the table has the facts of the documents, each
    /// parameter once and none besides.
    #[test]
    fn the_table_agrees_with_the_facts() {
        let facts: toml::Table =
            toml::from_str(include_str!("../../../../docs/reference/kernel-parameters.toml")).unwrap();
        let rows = facts["parameter"].as_array().unwrap();
        assert_eq!(rows.len(), 91);
        assert_eq!(parameters().count(), 91);
        for row in rows {
            let text = |key: &str| match &row[key] {
                toml::Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let name = text("name");
            let known = parameter(&name).unwrap_or_else(|| panic!("{name} is missing"));
            let figure = |figure: Figure| match figure {
                Figure::Counter => "depends on number of logins; not user-configurable".to_owned(),
                other => other.to_string(),
            };
            assert_eq!(figure(known.before), text("default"), "{name}");
            assert_eq!(known.product.to_string(), text("mke"), "{name}");
            assert_eq!(known.unit, text("unit"), "{name}");
            assert_eq!(known.module.unwrap_or("none"), text("module"), "{name}");
            assert_eq!(
                known.per_namespace.to_string(),
                text("writable_in_netns"),
                "{name}"
            );
            let runtime = known
                .set_by
                .is_runtime(name.starts_with("net.bridge.bridge-nf-call") || name.ends_with(".forwarding"));
            assert_eq!(
                if runtime { "MCR" } else { "upstream component" },
                text("set_by"),
                "{name}"
            );
        }
    }

    /// SYS-001: what cannot be set is never needed, and what is needed has a value.
    #[test]
    fn needs_have_values() {
        for known in parameters() {
            let judged = !matches!(known.need, Need::Never | Need::Module);
            assert!(!judged || known.product.value().is_some(), "{}", known.name);
            assert!(
                known.meaning.ends_with('.') && known.meaning.len() > 20,
                "{}",
                known.name
            );
        }
        assert_eq!(parameter("kernel.pty.nr").unwrap().need, Need::Never);
        assert_eq!(parameter("vm.swappiness"), None);
    }
}
