//! Flags of a component with the origin of each, and what custom flags do to those before them (CFG-023).
//!
//! Custom flags are appended as they are written. Kubernetes takes the last value of most flags, and adds up the values
//! of some ([`adds_up`]); it treats `_` in names as `-`. What a custom flag does to an earlier flag is said, not
//! prevented: such flags are unsupported, but applied.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::problem::RenderProblems;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A key of the configuration.
    Key(&'static str),
    /// What is known about the node.
    Fact(&'static str),
    /// It is always so, for this reason.
    Fixed(&'static str),
    /// An item of a list of custom flags.
    Custom {
        /// The key that holds the list.
        key: &'static str,
        /// Which item, from 0.
        item: usize,
    },
    /// A profile of kubelet flags.
    Profile(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::Fact(fact) => write!(f, "node: {fact}"),
            Self::Fixed(why) => f.write_str(why),
            Self::Custom { key, item } => write!(f, "{key}[{item}]"),
            Self::Profile(name) => write!(f, "cluster_config.custom_kubelet_flags_profiles.{name}"),
        }
    }
}

/// One flag. `Display` writes it as an argument of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flag {
    /// Its name, without dashes before it.
    pub name: String,
    /// Its value; a flag without one is a switch that is on.
    pub value: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{}", self.name)?;
        match &self.value {
            Some(value) => write!(f, "={value}"),
            None => Ok(()),
        }
    }
}

/// What a custom flag does to an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Override {
    /// The custom flag.
    pub flag: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The earlier flag.
    pub earlier: String,
    /// Where that comes from.
    pub earlier_origin: Origin,
    /// Whether both hold together; otherwise only the later one does.
    pub adds_up: bool,
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.adds_up { "adds to" } else { "overrides" };
        write!(
            f,
            "{} ({}) {verb} {} ({})",
            self.flag, self.origin, self.earlier, self.earlier_origin
        )
    }
}

/// The flags of one component, in order.
#[derive(Debug, Default)]
pub(super) struct Flags {
    pub(super) list: Vec<Flag>,
    pub(super) overrides: Vec<Override>,
}

impl Flags {
    pub(super) fn put(&mut self, name: &str, value: impl ToString, origin: Origin) {
        self.list.push(Flag {
            name: name.to_owned(),
            value: Some(value.to_string()),
            origin,
        });
    }

    /// A flag from a key of the configuration.
    pub(super) fn key(&mut self, name: &str, value: impl ToString, key: &'static str) {
        self.put(name, value, Origin::Key(key));
    }

    /// The same, unless the key is unset or empty: then the component decides itself.
    pub(super) fn key_if_given(&mut self, name: &str, value: Option<&str>, key: &'static str) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.key(name, value, key);
        }
    }

    /// A flag from what is known about the node.
    pub(super) fn fact(&mut self, name: &str, value: impl ToString, fact: &'static str) {
        self.put(name, value, Origin::Fact(fact));
    }

    /// A flag that is always so.
    pub(super) fn fixed(&mut self, name: &str, value: impl ToString, why: &'static str) {
        self.put(name, value, Origin::Fixed(why));
    }

    /// Appends custom flags.
    pub(super) fn custom<'f>(
        &mut self,
        place: &str,
        flags: impl IntoIterator<Item = &'f str>,
        origin: impl Fn(usize) -> Origin,
        problems: &mut RenderProblems,
    ) {
        let before = self.list.len();
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for (item, text) in flags.into_iter().enumerate() {
            let place = format!("{place}[{item}]");
            let (name, value) = match parse(text) {
                Ok(parts) => parts,
                Err(why) => {
                    problems.add(place, format!("{text:?} {why}"));
                    continue;
                }
            };
            let same = name.replace('_', "-");
            if let Some(first) = seen.get(&same)
                && (first == text || !adds_up(&same))
            {
                problems.add(
                    place,
                    format!("{text:?} is given twice, first as {first:?}: keep one of them"),
                );
                continue;
            }
            seen.insert(same.clone(), text.to_owned());
            let flag = Flag {
                name: name.to_owned(),
                value: value.map(str::to_owned),
                origin: origin(item),
            };
            let earlier = self.list.iter().take(before);
            let earlier = earlier.filter(|earlier| earlier.name.replace('_', "-") == same);
            let overridden: Vec<_> = earlier
                .map(|earlier| Override {
                    flag: flag.to_string(),
                    origin: flag.origin.clone(),
                    earlier: earlier.to_string(),
                    earlier_origin: earlier.origin.clone(),
                    adds_up: adds_up(&same),
                })
                .collect();
            self.overrides.extend(overridden);
            self.list.push(flag);
        }
    }
}

/// Name and value of `--name=value` or `--name`.
fn parse(text: &str) -> Result<(&str, Option<&str>), &'static str> {
    if text.chars().any(char::is_control) {
        return Err("holds a line break or another control character: remove it");
    }
    let Some(rest) = text.strip_prefix("--") else {
        return Err("does not begin with `--`: write it as `--name=value`");
    };
    let (name, value) = match rest.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (rest, None),
    };
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if !name.bytes().all(allowed) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err("has no name of a flag: write it as `--name=value`, without spaces");
    }
    Ok((name, value))
}

/// Whether Kubernetes adds up the values of a flag that is given more than once; of values with names in them the last
/// of a name counts. The flags are those of the public reference of its components, with dashes.
pub(super) fn adds_up(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "admission-control",
        "allowed-unsafe-sysctls",
        "api-audiences",
        "authorization-mode",
        "cluster-dns",
        "controllers",
        "cors-allowed-origins",
        "disable-admission-plugins",
        "enable-admission-plugins",
        "enforce-node-allocatable",
        "etcd-servers",
        "etcd-servers-overrides",
        "eviction-hard",
        "eviction-minimum-reclaim",
        "eviction-soft",
        "eviction-soft-grace-period",
        "feature-gates",
        "ipvs-exclude-cidrs",
        "kube-reserved",
        "kubelet-preferred-address-types",
        "node-labels",
        "nodeport-addresses",
        "oidc-required-claim",
        "oidc-signing-algs",
        "qos-reserved",
        "register-with-taints",
        "requestheader-allowed-names",
        "requestheader-extra-headers-prefix",
        "requestheader-group-headers",
        "requestheader-username-headers",
        "runtime-config",
        "service-account-issuer",
        "service-account-key-file",
        "system-reserved",
        "tls-cipher-suites",
        "tls-sni-cert-key",
        "vmodule",
        "watch-cache-sizes",
    ];
    NAMES.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appended(flags: &[&str]) -> (Vec<String>, Vec<String>, Vec<String>) {
        let mut all = Flags::default();
        all.key("profiling", true, "k");
        all.key("feature-gates", "A=true", "g");
        let mut problems = RenderProblems::default();
        all.custom(
            "c",
            flags.iter().copied(),
            |item| Origin::Custom { key: "c", item },
            &mut problems,
        );
        (
            all.list.iter().skip(2).map(Flag::to_string).collect(),
            all.overrides.iter().map(Override::to_string).collect(),
            problems.0.iter().map(|problem| problem.place.clone()).collect(),
        )
    }

    /// CFG-023: what is appended as it is written, what of it overrides or adds to an earlier flag, and what is refused.
    #[test]
    fn custom_flags() {
        let one = |text: &str| vec![text.to_owned()];
        let over = |text: &str| one(&format!("{text} (c[0]) overrides --profiling=true (k)"));
        for (flag, overrides) in [
            ("--v=4", vec![]),
            ("--x=a b", vec![]),
            ("--x=", vec![]),
            ("--x==", vec![]),
            ("--profiling=false", over("--profiling=false")),
            ("--profiling", over("--profiling")),
            (
                "--feature_gates=B=true",
                one("--feature_gates=B=true (c[0]) adds to --feature-gates=A=true (g)"),
            ),
        ] {
            assert_eq!(appended(&[flag]), (one(flag), overrides, vec![]), "{flag}");
        }
        for bad in [
            "",
            "-",
            "--",
            "-v=4",
            "v=4",
            "--=4",
            "--v 4",
            "---v",
            "--V=4",
            "--v=4\n--x=1",
            "--v=\0",
            "--v=\u{85}",
            "--ü=1",
            " --v=4",
        ] {
            assert_eq!(appended(&[bad]), (vec![], vec![], one("c[0]")), "{bad:?}");
        }
        for (twice, refused) in [
            (["--v=4", "--v=4"], true),
            (["--v=4", "--v=5"], true),
            (["--a-b=4", "--a_b=5"], true),
            (["--feature-gates=A=true", "--feature-gates=A=true"], true),
            (["--feature-gates=A=true", "--feature-gates=B=true"], false),
            (
                ["--service-account-issuer=a", "--service-account-issuer=b"],
                false,
            ),
        ] {
            assert_eq!(appended(&twice).2 == one("c[1]"), refused, "{twice:?}");
        }
    }

    #[test]
    fn names_that_add_up_are_sorted() {
        assert!(adds_up("feature-gates") && adds_up("watch-cache-sizes") && adds_up("admission-control"));
        assert!(!adds_up("profiling"));
    }
}
