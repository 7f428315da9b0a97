//! What nodes shall run: the inventory of each role, and what the configuration does to containers.

use std::sync::Arc;

use mke_agent::node::{
    ClusterSpec, ContainerSpec, Desired, FileContent, MountSource, NetworkMode, NodeFacts, Source,
};
use mke_core::config::Config;
use mke_core::product::{self, Os, ProductVersion, Role, labels, volumes_of};

use super::world::{SWARM_ONLY, cluster, node};

fn names(desired: &Desired) -> Vec<&str> {
    let mut names: Vec<_> = desired.containers.iter().map(|spec| spec.name.as_str()).collect();
    names.sort_unstable();
    names
}

fn container<'d>(desired: &'d Desired, name: &str) -> &'d ContainerSpec {
    let mut all = desired.containers.iter();
    all.find(|spec| spec.name == name)
        .unwrap_or_else(|| panic!("no {name}"))
}

/// ARCH-006, SWO-001: a manager without Kubernetes runs exactly these, with layer 7 routing only when it is on.
#[test]
fn a_manager_without_kubernetes() {
    let mut cluster = cluster(3, SWARM_ONLY);
    let desired = Desired::of(&cluster, &node(0, Role::Manager));
    assert_eq!(
        names(&desired),
        [
            "ucp-client-root-ca",
            "ucp-cluster-root-ca",
            "ucp-controller",
            "ucp-hardware-info",
            "ucp-kv",
            "ucp-metrics",
            "ucp-proxy",
            "ucp-swarm-manager",
        ]
    );
    assert_eq!(
        desired.services,
        [
            "ucp-manager-agent",
            "ucp-cluster-agent",
            "ucp-auth-api",
            "ucp-auth-worker"
        ]
    );
    assert!(desired.pods.is_empty() && desired.waiting.is_empty() && desired.files.is_empty());
    cluster.interlock = true;
    let desired = Desired::of(&cluster, &node(0, Role::Manager));
    assert_eq!(
        desired.services,
        [
            "ucp-manager-agent",
            "ucp-cluster-agent",
            "ucp-auth-api",
            "ucp-auth-worker",
            "ucp-interlock",
            "ucp-interlock-extension",
            "ucp-interlock-proxy",
            "ucp-interlock-config",
        ]
    );
}

/// ARCH-007, SWO-001: a worker without Kubernetes runs the proxy and the collector of hardware facts, and keeps no data.
#[test]
fn a_worker_without_kubernetes() {
    let mut cluster = cluster(3, SWARM_ONLY);
    cluster.interlock = true;
    let desired = Desired::of(&cluster, &node(7, Role::Worker));
    assert_eq!(names(&desired), ["ucp-hardware-info", "ucp-proxy"]);
    assert_eq!(
        desired.services,
        [
            "ucp-worker-agent-x",
            "ucp-worker-agent-y",
            "ucp-interlock-extension",
            "ucp-interlock-proxy",
            "ucp-interlock-config",
        ]
    );
    assert!(desired.pods.is_empty());
    let volumes: Vec<_> = desired
        .volumes
        .iter()
        .map(|volume| volume.name.as_str())
        .collect();
    assert_eq!(volumes, ["ucp-node-certs", "mke-container-logs"]);
    assert!(desired.volumes.iter().all(|volume| !volume.precious));
}

/// ARCH-006, ARCH-007, ARCH-015: with Kubernetes the control plane stands on managers, kubelet and kube-proxy on every
/// node, and measuring moves into a pod.
#[test]
fn nodes_with_kubernetes() {
    let cluster = cluster(3, "");
    let manager = Desired::of(&cluster, &node(0, Role::Manager));
    assert_eq!(
        names(&manager),
        [
            "ucp-client-root-ca",
            "ucp-cluster-root-ca",
            "ucp-controller",
            "ucp-hardware-info",
            "ucp-kube-apiserver",
            "ucp-kube-controller-manager",
            "ucp-kube-proxy",
            "ucp-kube-scheduler",
            "ucp-kubelet",
            "ucp-kv",
            "ucp-proxy",
            "ucp-swarm-manager",
        ]
    );
    assert!(manager.waiting.is_empty(), "{:?}", manager.waiting);
    let worker = Desired::of(&cluster, &node(7, Role::Worker));
    assert_eq!(
        names(&worker),
        ["ucp-hardware-info", "ucp-kube-proxy", "ucp-kubelet", "ucp-proxy"]
    );
    let api = container(&manager, "ucp-kube-apiserver");
    assert_eq!(api.image.name, "ucp-hyperkube");
    assert_eq!(api.entrypoint, ["kube-apiserver"]);
    assert!(
        api.command.contains(&"--secure-port=12388".to_owned()),
        "{:?}",
        api.command
    );
    assert_eq!(
        api.ports.iter().map(|port| port.node).collect::<Vec<_>>(),
        [12_388]
    );
}

/// ORC-007: kubelets of nodes that Swarm alone may use keep pods away; those of mixed nodes and of Kubernetes' own take them. Managers
/// keep users' pods away whatever their orchestrator.
#[test]
fn taints_of_kubelets() {
    let cluster = cluster(3, "");
    let (swarm, kubernetes) = (labels::ORCHESTRATOR_SWARM, labels::ORCHESTRATOR_KUBERNETES);
    let (manager, pods) = (
        "com.docker.ucp.manager=:NoSchedule",
        "com.docker.ucp.orchestrator.kubernetes=:NoExecute",
    );
    for (role, own, expected) in [
        (Role::Worker, &[swarm][..], vec![pods]),
        (Role::Worker, &[kubernetes], vec![]),
        (Role::Worker, &[swarm, kubernetes], vec![]),
        (Role::Worker, &[], vec![pods]),
        (Role::Manager, &[swarm], vec![manager, pods]),
        (Role::Manager, &[swarm, kubernetes], vec![manager]),
    ] {
        let mut facts = node(0, role);
        for label in own {
            facts.labels.insert((*label).to_owned(), "true".to_owned());
        }
        let desired = Desired::of(&cluster, &facts);
        let kubelet = container(&desired, "ucp-kubelet");
        let flag = "--register-with-taints=";
        let given = kubelet.command.iter().find_map(|flags| flags.strip_prefix(flag));
        let given: Vec<&str> = given
            .map(|taints| taints.split(',').collect())
            .unwrap_or_default();
        assert_eq!(given, expected, "{role:?} {own:?}");
    }
}

/// ARCH-016, ARCH-018, ARCH-019, ARCH-021: which pods belong on which nodes, and which versions and settings have them.
#[test]
fn pods_of_nodes() {
    let mut cluster = cluster(3, "");
    let manager = Desired::of(&cluster, &node(0, Role::Manager)).pods;
    let worker = Desired::of(&cluster, &node(7, Role::Worker)).pods;
    for everywhere in ["k8s_calico-node", "k8s_ucp-node-feature-discovery-worker"] {
        assert!(manager.contains(&everywhere.to_owned()) && worker.contains(&everywhere.to_owned()));
    }
    for managers in ["k8s_calico-kube-controllers", "k8s_ucp-coredns_coredns"] {
        assert!(manager.contains(&managers.to_owned()) && !worker.contains(&managers.to_owned()));
        assert_eq!(
            product::component(managers).unwrap().placement,
            product::Placement::OneManager
        );
    }
    assert!(
        !manager
            .iter()
            .any(|pod| pod.contains("compose") || pod.contains("dns-nanny"))
    );
    assert!(
        !manager
            .iter()
            .any(|pod| pod.contains("istio") || pod.contains("secureoverlay"))
    );
    cluster.version = ProductVersion::new(3, 4, 9);
    let old = Desired::of(&cluster, &node(0, Role::Manager)).pods;
    assert!(old.contains(&"k8s_ucp-kube-compose".to_owned()));
    cluster.version = ProductVersion::new(3, 2, 7);
    let older = Desired::of(&cluster, &node(0, Role::Manager)).pods;
    assert!(
        older.contains(&"k8s_ucp-kube-dns".to_owned()) && !older.iter().any(|pod| pod.contains("coredns"))
    );
    let unmanaged = super::world::cluster(3, "[cluster_config]\n  unmanaged_cni = true\n");
    let pods = Desired::of(&unmanaged, &node(0, Role::Manager)).pods;
    assert!(
        !pods.contains(&"k8s_calico-node".to_owned()) && pods.contains(&"k8s_ucp-coredns_coredns".to_owned())
    );
}

/// ARCH-014: the file with the key for Kubernetes' secrets lies on managers only, for root alone, is never written over,
/// and its content stands in no plan.
#[test]
fn the_key_of_kubernetes_secrets() {
    let cluster = cluster(1, "");
    let manager = Desired::of(&cluster, &node(0, Role::Manager));
    let mut files = manager.files.iter();
    let file = files
        .find(|file| file.path == "kubernetes/encryption.yaml")
        .unwrap();
    assert_eq!(file.mode, 0o600);
    assert_eq!(file.content, FileContent::Held(Source::KubernetesEncryption));
    let api = container(&manager, "ucp-kube-apiserver");
    let reads = "--encryption-provider-config=/etc/ucp/node/kubernetes/encryption.yaml";
    assert!(api.command.contains(&reads.to_owned()), "{:?}", api.command);
    let worker = Desired::of(&cluster, &node(7, Role::Worker));
    assert!(!worker.files.iter().any(|file| file.path.contains("encryption")));
}

/// INST-010: name servers, options and search domains reach every component that runs in a network of its own.
#[test]
fn dns_of_components() {
    let config = "[cluster_config]\n  dns = [\"10.9.9.9\"]\n  dns_opt = [\"ndots:2\"]\n  dns_search = [\"example.com\"]\n";
    let desired = Desired::of(&cluster(1, config), &node(0, Role::Manager));
    for spec in &desired.containers {
        assert_eq!(spec.dns.servers, ["10.9.9.9"], "{}", spec.name);
        assert_eq!(spec.dns.options, ["ndots:2"], "{}", spec.name);
        assert_eq!(spec.dns.search, ["example.com"], "{}", spec.name);
    }
}

/// INST-013: the time-out and the snapshot count reach the arguments of etcd, and a time-out that etcd refuses leaves the
/// member that is there alone.
#[test]
fn settings_of_the_store() {
    let config = "[cluster_config]\n  swarm_only = true\n  kv_timeout = 7000\n  kv_snapshot_count = 12345\n  etcd_storage_quota = \"4G\"\n";
    let desired = Desired::of(&cluster(3, config), &node(1, Role::Manager));
    let kv = container(&desired, "ucp-kv");
    for flag in [
        "--name=node00001",
        "--election-timeout=7000",
        "--heartbeat-interval=700",
        "--snapshot-count=12345",
        "--quota-backend-bytes=4294967296",
        "--data-dir=/v/ucp-kv",
        "--advertise-client-urls=https://10.0.0.2:12379",
        "--client-cert-auth=true",
        "--peer-client-cert-auth=true",
    ] {
        assert!(
            kv.command.contains(&flag.to_owned()),
            "{flag} in {:?}",
            kv.command
        );
    }
    assert_eq!(
        kv.first_start,
        [
            "--initial-cluster=node00000=https://10.0.0.1:12380,node00001=https://10.0.0.2:12380,node00002=https://10.0.0.3:12380",
            "--initial-cluster-state=existing",
        ]
    );
    let config = "[cluster_config]\n  swarm_only = true\n  kv_timeout = 60000\n";
    let desired = Desired::of(&cluster(3, config), &node(1, Role::Manager));
    assert!(!names(&desired).contains(&"ucp-kv"));
    assert!(
        desired.waiting[0].why.contains("kv_timeout"),
        "{:?}",
        desired.waiting
    );
}

/// A member of the store is wanted once the cluster counts on it, and whoever comes later is no reason to make it anew.
#[test]
fn members_of_the_store() {
    let mut three = cluster(3, SWARM_ONLY);
    let before = container(&Desired::of(&three, &node(0, Role::Manager)), "ucp-kv").digest();
    three.store_members.truncate(1);
    let desired = Desired::of(&three, &node(1, Role::Manager));
    assert_eq!(desired.waiting.len(), 1);
    assert_eq!(desired.waiting[0].component, "ucp-kv");
    assert!(
        names(&desired).contains(&"ucp-controller"),
        "others do not wait for it"
    );
    let first = Desired::of(&three, &node(0, Role::Manager));
    let kv = container(&first, "ucp-kv");
    assert_eq!(kv.first_start[1], "--initial-cluster-state=new");
    assert_eq!(kv.digest(), before);
}

/// A manager that was demoted keeps its member of the store, and nothing else of managers, until the store no longer
/// counts on it.
#[test]
fn a_demoted_manager_votes_until_it_is_taken_out() {
    let mut three = cluster(3, SWARM_ONLY);
    three.managers.truncate(2);
    let facts = node(2, Role::Worker);
    let desired = Desired::of(&three, &facts);
    assert_eq!(names(&desired), ["ucp-hardware-info", "ucp-kv", "ucp-proxy"]);
    let as_manager = Desired::of(&cluster(3, SWARM_ONLY), &node(2, Role::Manager));
    assert_eq!(
        container(&desired, "ucp-kv").digest(),
        container(&as_manager, "ucp-kv").digest(),
        "it is not made anew for that"
    );
    three.store_members.truncate(2);
    assert_eq!(
        names(&Desired::of(&three, &facts)),
        ["ucp-hardware-info", "ucp-proxy"]
    );
}

/// INST-016: the directories of kubelet and containerd reach the kubelet's container.
#[test]
fn directories_of_the_kubelet() {
    let config = "[cluster_config]\n  kubelet_data_root = \"/data/kubelet\"\n  containerd_root = \"/data/containerd\"\n";
    let desired = Desired::of(&cluster(1, config), &node(7, Role::Worker));
    let kubelet = container(&desired, "ucp-kubelet");
    for root in ["/data/kubelet", "/data/containerd"] {
        let is_root = |mount: &mke_agent::node::MountSpec| {
            mount.source == MountSource::Path(root.to_owned()) && mount.target == root && !mount.read_only
        };
        assert!(kubelet.mounts.iter().any(is_root), "{root}");
    }
    assert!(kubelet.command.contains(&"--root-dir=/data/kubelet".to_owned()));
    assert_eq!(kubelet.network, NetworkMode::Host);
}

/// Every component has no more rights than it needs: only those that work on the node itself are privileged, only proxy and
/// controller see the engine's socket, and only components of a volume see it.
#[test]
fn rights_of_components() {
    for config in ["", SWARM_ONLY] {
        for role in [Role::Manager, Role::Worker] {
            let number = if role == Role::Manager { 0 } else { 7 };
            let desired = Desired::of(&cluster(1, config), &node(number, role));
            for spec in &desired.containers {
                let name = spec.name.as_str();
                let on_the_node = ["ucp-kubelet", "ucp-kube-proxy"].contains(&name);
                assert_eq!(spec.privileged, on_the_node, "{name}");
                assert_eq!(spec.read_only, !on_the_node, "{name}");
                assert!(spec.capabilities.is_empty(), "{name}");
                assert!(spec.log_files > 0 && !spec.log_size.is_empty(), "{name}");
                let sees = |path: &str| {
                    let source = MountSource::Path(path.to_owned());
                    spec.mounts.iter().any(|mount| mount.source == source)
                };
                let engine = ["ucp-proxy", "ucp-controller"].contains(&name);
                assert_eq!(sees("/var/run/docker.sock"), engine, "{name}");
                assert!(!sees("/"), "{name}");
                let table = product::component(name).unwrap();
                for volume in spec.volumes() {
                    let own = table.volumes.contains(&volume) || volume == "ucp-node-certs";
                    assert!(own, "{name} sees {volume}");
                    assert!(
                        volumes_of(role).any(|known| known.name == volume),
                        "{name} sees {volume}"
                    );
                }
            }
        }
    }
}

/// Ports for the node itself are open there only, and those that the configuration moves are moved.
#[test]
fn ports_of_components() {
    let config = "[cluster_config]\n  swarm_only = true\n  controller_port = 8443\n  swarm_port = 3376\n";
    let desired = Desired::of(&cluster(1, config), &node(0, Role::Manager));
    let ports = |name: &str| -> Vec<(u16, u16, bool)> {
        let ports = container(&desired, name).ports.iter();
        ports
            .map(|port| (port.node, port.container, port.address.is_some()))
            .collect()
    };
    assert_eq!(
        ports("ucp-controller"),
        [(8443, 8080, false)],
        "no Kubernetes, no 6443"
    );
    assert_eq!(ports("ucp-swarm-manager"), [(3376, 2375, false)]);
    assert_eq!(
        ports("ucp-proxy"),
        [(12_376, 2376, false), (12_378, 12_378, true)]
    );
    assert_eq!(ports("ucp-kv"), [(12_379, 2379, false), (12_380, 12_380, false)]);
    assert_eq!(ports("ucp-hardware-info"), [(12_389, 12_389, true)]);
}

/// SWO-002: every container of a cluster without Kubernetes is made from an image of the short list.
#[test]
fn images_of_a_cluster_without_kubernetes() {
    let list = product::images(product::ImageSet {
        swarm_only: true,
        windows: false,
    });
    for role in [Role::Manager, Role::Worker] {
        for spec in Desired::of(&cluster(1, SWARM_ONLY), &node(0, role)).containers {
            assert!(
                list.contains(&spec.image.name.as_str()),
                "{}: {}",
                spec.name,
                spec.image
            );
        }
    }
}

/// ARCH-008: components of a Windows worker have the names and images of Windows.
#[test]
fn a_windows_worker() {
    let facts = NodeFacts {
        os: Os::Windows,
        ..node(7, Role::Worker)
    };
    let desired = Desired::of(&cluster(1, ""), &facts);
    assert!(names(&desired).contains(&"ucp-proxy"), "{:?}", names(&desired));
    assert_eq!(container(&desired, "ucp-proxy").image.name, "ucp-agent-win");
    assert_eq!(
        desired.services,
        ["ucp-worker-agent-win-x", "ucp-worker-agent-win-y"]
    );
    let left: Vec<_> = desired
        .waiting
        .iter()
        .map(|waiting| waiting.component.as_str())
        .collect();
    for name in names(&desired).iter().chain(&left) {
        assert!(*name == "ucp-proxy" || name.ends_with("-win"), "{name}");
    }
}

/// Workers are told nothing of what only managers may know.
#[test]
fn what_workers_are_told() {
    let secret = "correct horse battery staple";
    let mut config = Config::parse(SWARM_ONLY).unwrap();
    config.backup_schedule.passphrase = mke_core::secret::Secret::new(secret);
    config.cluster.dns = vec!["10.9.9.9".to_owned()];
    let mut cluster = cluster(1, SWARM_ONLY);
    cluster.config = Arc::new(config);
    let told = |cluster: &ClusterSpec| serde_json::to_string(cluster).unwrap();
    assert!(told(&cluster).contains(secret));
    let worker = cluster.for_workers();
    assert!(!told(&worker).contains(secret));
    let facts = node(7, Role::Worker);
    assert_eq!(Desired::of(&worker, &facts), Desired::of(&cluster, &facts));
}

/// The digest tells every difference that matters, and none that does not.
#[test]
fn digests_of_containers() {
    let spec = container(
        &Desired::of(&cluster(1, SWARM_ONLY), &node(0, Role::Manager)),
        "ucp-proxy",
    )
    .clone();
    let same = ContainerSpec {
        first_start: vec!["--kv=10.0.0.9:12379".to_owned()],
        needs: vec!["ucp-kv".to_owned()],
        ..spec.clone()
    };
    assert_eq!(spec.digest(), same.digest());
    for other in [
        ContainerSpec {
            command: vec!["proxy".to_owned()],
            ..spec.clone()
        },
        ContainerSpec {
            privileged: true,
            ..spec.clone()
        },
        ContainerSpec {
            memory: Some(1),
            ..spec.clone()
        },
        ContainerSpec {
            mounts: Vec::new(),
            ..spec.clone()
        },
        ContainerSpec {
            ports: Vec::new(),
            ..spec.clone()
        },
        ContainerSpec {
            network: NetworkMode::Host,
            ..spec.clone()
        },
        ContainerSpec {
            reads: [("a".to_owned(), "b".to_owned())].into(),
            ..spec.clone()
        },
        ContainerSpec {
            log_files: 9,
            ..spec.clone()
        },
    ] {
        assert_ne!(spec.digest(), other.digest());
    }
    let text = serde_json::to_string(&spec).unwrap();
    assert_eq!(
        serde_json::from_str::<ContainerSpec>(&text).unwrap().digest(),
        spec.digest()
    );
}

/// Labels say how a node is; facts that cannot be are refused, all at once.
#[test]
fn facts_of_nodes() {
    let mut facts = node(0, Role::Worker);
    facts
        .labels
        .insert(labels::AGENT_PAUSE.to_owned(), "true".to_owned());
    facts
        .labels
        .insert(labels::SANS.to_owned(), "a.example.com, ,https://b/".to_owned());
    facts
        .labels
        .insert(labels::UPGRADE_HOLD.to_owned(), String::new());
    assert!(facts.is_paused() && facts.is_held());
    assert_eq!(facts.sans().collect::<Vec<_>>(), ["a.example.com", "https://b/"]);
    let text = serde_json::to_string(&facts).unwrap();
    assert_eq!(NodeFacts::parse(&text).unwrap(), facts);
    let wrong = text
        .replace("\"node00000\"", "\"a b\"")
        .replace("10.0.0.1", "0.0.0.0")
        .replace("/var/lib/docker", "docker");
    let problems = NodeFacts::parse(&wrong).unwrap_err();
    assert_eq!(problems.0.len(), 3, "{problems}");
    assert!(NodeFacts::parse(&text.replace("\"hostname\"", "\"host\"")).is_err());
}
