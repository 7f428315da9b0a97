//! What the containers of add-ons are started with. Environment and files of Calico, CoreDNS and the NVIDIA plug-in are rendered
//! in the core, from the configuration; around them stand the probes, mounts and ports of the programs' public documents.

use mke_core::product::ProductVersion;
use mke_core::render::{self, Rendered, Variable, render};
use serde_json::{Map, Value, json};

use super::workloads::Workload;
use crate::node::{ClusterSpec, NODE_CERTS};

/// Where a container finds the files of its ConfigMap.
pub(super) const CONFIG: &str = "/etc/addon";
/// The file of the network plug-in in its ConfigMap.
pub(super) const CNI_CONFIG: &str = "cni_network_config";
/// The first version in which the configuration limits the memory of Prometheus.
const MEMORY_LIMITS: ProductVersion = ProductVersion::new(3, 7, 0);
/// The volume of a node with its certificate, as its engine lays it down by default.
const NODE_VOLUME: &str = "/var/lib/docker/volumes/ucp-node-certs/_data";

/// The settings of one workload.
pub(super) struct Settings<'s> {
    workload: &'s Workload,
    cluster: &'s ClusterSpec,
    /// What the core rendered for it, when it renders it.
    pub(super) rendered: Option<Rendered>,
    /// Whether its pods use the network of their nodes.
    pub(super) host_network: bool,
}

/// A container with the volumes of its pod that it needs.
pub(super) struct Described {
    pub(super) container: Value,
    pub(super) needs: Vec<(&'static str, Value)>,
}

impl<'s> Settings<'s> {
    /// The settings of a workload.
    ///
    /// # Errors
    /// Why the configuration makes no sense for it.
    pub(super) fn of(
        workload: &'s Workload,
        cluster: &'s ClusterSpec,
        facts: &render::NodeFacts,
    ) -> Result<Self, String> {
        let component = match workload.name {
            "calico-node" | "calico-kube-controllers" => Some(render::Component::Calico),
            "coredns" => Some(render::Component::Coredns),
            "ucp-nvidia-device-partitioner" => Some(render::Component::NvidiaDevicePlugin),
            _ => None,
        };
        let rendered = component
            .map(|component| {
                render(component, &cluster.config, facts).map_err(|problems| problems.to_string())
            })
            .transpose()?;
        if let Some(why) = rendered.as_ref().and_then(|rendered| rendered.absent.clone()) {
            return Err(why);
        }
        Ok(Self {
            workload,
            cluster,
            rendered,
            host_network: workload.name.starts_with("calico-"),
        })
    }

    /// The text of a file that the core rendered, by the end of its path.
    pub(super) fn file(&self, name: &str) -> Option<&str> {
        let mut files = self.rendered.iter().flat_map(|rendered| &rendered.files);
        let file = files.find(|file| file.path.rsplit('/').next() == Some(name))?;
        Some(&file.text)
    }

    /// One container of the workload.
    pub(super) fn container(&self, name: &str, image: &str) -> Described {
        let mut draft = Draft::new(name, image);
        match name {
            "calico-node" => self.calico_node(&mut draft),
            "install-cni" => self.install_cni(&mut draft),
            "calico-kube-controllers" => self.calico_controllers(&mut draft),
            "ucp-coredns" => coredns(&mut draft),
            "ucp-metrics-inventory" => self.inventory(&mut draft),
            "ucp-metrics-prometheus" => self.prometheus(&mut draft),
            "ucp-metrics-proxy" => {
                draft.set("args", json!(["proxy"]));
                draft.node_certificate();
            }
            "ucp-node-feature-discovery-master" => {
                draft.set("command", json!(["nfd-master"]));
                draft.field("NODE_NAME", "spec.nodeName");
            }
            "ucp-node-feature-discovery-worker" => features(&mut draft),
            _ => self.variables(&mut draft, |_| true),
        }
        if let Some(rendered) = &self.rendered {
            // One workload alone has mounts of its own so far.
            for mount in rendered.mounts.iter().filter(|_| name.contains("nvidia")) {
                draft.host("device-plugins", &mount.source, &mount.target, mount.read_only);
            }
        }
        draft.done()
    }

    fn variables(&self, draft: &mut Draft, takes: impl Fn(&Variable) -> bool) {
        let all = self.rendered.iter().flat_map(|rendered| &rendered.environment);
        for variable in all.filter(|variable| takes(variable)) {
            draft.say(&variable.name, &variable.value);
        }
    }

    fn calico_node(&self, draft: &mut Draft) {
        let others = ["CNI_MTU", "STRICT_AFFINITY"];
        self.variables(draft, |variable| {
            !others.contains(&variable.name.as_str()) && !variable.name.starts_with("KUBE_CONTROLLERS_")
        });
        draft.field("NODENAME", "spec.nodeName");
        let bird = !self.cluster.config.cluster.network.calico_vxlan;
        let probe = |felix: &str, routes: &str| {
            let mut command = vec!["/bin/calico-node", felix];
            if bird {
                command.push(routes);
            }
            json!({ "exec": { "command": command }, "periodSeconds": 10, "failureThreshold": 6 })
        };
        draft.set("livenessProbe", probe("-felix-live", "-bird-live"));
        draft.set("readinessProbe", probe("-felix-ready", "-bird-ready"));
        draft.set("securityContext", json!({ "privileged": true }));
        draft.set("resources", json!({ "requests": { "cpu": "250m" } }));
        draft.host("lib-modules", "/lib/modules", "/lib/modules", true);
        draft.host("xtables-lock", "/run/xtables.lock", "/run/xtables.lock", false);
        draft.host("var-run-calico", "/var/run/calico", "/var/run/calico", false);
        draft.host("var-lib-calico", "/var/lib/calico", "/var/lib/calico", false);
        draft.node_certificate();
    }

    fn install_cni(&self, draft: &mut Draft) {
        self.variables(draft, |variable| {
            variable.name == "CNI_MTU" || is_of_datastore(variable)
        });
        draft.say("CNI_CONF_NAME", "10-calico.conflist");
        // It goes on running and looks after its files.
        draft.say("SLEEP", "true");
        draft.field("KUBERNETES_NODE_NAME", "spec.nodeName");
        draft.variable(json!({
            "name": "CNI_NETWORK_CONFIG",
            "valueFrom": { "configMapKeyRef": { "name": self.workload.name, "key": CNI_CONFIG } },
        }));
        draft.host("cni-bin", "/opt/cni/bin", "/host/opt/cni/bin", false);
        draft.host("cni-net", "/etc/cni/net.d", "/host/etc/cni/net.d", false);
        draft.node_certificate();
    }

    fn calico_controllers(&self, draft: &mut Draft) {
        self.variables(draft, |variable| {
            is_of_datastore(variable) || variable.name.starts_with("KUBE_CONTROLLERS_")
        });
        let kdd = self.cluster.config.cluster.network.calico_kdd;
        let controllers = if kdd {
            "node"
        } else {
            "policy,namespace,serviceaccount,workloadendpoint,node"
        };
        draft.say("ENABLED_CONTROLLERS", controllers);
        let own = &self.cluster.config.cluster.calico_probes;
        for (probe, flag, tuned) in [
            (
                "livenessProbe",
                "-l",
                [
                    own.calico_controller_liveness_probe_failure_threshold,
                    own.calico_controller_liveness_probe_initial_delay_seconds,
                    own.calico_controller_liveness_probe_period_seconds,
                    own.calico_controller_liveness_probe_success_threshold,
                    own.calico_controller_liveness_probe_timeout_seconds,
                ],
            ),
            (
                "readinessProbe",
                "-r",
                [
                    own.calico_controller_readiness_probe_failure_threshold,
                    own.calico_controller_readiness_probe_initial_delay_seconds,
                    own.calico_controller_readiness_probe_period_seconds,
                    own.calico_controller_readiness_probe_success_threshold,
                    own.calico_controller_readiness_probe_timeout_seconds,
                ],
            ),
        ] {
            let command = json!({ "exec": { "command": ["/usr/bin/check-status", flag] } });
            let tuned = own.calico_controller_probes_tuning.then_some(tuned);
            draft.set(probe, tuned_probe(command, tuned));
        }
        draft.node_certificate();
    }

    fn inventory(&self, draft: &mut Draft) {
        draft.set("args", json!(["inventory"]));
        let metrics = &self.cluster.config.cluster.metrics;
        draft.say("UCP_METRICS_INTERVAL", &metrics.metrics_scrape_interval);
        if let Some(interval) = &metrics.metrics_disk_usage_interval {
            draft.say("UCP_METRICS_DISK_USAGE_INTERVAL", interval);
        }
        draft.memory("inventory", "/inventory");
        draft.node_certificate();
    }

    fn prometheus(&self, draft: &mut Draft) {
        let metrics = &self.cluster.config.cluster.metrics;
        let mut args = vec![
            "--config.file=/inventory/prometheus.yml".to_owned(),
            "--storage.tsdb.path=/data".to_owned(),
            "--web.listen-address=127.0.0.1:9090".to_owned(),
        ];
        if !metrics.metrics_retention_time.is_empty() {
            args.push(format!(
                "--storage.tsdb.retention.time={}",
                metrics.metrics_retention_time
            ));
        }
        draft.set("command", json!(["prometheus"]));
        draft.set("args", json!(args));
        if self.cluster.version >= MEMORY_LIMITS {
            draft.set(
                "resources",
                json!({
                    "limits": { "memory": metrics.prometheus_memory_limit },
                    "requests": { "memory": metrics.prometheus_memory_request },
                }),
            );
        }
        draft.memory("inventory", "/inventory");
        let data = "/var/lib/docker/volumes/ucp-metrics-data/_data";
        draft.host("data", data, "/data", false);
        draft.node_certificate();
    }
}

fn is_of_datastore(variable: &Variable) -> bool {
    variable.name == "DATASTORE_TYPE" || variable.name.starts_with("ETCD_")
}

/// A probe with the numbers of the configuration, which are checked there.
fn tuned_probe(mut probe: Value, tuned: Option<[i64; 5]>) -> Value {
    const FIELDS: [&str; 5] = [
        "failureThreshold",
        "initialDelaySeconds",
        "periodSeconds",
        "successThreshold",
        "timeoutSeconds",
    ];
    for (field, number) in FIELDS.into_iter().zip(tuned.into_iter().flatten()) {
        probe[field] = json!(number);
    }
    probe
}

fn coredns(draft: &mut Draft) {
    draft.set("args", json!(["-conf", format!("{CONFIG}/Corefile")]));
    draft.set(
        "ports",
        json!([
            { "name": "dns", "containerPort": 53, "protocol": "UDP" },
            { "name": "dns-tcp", "containerPort": 53, "protocol": "TCP" },
            { "name": "metrics", "containerPort": 9153, "protocol": "TCP" },
        ]),
    );
    let probe = |path: &str, port: u16| json!({ "httpGet": { "path": path, "port": port } });
    draft.set("livenessProbe", probe("/health", 8080));
    draft.set("readinessProbe", probe("/ready", 8181));
    draft.set(
        "resources",
        json!({ "limits": { "memory": "170Mi" }, "requests": { "cpu": "100m", "memory": "70Mi" } }),
    );
    draft.set(
        "securityContext",
        json!({
            "allowPrivilegeEscalation": false,
            "capabilities": { "add": ["NET_BIND_SERVICE"], "drop": ["ALL"] },
            "readOnlyRootFilesystem": true,
        }),
    );
    draft.mount(
        "config",
        CONFIG,
        true,
        json!({ "configMap": { "name": "coredns" } }),
    );
}

fn features(draft: &mut Draft) {
    draft.set("command", json!(["nfd-worker"]));
    draft.field("NODE_NAME", "spec.nodeName");
    draft.host("boot", "/boot", "/host-boot", true);
    draft.host("os-release", "/etc/os-release", "/host-etc/os-release", true);
    draft.host("sys", "/sys", "/host-sys", true);
}

/// A container that is being described.
struct Draft {
    fields: Map<String, Value>,
    env: Vec<Value>,
    mounts: Vec<Value>,
    needs: Vec<(&'static str, Value)>,
}

impl Draft {
    fn new(name: &str, image: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("name".to_owned(), json!(name));
        fields.insert("image".to_owned(), json!(image));
        fields.insert("imagePullPolicy".to_owned(), json!("IfNotPresent"));
        Self {
            fields,
            env: Vec::new(),
            mounts: Vec::new(),
            needs: Vec::new(),
        }
    }

    fn set(&mut self, field: &str, value: Value) {
        self.fields.insert(field.to_owned(), value);
    }

    fn variable(&mut self, variable: Value) {
        self.env.push(variable);
    }

    fn say(&mut self, name: &str, value: &str) {
        self.variable(json!({ "name": name, "value": value }));
    }

    /// A variable with something that only the pod knows.
    fn field(&mut self, name: &str, path: &str) {
        self.variable(json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": path } } }));
    }

    fn mount(&mut self, name: &'static str, target: &str, read_only: bool, source: Value) {
        self.mounts
            .push(json!({ "name": name, "mountPath": target, "readOnly": read_only }));
        self.needs.push((name, source));
    }

    /// Something of the node.
    fn host(&mut self, name: &'static str, source: &str, target: &str, read_only: bool) {
        let mut path = json!({ "path": source });
        if source == "/run/xtables.lock" {
            path["type"] = json!("FileOrCreate");
        }
        self.mount(name, target, read_only, json!({ "hostPath": path }));
    }

    /// What containers of one pod share.
    fn memory(&mut self, name: &'static str, target: &str) {
        self.mount(name, target, false, json!({ "emptyDir": {} }));
    }

    /// The certificate of the node: the only one that all nodes have.
    fn node_certificate(&mut self) {
        self.host("ucp-node-certs", NODE_VOLUME, NODE_CERTS, true);
    }

    fn done(mut self) -> Described {
        if !self.env.is_empty() {
            self.set("env", Value::Array(self.env.clone()));
        }
        if !self.mounts.is_empty() {
            self.set("volumeMounts", Value::Array(self.mounts.clone()));
        }
        Described {
            container: Value::Object(self.fields),
            needs: self.needs,
        }
    }
}
