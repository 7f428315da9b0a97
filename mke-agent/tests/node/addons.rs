//! Which objects the add-ons of Kubernetes are, and what the configuration says about them.

use std::collections::BTreeSet;

use mke_agent::addons::{AddonPreview, Manifest, Wanted};
use mke_agent::node::ClusterSpec;
use mke_core::product::ProductVersion;
use mke_rbac::admission::{
    AdmissionOperation, AdmissionRequest, Cluster, Objects, Outcome, Requester, Settings, review,
};
use mke_rbac::model::Model;
use serde_json::{Value, json};

use super::world::{CLUSTER, SWARM_ONLY, cluster};

/// The objects of a cluster with this configuration.
fn objects(config: &str) -> Vec<Manifest> {
    wanted(&cluster(3, config)).objects
}

fn wanted(cluster: &ClusterSpec) -> Wanted {
    Wanted::of(cluster, &[])
}

fn places(cluster: &ClusterSpec) -> BTreeSet<String> {
    let objects = wanted(cluster).objects;
    objects.iter().map(|object| object.place.to_string()).collect()
}

fn object(objects: &[Manifest], place: &str) -> Value {
    let found = objects.iter().find(|object| object.place.to_string() == place);
    found.unwrap_or_else(|| panic!("no {place}")).object.clone()
}

fn container(objects: &[Manifest], place: &str, name: &str) -> Value {
    let pod = object(objects, place)["spec"]["template"]["spec"].clone();
    let mut containers = pod["containers"].as_array().unwrap().iter();
    let found = containers.find(|container| container["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {pod:#}")).clone()
}

fn variable(container: &Value, name: &str) -> Value {
    let mut env = container["env"].as_array().unwrap().iter();
    let found = env.find(|variable| variable["name"] == name);
    found.map_or(Value::Null, |variable| variable["value"].clone())
}

/// ARCH-003, ARCH-016, ARCH-018, ARCH-019, ARCH-024: which objects there are by configuration and version; a cluster without
/// Kubernetes has none.
#[test]
fn objects_of_clusters() {
    let mut usual = cluster(3, "");
    let all = places(&usual);
    for place in [
        "DaemonSet kube-system/calico-node",
        "Deployment kube-system/calico-kube-controllers",
        "ConfigMap kube-system/calico-node",
        "Deployment kube-system/coredns",
        "ConfigMap kube-system/coredns",
        "Service kube-system/kube-dns",
        "DaemonSet kube-system/ucp-metrics",
        "Namespace node-feature-discovery",
        "DaemonSet node-feature-discovery/ucp-node-feature-discovery",
        "ServiceAccount kube-system/coredns",
        "ClusterRole calico-node",
        "ClusterRoleBinding calico-node",
    ] {
        assert!(all.contains(place), "{place} is not among {all:#?}");
    }
    assert!(!all.iter().any(|place| {
        [
            "istio",
            "secureoverlay",
            "compose",
            "nvidia",
            "kube-system/kube-proxy",
        ]
        .iter()
        .any(|other| place.contains(other))
    }));
    let waiting = |cluster: &ClusterSpec| -> Vec<String> {
        let wanted = wanted(cluster).waiting;
        wanted.into_iter().map(|waiting| waiting.component).collect()
    };
    assert_eq!(
        waiting(&usual),
        ["k8s_firewalld-policy_calico-node", "k8s_enable-strictaffinity"]
    );

    for (config, absent) in [
        ("[cluster_config]\n  unmanaged_cni = true\n", "calico"),
        (
            "[cluster_config]\n  cni_installer_url = \"https://example.com/cni.yaml\"\n",
            "calico",
        ),
    ] {
        let left = places(&cluster(3, config));
        let gone: Vec<_> = all.difference(&left).collect();
        assert!(
            gone.len() >= 8 && gone.iter().all(|place| place.contains(absent)),
            "{gone:?}"
        );
        assert!(left.is_subset(&all));
    }
    for (config, waits) in [
        (
            "[cluster_config]\n  calico_vxlan = false\n  secure_overlay = true\n  calico_mtu = \"1440\"\n  ipip_mtu = \"1440\"\n",
            "secure-overlay",
        ),
        (
            "[cluster_config.service_mesh]\n  enabled = true\n",
            "service-mesh",
        ),
        (
            "[cluster_config]\n  node_local_dns = true\n",
            "cluster_config.node_local_dns",
        ),
        ("[cluster_config]\n  calico_kdd = true\n", "calico"),
    ] {
        let asked = cluster(3, config);
        assert!(
            waiting(&asked).contains(&waits.to_owned()),
            "{config}: {:?}",
            waiting(&asked)
        );
        assert_eq!(places(&asked), all, "{config}");
    }
    let gpu = cluster(3, "[cluster_config]\n  nvidia_device_plugin = true\n");
    assert_eq!(places(&gpu), all, "3.4 has no plug-in of its own");
    let gpu = ClusterSpec {
        version: ProductVersion::new(3, 5, 6),
        ..gpu
    };
    let plug_in = object(
        &wanted(&gpu).objects,
        "DaemonSet kube-system/ucp-nvidia-device-partitioner",
    );
    assert_eq!(
        plug_in["spec"]["template"]["spec"]["nodeSelector"]["com.docker.ucp.gpu.nvidia"],
        "true"
    );

    usual.version = ProductVersion::new(3, 4, 9);
    assert!(waiting(&usual).contains(&"compose".to_owned()));
    let none = cluster(3, SWARM_ONLY);
    assert_eq!(wanted(&none).objects, []);
    assert_eq!(AddonPreview::of(&none, &[], None), None);
}

/// ARCH-003: objects are marked as ours with the digest of what they say, come after those that they need, and name the images of the
/// cluster's own place; those that this version does not have are named.
#[test]
fn marks_order_and_images() {
    let mut own = cluster(3, "");
    own.organisation = "registry.example.com/mirantis".to_owned();
    let wanted = wanted(&own);
    let order = [
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "ConfigMap",
        "Service",
        "DaemonSet",
        "Deployment",
    ];
    let rank = |object: &Manifest| order.iter().position(|kind| *kind == object.place.kind).unwrap();
    assert!(wanted.objects.is_sorted_by_key(rank));
    for object in &wanted.objects {
        let metadata = &object.object["metadata"];
        assert_eq!(metadata["labels"]["com.docker.ucp.InstanceID"], CLUSTER);
        assert!(metadata["labels"]["com.docker.ucp.addon"].is_string());
        assert_eq!(
            metadata["annotations"]["com.docker.ucp.spec"],
            object.digest.as_str()
        );
        assert_eq!(metadata["name"], object.place.name.as_str());
        assert_eq!(object.object["kind"], object.place.kind.as_str());
        assert!(
            object
                .images()
                .all(|image| image.starts_with("registry.example.com/mirantis/ucp-"))
        );
        // What others own is found by their labels, so that the mark of ours stays with what is made here.
        assert!(!object.object["spec"].to_string().contains("InstanceID"));
    }
    let again = super::addons::wanted(&own);
    assert_eq!(wanted, again);
    let preview = AddonPreview::of(&own, &[], None).unwrap();
    assert!(
        preview
            .missing_images
            .contains(&"registry.example.com/mirantis/ucp-calico-node:3.4.15".to_owned())
    );
    assert!(!preview.looked && !preview.is_settled() && preview.refusals.is_empty());
    let list = wanted.list();
    assert_eq!(list["items"].as_array().unwrap().len(), wanted.objects.len());
}

/// ARCH-003: settings of the configuration stand in the objects.
#[test]
fn settings_of_objects() {
    let usual = objects("");
    let node = |objects: &[Manifest]| container(objects, "DaemonSet kube-system/calico-node", "calico-node");
    assert_eq!(variable(&node(&usual), "CALICO_NETWORKING_BACKEND"), "vxlan");
    assert_eq!(variable(&node(&usual), "CALICO_IPV4POOL_CIDR"), "192.168.0.0/16");
    assert_eq!(variable(&node(&usual), "DATASTORE_TYPE"), "etcdv3");
    assert!(
        variable(&node(&usual), "ETCD_ENDPOINTS")
            .as_str()
            .is_some_and(|all| all.split(',').count() == 3)
    );
    assert!(!node(&usual)["livenessProbe"].to_string().contains("bird"));
    let other = objects(
        "[cluster_config]\n  calico_vxlan = false\n  pod_cidr = \"10.20.0.0/16\"\n  calico_mtu = \"1400\"\n  ipip_mtu = \"1410\"\n  \
         calico_kdd = true\n  service_cluster_ip_range = \"10.30.0.0/16\"\n",
    );
    assert_eq!(variable(&node(&other), "CALICO_NETWORKING_BACKEND"), "bird");
    assert_eq!(variable(&node(&other), "CALICO_IPV4POOL_CIDR"), "10.20.0.0/16");
    assert_eq!(variable(&node(&other), "DATASTORE_TYPE"), "kubernetes");
    assert_eq!(variable(&node(&other), "ETCD_ENDPOINTS"), Value::Null);
    assert!(node(&other)["livenessProbe"].to_string().contains("-bird-live"));
    let chain = |objects: &[Manifest]| -> Value {
        let map = object(objects, "ConfigMap kube-system/calico-node");
        serde_json::from_str(map["data"]["cni_network_config"].as_str().unwrap()).unwrap()
    };
    assert_eq!(chain(&usual)["plugins"][0]["mtu"], 1450);
    assert_eq!(chain(&other)["plugins"][0]["mtu"], 1400);
    assert_eq!(chain(&other)["plugins"][0]["etcd_endpoints"], Value::Null);
    assert!(chain(&usual)["plugins"][0]["etcd_endpoints"].is_string());
    let address =
        |objects: &[Manifest]| object(objects, "Service kube-system/kube-dns")["spec"]["clusterIP"].clone();
    assert_eq!(address(&usual), "10.96.0.10");
    assert_eq!(address(&other), "10.30.0.10");

    let controllers = |objects: &[Manifest]| {
        container(
            objects,
            "Deployment kube-system/calico-kube-controllers",
            "calico-kube-controllers",
        )
    };
    assert_eq!(controllers(&usual)["livenessProbe"]["periodSeconds"], Value::Null);
    let mut keys = String::new();
    for (place, probe) in ["liveness", "readiness"].iter().enumerate() {
        for (number, field) in [
            "failure_threshold",
            "initial_delay_seconds",
            "period_seconds",
            "success_threshold",
            "timeout_seconds",
        ]
        .iter()
        .enumerate()
        {
            let value = if *field == "success_threshold" {
                1
            } else {
                10 * (place + 1) + number
            };
            keys += &format!("  calico_controller_{probe}_probe_{field} = {value}\n");
        }
    }
    let tuned = objects(&format!(
        "[cluster_config]\n  calico_controller_probes_tuning = true\n{keys}"
    ));
    let probes = controllers(&tuned);
    assert_eq!(probes["livenessProbe"]["failureThreshold"], 10);
    assert_eq!(probes["livenessProbe"]["periodSeconds"], 12);
    assert_eq!(probes["readinessProbe"]["initialDelaySeconds"], 21);
    assert_eq!(probes["readinessProbe"]["successThreshold"], 1);
    assert_eq!(probes["readinessProbe"]["timeoutSeconds"], 24);

    let file =
        |objects: &[Manifest]| object(objects, "ConfigMap kube-system/coredns")["data"]["Corefile"].clone();
    assert!(!file(&usual).as_str().unwrap().contains("lameduck"));
    let lame = objects("[cluster_config.core_dns_lameduck_config]\n  enabled = true\n  duration = \"9s\"\n");
    assert!(file(&lame).as_str().unwrap().contains("lameduck 9s"));

    let measured = cluster(3, "[cluster_config]\n  metrics_retention_time = \"48h\"\n");
    let prometheus = |cluster: &ClusterSpec| {
        container(
            &wanted(cluster).objects,
            "DaemonSet kube-system/ucp-metrics",
            "ucp-metrics-prometheus",
        )
    };
    let args = prometheus(&measured)["args"].clone();
    assert!(
        args.as_array()
            .unwrap()
            .contains(&json!("--storage.tsdb.retention.time=48h"))
    );
    assert_eq!(prometheus(&measured)["resources"], Value::Null);
    let later = ClusterSpec {
        version: ProductVersion::new(3, 7, 0),
        ..measured
    };
    assert_eq!(prometheus(&later)["resources"]["limits"]["memory"], "2Gi");
}

/// A configuration that makes no sense for an add-on keeps what there is of it, and says why; the others are as they were.
#[test]
fn what_cannot_be_described_waits() {
    let narrow = cluster(
        3,
        "[cluster_config]\n  service_cluster_ip_range = \"10.96.0.0/30\"\n",
    );
    let wanted = wanted(&narrow);
    assert!(wanted.kept.contains("coredns"));
    assert!(!places(&narrow).iter().any(|place| place.contains("dns")));
    assert!(places(&narrow).contains("DaemonSet kube-system/calico-node"));
    let why = wanted
        .waiting
        .iter()
        .find(|waiting| waiting.component == "coredns");
    assert!(why.is_some_and(|waiting| waiting.why.contains("service_cluster_ip_range")));
}

/// SCH-003, ADM-010: what an administrator puts into `kube-system` tolerates the taints of managers and of Swarm's nodes, so that
/// admission has nothing to add to the product's own workloads there: they are what it would make of them.
#[test]
fn admission_takes_the_add_ons_as_they_are() {
    let policy = Cluster::new(Objects::defaults(), &Model::default()).unwrap();
    let mut reviewed = 0;
    for manifest in objects("") {
        let template = &manifest.object["spec"]["template"];
        if template.is_null() {
            continue;
        }
        let own = template["spec"]["tolerations"].as_array().unwrap();
        for key in ["com.docker.ucp.manager", "com.docker.ucp.orchestrator.kubernetes"] {
            assert!(
                own.contains(&json!({ "key": key, "operator": "Exists" })),
                "{}",
                manifest.place
            );
        }
        if manifest.place.namespace.as_deref() != Some("kube-system") {
            continue;
        }
        let request = AdmissionRequest::of(
            AdmissionOperation::Create,
            Requester::administrator("u-root"),
            manifest.object.clone(),
            "kube-system",
        )
        .unwrap();
        match review(&request, &policy, &Settings::default()) {
            Outcome::Allowed(admitted) => {
                let after = admitted.object.unwrap_or(Value::Null);
                let after = &after["spec"]["template"]["spec"];
                let before = &manifest.object["spec"]["template"]["spec"];
                for field in ["tolerations", "affinity", "nodeSelector"] {
                    assert_eq!(after[field], before[field], "{}", manifest.place);
                }
            }
            Outcome::Denied(refused) => panic!("{}: {refused:#?}", manifest.place),
        }
        reviewed += 1;
    }
    assert!(reviewed >= 4);
}
