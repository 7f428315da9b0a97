//! Kubelet flags as fields of a `KubeletConfiguration` (`kubelet.config.k8s.io/v1beta1`), for profiles.
//!
//! Flags and fields are those of the kubelet's public reference. What has no field here is left out and named.

use serde_json::{Map, Value};

use super::flags::Flags;

/// How the text of a flag becomes the value of a field.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// As it is.
    Text,
    /// A whole number.
    Number,
    /// true or false
    Switch,
    /// Texts with commas between.
    List,
    /// `name=value` with commas between.
    Pairs,
    /// `signal<threshold` with commas between.
    Thresholds,
    /// `Name=true` with commas between.
    Gates,
}

/// The flags with the names and forms of their fields.
const FIELDS: &[(&str, &str, Form)] = &[
    ("address", "address", Form::Text),
    ("allowed-unsafe-sysctls", "allowedUnsafeSysctls", Form::List),
    ("cluster-dns", "clusterDNS", Form::List),
    ("cluster-domain", "clusterDomain", Form::Text),
    ("container-log-max-files", "containerLogMaxFiles", Form::Number),
    ("container-log-max-size", "containerLogMaxSize", Form::Text),
    ("cpu-cfs-quota", "cpuCFSQuota", Form::Switch),
    ("cpu-cfs-quota-period", "cpuCFSQuotaPeriod", Form::Text),
    ("cpu-manager-policy", "cpuManagerPolicy", Form::Text),
    (
        "cpu-manager-reconcile-period",
        "cpuManagerReconcilePeriod",
        Form::Text,
    ),
    (
        "enable-debugging-handlers",
        "enableDebuggingHandlers",
        Form::Switch,
    ),
    ("enforce-node-allocatable", "enforceNodeAllocatable", Form::List),
    ("event-burst", "eventBurst", Form::Number),
    ("event-qps", "eventRecordQPS", Form::Number),
    ("eviction-hard", "evictionHard", Form::Thresholds),
    (
        "eviction-max-pod-grace-period",
        "evictionMaxPodGracePeriod",
        Form::Number,
    ),
    ("eviction-minimum-reclaim", "evictionMinimumReclaim", Form::Pairs),
    (
        "eviction-pressure-transition-period",
        "evictionPressureTransitionPeriod",
        Form::Text,
    ),
    ("eviction-soft", "evictionSoft", Form::Thresholds),
    (
        "eviction-soft-grace-period",
        "evictionSoftGracePeriod",
        Form::Pairs,
    ),
    ("fail-swap-on", "failSwapOn", Form::Switch),
    ("feature-gates", "featureGates", Form::Gates),
    ("file-check-frequency", "fileCheckFrequency", Form::Text),
    ("hairpin-mode", "hairpinMode", Form::Text),
    ("http-check-frequency", "httpCheckFrequency", Form::Text),
    (
        "image-gc-high-threshold",
        "imageGCHighThresholdPercent",
        Form::Number,
    ),
    (
        "image-gc-low-threshold",
        "imageGCLowThresholdPercent",
        Form::Number,
    ),
    ("kube-api-burst", "kubeAPIBurst", Form::Number),
    ("kube-api-qps", "kubeAPIQPS", Form::Number),
    ("kube-reserved", "kubeReserved", Form::Pairs),
    ("kube-reserved-cgroup", "kubeReservedCgroup", Form::Text),
    (
        "make-iptables-util-chains",
        "makeIPTablesUtilChains",
        Form::Switch,
    ),
    ("max-open-files", "maxOpenFiles", Form::Number),
    ("max-pods", "maxPods", Form::Number),
    ("memory-manager-policy", "memoryManagerPolicy", Form::Text),
    ("node-status-max-images", "nodeStatusMaxImages", Form::Number),
    (
        "node-status-update-frequency",
        "nodeStatusUpdateFrequency",
        Form::Text,
    ),
    ("oom-score-adj", "oomScoreAdj", Form::Number),
    ("pod-max-pids", "podPidsLimit", Form::Number),
    ("pods-per-core", "podsPerCore", Form::Number),
    ("protect-kernel-defaults", "protectKernelDefaults", Form::Switch),
    ("read-only-port", "readOnlyPort", Form::Number),
    ("registry-burst", "registryBurst", Form::Number),
    ("registry-qps", "registryPullQPS", Form::Number),
    ("reserved-cpus", "reservedSystemCPUs", Form::Text),
    ("resolv-conf", "resolvConf", Form::Text),
    ("rotate-certificates", "rotateCertificates", Form::Switch),
    ("runtime-request-timeout", "runtimeRequestTimeout", Form::Text),
    ("seccomp-default", "seccompDefault", Form::Switch),
    ("serialize-image-pulls", "serializeImagePulls", Form::Switch),
    (
        "streaming-connection-idle-timeout",
        "streamingConnectionIdleTimeout",
        Form::Text,
    ),
    ("sync-frequency", "syncFrequency", Form::Text),
    ("system-reserved", "systemReserved", Form::Pairs),
    ("system-reserved-cgroup", "systemReservedCgroup", Form::Text),
    ("tls-cipher-suites", "tlsCipherSuites", Form::List),
    ("tls-min-version", "tlsMinVersion", Form::Text),
    ("topology-manager-policy", "topologyManagerPolicy", Form::Text),
    ("volume-plugin-dir", "volumePluginDir", Form::Text),
];

/// The fields that the flags of one profile stand for, with spaces between the flags.
pub(super) fn fields(profile: &str) -> Flags {
    let mut read = Flags::default();
    for flag in profile.split_whitespace() {
        let named = flag.strip_prefix("--").unwrap_or(flag);
        let (name, text) = match named.split_once('=') {
            Some((name, text)) => (name, Some(text)),
            None => (named, None),
        };
        let Some((_, field, form)) = FIELDS.iter().find(|(known, ..)| *known == name) else {
            read.left
                .push((flag.to_owned(), "it has no field in a KubeletConfiguration"));
            continue;
        };
        match value(*form, text) {
            Some(_) if read.args.contains_key(*field) => {
                read.left.push((flag.to_owned(), "it is given twice"))
            }
            Some(value) => {
                read.args.insert((*field).to_owned(), value);
            }
            None => read
                .left
                .push((flag.to_owned(), "its value does not fit the field")),
        }
    }
    read
}

fn value(form: Form, text: Option<&str>) -> Option<Value> {
    let text = match (form, text) {
        (Form::Switch, None) => "true",
        (_, text) => text?,
    };
    match form {
        Form::Text => Some(text.into()),
        Form::Number => text.parse::<i64>().ok().map(Value::from),
        Form::Switch => text.parse::<bool>().ok().map(Value::from),
        Form::List => Some(text.split(',').map(str::trim).map(Value::from).collect()),
        Form::Pairs => pairs(text, '=', |value| Some(value.into())),
        Form::Thresholds => pairs(text, '<', |value| Some(value.into())),
        Form::Gates => pairs(text, '=', |value| value.parse::<bool>().ok().map(Value::from)),
    }
}

fn pairs(text: &str, between: char, read: impl Fn(&str) -> Option<Value>) -> Option<Value> {
    let pairs = text.split(',').map(|pair| {
        let (name, value) = pair.split_once(between)?;
        Some((name.trim().to_owned(), read(value.trim())?))
    });
    pairs.collect::<Option<Map<_, _>>>().map(Value::Object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// M4-010: flags of a profile become fields, best effort; the others are named.
    #[test]
    fn profiles_become_fields() {
        let read = fields(
            "--max-pods=200 --eviction-hard=memory.available<250Mi,nodefs.available<10% --fail-swap-on=false \
             --feature-gates=A=true --kube-reserved=cpu=1,memory=1Gi --cluster-dns=10.96.0.10 --v=4 --max-pods=9 \
             --event-qps=many",
        );
        let expected = json!({
            "maxPods": 200,
            "evictionHard": {"memory.available": "250Mi", "nodefs.available": "10%"},
            "failSwapOn": false,
            "featureGates": {"A": true},
            "kubeReserved": {"cpu": "1", "memory": "1Gi"},
            "clusterDNS": ["10.96.0.10"],
        });
        assert_eq!(Value::Object(read.args), expected);
        let left: Vec<_> = read.left.iter().map(|(flag, _)| flag.as_str()).collect();
        assert_eq!(left, ["--v=4", "--max-pods=9", "--event-qps=many"]);
    }
}
