//! The way from what is there in Kubernetes to what is wanted, and who judges it.

use std::collections::{BTreeMap, BTreeSet};

use mke_agent::addons::{
    AddonPlan, AddonStep, Change, KubeNode, Objects, Place, SeenNode, SeenObject, Taint, Wanted, check, plan,
};
use mke_core::product::{Orchestrator, Role};
use proptest::prelude::*;
use serde_json::json;

use super::world::{CLUSTER, cluster};

fn labels(instance: &str, addon: &str) -> BTreeMap<String, String> {
    let label = |name: &str, value: &str| (format!("com.docker.ucp.{name}"), value.to_owned());
    BTreeMap::from([label("InstanceID", instance), label("addon", addon)])
}

/// Does what is planned, as the API server would.
fn after(there: &Objects, plan: &AddonPlan) -> Objects {
    let mut now = there.clone();
    for step in &plan.steps {
        match &step.change {
            Change::Create(manifest) | Change::Replace(manifest) => {
                let read = json!({ "kind": "List", "items": [manifest.object] });
                let read: Objects = serde_json::from_value(read).unwrap();
                now.objects.extend(read.objects);
            }
            Change::Remove(place) => {
                now.objects.remove(place);
            }
            Change::Taint { node, taint } => {
                now.nodes.get_mut(node).unwrap().taints.insert(taint.clone());
            }
            Change::Untaint { node, taint } => {
                now.nodes.get_mut(node).unwrap().taints.remove(taint);
            }
        }
    }
    now
}

/// Plans, lets the other side judge it, does it, and sees that nothing is left to do.
fn converge(wanted: &Wanted, there: &Objects) -> (AddonPlan, Objects) {
    let first = plan(wanted, there);
    assert_eq!(check(&first, wanted, there), []);
    let now = after(there, &first);
    let again = plan(wanted, &now);
    assert_eq!(again.steps, []);
    assert_eq!(again.blocked, first.blocked);
    (first, now)
}

fn lines(plan: &AddonPlan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

fn place(kind: &str, namespace: Option<&str>, name: &str) -> Place {
    Place {
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

/// ARCH-003: a new cluster gets every object; another configuration replaces what it is about and nothing else, what is not wanted
/// any more goes last, and what cannot be described stays as it is.
#[test]
fn from_nothing_to_another_configuration() {
    let wanted = Wanted::of(&cluster(3, ""), &[]);
    let (first, there) = converge(&wanted, &Objects::default());
    assert_eq!(first.steps.len(), wanted.objects.len());
    assert!(lines(&first)[0].starts_with("create Namespace node-feature-discovery: it is missing"));
    assert!(first.blocked.iter().all(|blocked| blocked.later));

    let pods = Wanted::of(
        &cluster(3, "[cluster_config]\n  pod_cidr = \"10.20.0.0/16\"\n"),
        &[],
    );
    assert_eq!(
        lines(&converge(&pods, &there).0),
        ["replace DaemonSet kube-system/calico-node: it was made from another description"]
    );
    let unmanaged = Wanted::of(&cluster(3, "[cluster_config]\n  unmanaged_cni = true\n"), &[]);
    let (removing, left) = converge(&unmanaged, &there);
    assert_eq!(
        lines(&removing)
            .iter()
            .map(|line| line.split(':').next().unwrap().to_owned())
            .collect::<Vec<_>>(),
        [
            "remove Deployment kube-system/calico-kube-controllers",
            "remove DaemonSet kube-system/calico-node",
            "remove ConfigMap kube-system/calico-node",
            "remove ClusterRoleBinding calico-kube-controllers",
            "remove ClusterRoleBinding calico-node",
            "remove ClusterRole calico-kube-controllers",
            "remove ClusterRole calico-node",
            "remove ServiceAccount kube-system/calico-kube-controllers",
            "remove ServiceAccount kube-system/calico-node",
        ]
    );
    assert!(
        left.objects
            .contains_key(&place("Deployment", Some("kube-system"), "coredns"))
    );

    let narrow = Wanted::of(
        &cluster(
            3,
            "[cluster_config]\n  service_cluster_ip_range = \"10.96.0.0/30\"\n",
        ),
        &[],
    );
    let (kept, _) = converge(&narrow, &there);
    assert_eq!(lines(&kept), Vec::<String>::new());
    // The cluster's version goes into every image.
    let mut newer = cluster(3, "");
    newer.version.patch += 1;
    let (upgrade, _) = converge(&Wanted::of(&newer, &[]), &there);
    assert!(lines(&upgrade).len() == 5 && lines(&upgrade).iter().all(|line| line.starts_with("replace ")));
}

/// ARCH-003: objects of others stay as they are whatever their names, and are told of; so do those of another installation, and
/// namespaces. What operators changed in an object of ours stays while nothing else is wanted.
#[test]
fn what_is_not_ours() {
    let wanted = Wanted::of(&cluster(3, ""), &[]);
    let (_, mut there) = converge(&wanted, &Objects::default());
    let dns = place("Deployment", Some("kube-system"), "coredns");
    let metrics = place("DaemonSet", Some("kube-system"), "ucp-metrics");
    there.objects.insert(dns.clone(), SeenObject::default());
    there.objects.insert(
        metrics,
        SeenObject {
            labels: labels("another", "metrics"),
            digest: Some("other".to_owned()),
        },
    );
    there
        .objects
        .insert(place("ConfigMap", Some("default"), "mine"), SeenObject::default());
    there.objects.insert(
        place("Namespace", None, "istio-system"),
        SeenObject {
            labels: labels(CLUSTER, "service-mesh"),
            digest: None,
        },
    );
    there.objects.insert(
        place("Namespace", None, "node-feature-discovery"),
        SeenObject::default(),
    );
    let (plan, now) = converge(&wanted, &there);
    assert_eq!(lines(&plan), Vec::<String>::new());
    assert_eq!(now, there);
    let told: Vec<&str> = plan
        .blocked
        .iter()
        .filter(|blocked| !blocked.later)
        .map(|blocked| blocked.object.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "DaemonSet kube-system/ucp-metrics",
            "Deployment kube-system/coredns"
        ]
    );
    // Ours and not wanted: it goes, and what another object owns is none of our business.
    let list = json!({ "kind": "List", "items": [
        { "kind": "ConfigMap", "metadata": { "namespace": "kube-system", "name": "old", "labels": labels(CLUSTER, "calico") } },
        { "kind": "Deployment", "metadata": { "namespace": "kube-system", "name": "owned", "labels": labels(CLUSTER, "calico"),
            "ownerReferences": [{ "kind": "Something" }] } },
        { "kind": "Secret", "metadata": { "namespace": "kube-system", "name": "secret", "labels": labels(CLUSTER, "calico") } },
    ]});
    let old: Objects = serde_json::from_value(list).unwrap();
    there.objects.extend(old.objects);
    let (plan, _) = converge(&wanted, &there);
    assert_eq!(
        lines(&plan),
        ["remove ConfigMap kube-system/old: this version and configuration do not want it"]
    );
    // Without an id nothing is ours.
    let nobody = Wanted {
        cluster_id: String::new(),
        ..wanted
    };
    let plan = super::addons_plan::plan(&nobody, &there);
    assert!(plan.steps.is_empty() && !plan.blocked.is_empty());
}

fn node(name: &str, role: Role, orchestrator: Option<Orchestrator>, msr: Option<bool>) -> KubeNode {
    KubeNode {
        name: name.to_owned(),
        role,
        orchestrator,
        msr,
    }
}

/// SCH-003, ORC-007: managers and nodes with MSR bear the taint that keeps users' pods away, nodes of Swarm alone the one that drives
/// pods out, others none; what is not known changes nothing. SCH-006: whether a node is closed for scheduling says nothing, and stays,
/// as every other taint does.
#[test]
fn taints_of_nodes() {
    let (manager, swarm) = (Taint::manager(), Taint::swarm());
    let other = [
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
        ("com.docker.ucp.manager", "NoExecute"),
        ("team", "NoSchedule"),
    ]
    .map(|(key, effect)| Taint {
        key: key.to_owned(),
        effect: effect.to_owned(),
    });
    let kubernetes = Some(Orchestrator::Kubernetes);
    for (role, orchestrator, msr, wants, frees) in [
        (
            Role::Manager,
            kubernetes,
            Some(false),
            vec![&manager],
            vec![&swarm],
        ),
        (
            Role::Manager,
            Some(Orchestrator::Mixed),
            Some(true),
            vec![&manager],
            vec![&swarm],
        ),
        (
            Role::Manager,
            Some(Orchestrator::Swarm),
            None,
            vec![&manager, &swarm],
            vec![],
        ),
        (Role::Manager, None, None, vec![&manager], vec![]),
        (
            Role::Worker,
            kubernetes,
            Some(false),
            vec![],
            vec![&manager, &swarm],
        ),
        (
            Role::Worker,
            Some(Orchestrator::Mixed),
            Some(true),
            vec![&manager],
            vec![&swarm],
        ),
        (Role::Worker, kubernetes, None, vec![], vec![&swarm]),
        (
            Role::Worker,
            Some(Orchestrator::Swarm),
            Some(false),
            vec![&swarm],
            vec![&manager],
        ),
        (
            Role::Worker,
            Some(Orchestrator::None),
            Some(false),
            vec![&swarm],
            vec![&manager],
        ),
        (Role::Worker, None, None, vec![], vec![]),
    ] {
        let nodes = [node("n", role, orchestrator, msr)];
        let wanted = Wanted {
            objects: Vec::new(),
            ..Wanted::of(&cluster(1, ""), &nodes)
        };
        for with_ours in [false, true] {
            for closed in [false, true] {
                let mut taints: Vec<&Taint> = other.iter().collect();
                if with_ours {
                    taints.extend([&manager, &swarm]);
                }
                let list = json!({ "kind": "List", "items": [{
                    "kind": "Node", "metadata": { "name": "n" },
                    "spec": { "unschedulable": closed, "taints": taints },
                }]});
                let there: Objects = serde_json::from_value(list).unwrap();
                let (_, now) = converge(&wanted, &there);
                let mut expected: BTreeSet<Taint> = other.iter().cloned().collect();
                if with_ours {
                    let kept = [&manager, &swarm]
                        .into_iter()
                        .filter(|taint| !frees.contains(taint));
                    expected.extend(kept.cloned());
                }
                expected.extend(wants.iter().map(|taint| (*taint).clone()));
                assert_eq!(now.nodes["n"].taints, expected, "{nodes:?} {with_ours}");
            }
        }
        // A node that has not registered brings its own.
        assert_eq!(plan(&wanted, &Objects::default()).steps, []);
    }
    let nodes = [
        node("m", Role::Manager, kubernetes, None),
        node("r", Role::Worker, Some(Orchestrator::Mixed), Some(true)),
        node("w", Role::Worker, Some(Orchestrator::Swarm), Some(false)),
    ];
    let wanted = Wanted {
        objects: Vec::new(),
        ..Wanted::of(&cluster(1, ""), &nodes)
    };
    assert_eq!(
        lines(&plan(&wanted, &Objects::fresh(&nodes))),
        ["taint node r with com.docker.ucp.manager:NoSchedule: it carries MSR"]
    );
}

/// ARCH-003: plans of others are judged by what is wanted and what is there, step by step.
#[test]
fn what_is_refused() {
    let wanted = Wanted::of(&cluster(3, ""), &[node("w", Role::Worker, None, Some(false))]);
    let (first, there) = converge(&wanted, &Objects::default());
    let mut there = there;
    there.nodes.insert("w".to_owned(), SeenNode::default());
    let mine = place("ConfigMap", Some("default"), "mine");
    there.objects.insert(mine.clone(), SeenObject::default());
    let space = place("Namespace", None, "old");
    let secret = place("Secret", Some("kube-system"), "secret");
    for ours in [&space, &secret] {
        let seen = SeenObject {
            labels: labels(CLUSTER, "calico"),
            digest: None,
        };
        there.objects.insert(ours.clone(), seen);
    }
    let any = wanted.objects[3].clone();
    let mut unmarked = any.clone();
    unmarked.object["metadata"]["labels"] = json!({});
    let taint = |key: &str| Taint {
        key: key.to_owned(),
        effect: "NoSchedule".to_owned(),
    };
    let on = |node: &str, taint: Taint| Change::Taint {
        node: node.to_owned(),
        taint,
    };
    for (change, why) in [
        (Change::Remove(mine), "is not known to be ours"),
        (
            Change::Remove(place("ConfigMap", None, "nothing")),
            "is not known to be ours",
        ),
        (Change::Remove(space), "may hold objects of others"),
        (Change::Remove(secret), "of no kind that add-ons are made of"),
        (Change::Remove(any.place.clone()), "is wanted"),
        (Change::Create(any.clone()), "is there"),
        (Change::Replace(unmarked), "is not wanted so"),
        (on("w", taint("team")), "none of the product's"),
        (on("x", Taint::manager()), "Kubernetes has no node x"),
        (on("w", Taint::manager()), "not known to need taint"),
        (on("w", Taint::swarm()), "not known to need taint"),
        (
            Change::Untaint {
                node: "w".to_owned(),
                taint: Taint::manager(),
            },
            "is so already",
        ),
    ] {
        let odd = AddonPlan {
            steps: vec![AddonStep {
                change: change.clone(),
                reason: String::new(),
            }],
            ..first.clone()
        };
        let refusals = check(&odd, &wanted, &there);
        assert!(
            refusals.len() == 1 && refusals[0].step == Some(0) && refusals[0].why.contains(why),
            "{change}: {refusals:?}"
        );
    }
    let foreign = AddonPlan {
        cluster_id: "another".to_owned(),
        ..first.clone()
    };
    assert_eq!(check(&foreign, &wanted, &Objects::default())[0].step, None);
    let mut twice = first;
    twice.steps.push(twice.steps[0].clone());
    let refusals = check(&twice, &wanted, &Objects::default());
    assert!(
        refusals.len() == 1 && refusals[0].why.contains("another step"),
        "{refusals:?}"
    );
}

/// What a list must be.
#[test]
fn lists_of_objects() {
    for (text, why) in [
        ("{}", "no list of Kubernetes' objects"),
        (
            r#"{"kind": "DeploymentList", "items": []}"#,
            "no list of Kubernetes' objects",
        ),
        (
            r#"{"kind": "List", "items": [{"kind": "Node"}]}"#,
            "element 1 of the list: ",
        ),
        (
            r#"{"kind": "List", "items": [{"kind": "Node", "metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}"#,
            "element 2 of the list: ",
        ),
    ] {
        let refused = serde_json::from_str::<Objects>(text).unwrap_err().to_string();
        assert!(refused.contains(why), "{text}: {refused}");
    }
}

/// How one object that is wanted is found.
#[derive(Debug, Clone, Copy)]
enum Found {
    Nothing,
    Right,
    Other,
    Foreign,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// ARCH-003: whatever is there, the other side accepts the plan, doing it leaves nothing to do, and nothing of others is touched.
    #[test]
    fn whatever_is_there(
        found in prop::collection::vec(
            prop_oneof![Just(Found::Nothing), Just(Found::Right), Just(Found::Other), Just(Found::Foreign)], 40),
        stray in prop::collection::vec((0_usize..5, any::<bool>(), 0_u8..9), 0..6),
        config in prop_oneof![Just(""), Just("[cluster_config]\n  unmanaged_cni = true\n"),
            Just("[cluster_config]\n  calico_vxlan = false\n")],
    ) {
        let usual = Wanted::of(&cluster(3, ""), &[]);
        let wanted = Wanted::of(&cluster(3, config), &[]);
        let mut there = Objects::default();
        for (object, found) in usual.objects.iter().zip(found) {
            let (instance, digest) = match found {
                Found::Nothing => continue,
                Found::Right => (CLUSTER, object.digest.clone()),
                Found::Other => (CLUSTER, "other".to_owned()),
                Found::Foreign => ("another", object.digest.clone()),
            };
            there.objects.insert(object.place.clone(), SeenObject {
                labels: labels(instance, "calico"),
                digest: Some(digest),
            });
        }
        for (kind, ours, number) in stray {
            let kind = ["ConfigMap", "Service", "DaemonSet", "Deployment", "Namespace"][kind];
            let instance = if ours { CLUSTER } else { "another" };
            there.objects.insert(place(kind, Some("stray"), &format!("s{number}")), SeenObject {
                labels: labels(instance, "calico"),
                digest: None,
            });
        }
        let (_, now) = converge(&wanted, &there);
        for (place, seen) in &there.objects {
            if !seen.is_ours(CLUSTER) || place.kind == "Namespace" && place.namespace.is_some() {
                prop_assert_eq!(now.objects.get(place), Some(seen));
            }
        }
    }
}
