//! Privileged options: every option, in every kind, for every class of requesters.

use mke_rbac::admission::{
    Outcome, Plugin, RawSettings, Requester, Settings, Status, kinds_with_pods, review,
};
use serde_json::{Value, json};

use crate::world::{
    Create, admin, allowed, bob, cluster, controller, create, denied, jane, pod, request, secured, settings,
    update,
};

/// Every privileged option: what refusals call it, and fields of a pod that use it.
fn options() -> Vec<(&'static str, Value)> {
    let context = |context: Value| json!({"containers": [{"name": "main", "image": "nginx", "securityContext": context}]});
    let list = |list: &str, context: Value| json!({list: [{"name": "other", "image": "nginx", "securityContext": context}]});
    vec![
        ("hostIPC", json!({"hostIPC": true})),
        ("hostNetwork", json!({"hostNetwork": true})),
        ("hostPID", json!({"hostPID": true})),
        ("privileged mode", context(json!({"privileged": true}))),
        (
            "privileged mode",
            list("initContainers", json!({"privileged": true})),
        ),
        (
            "privileged mode",
            list("ephemeralContainers", json!({"privileged": true})),
        ),
        (
            "privileged mode",
            json!({"securityContext": {"privileged": true}}),
        ),
        (
            "privileged mode",
            context(json!({"windowsOptions": {"hostProcess": true}})),
        ),
        (
            "privileged mode",
            json!({"securityContext": {"windowsOptions": {"hostProcess": true}}}),
        ),
        (
            "allowPrivilegeEscalation",
            context(json!({"allowPrivilegeEscalation": true})),
        ),
        (
            "allowPrivilegeEscalation",
            list("initContainers", json!({"allowPrivilegeEscalation": true})),
        ),
        (
            "allowPrivilegeEscalation",
            json!({"securityContext": {"allowPrivilegeEscalation": true}}),
        ),
        (
            "additional capabilities",
            context(json!({"capabilities": {"add": ["NET_ADMIN"]}})),
        ),
        (
            "additional capabilities",
            list("initContainers", json!({"capabilities": {"add": ["chown"]}})),
        ),
        (
            "additional capabilities",
            json!({"securityContext": {"capabilities": {"add": ["ALL"]}}}),
        ),
        (
            "host bind mounts",
            json!({"volumes": [{"name": "v", "hostPath": {"path": "/var/run/docker.sock"}}]}),
        ),
        (
            "host bind mounts",
            json!({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "v", "hostPath": {}}]}),
        ),
    ]
}

/// Fields of a pod that use no privileged option.
fn harmless() -> Vec<Value> {
    let context = |context: Value| json!({"containers": [{"name": "main", "image": "nginx", "securityContext": context}]});
    vec![
        json!({}),
        json!({"hostIPC": false, "hostNetwork": false, "hostPID": null}),
        context(json!({"privileged": false, "allowPrivilegeEscalation": false})),
        context(json!({"capabilities": {"add": [], "drop": ["ALL"]}})),
        json!({"securityContext": {"runAsUser": 1000}, "volumes": [{"name": "v", "emptyDir": {}}]}),
        json!({"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}),
    ]
}

/// An object of a kind with this pod in it.
fn wrap(group: &str, kind: &str, path: &[&str], pod: &Value) -> Value {
    let version = if group.is_empty() {
        "v1".to_owned()
    } else {
        format!("{group}/v1")
    };
    if path.is_empty() {
        return pod.clone();
    }
    let mut inner = json!({"metadata": {"labels": {"app": "web"}}, "spec": pod["spec"]});
    for name in path.iter().rev() {
        inner = json!({*name: inner});
    }
    inner["apiVersion"] = json!(version);
    inner["kind"] = json!(kind);
    inner["metadata"] = json!({"name": "web", "namespace": "dev"});
    inner
}

fn is_privileged_denial(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Allowed(_) => false,
        Outcome::Denied(refused) => {
            assert!(
                refused
                    .refusals
                    .iter()
                    .all(|refusal| refusal.status == Status::Forbidden)
            );
            refused
                .refusals
                .iter()
                .any(|refusal| refusal.plugin == Plugin::UcpAuthorization)
        }
    }
}

/// ADM-007, ADM-008: each option in each kind that holds pods, for administrators, cluster-admin service accounts,
/// users (with the role cluster-admin too), other service accounts and nodes. The wording is fixed.
#[test]
fn every_option_in_every_kind_for_every_class() {
    let cluster = cluster("");
    let classes = [
        ("an administrator", admin(), true),
        (
            "a service account bound to cluster-admin",
            Requester::service_account("dev", "operator"),
            true,
        ),
        (
            "a service account of a group bound to it",
            Requester::service_account("tools", "any"),
            true,
        ),
        ("a user bound to cluster-admin", jane(), false),
        ("a user", Requester::new("u-abby", []), false),
        (
            "a service account bound in one namespace",
            Requester::service_account("dev", "nearly"),
            false,
        ),
        (
            "a service account bound to another role",
            Requester::service_account("dev", "viewer"),
            false,
        ),
        (
            "a service account of the same name elsewhere",
            Requester::service_account("default", "operator"),
            false,
        ),
        (
            "nobody",
            Requester::new("system:anonymous", ["system:unauthenticated".to_owned()]),
            false,
        ),
    ];
    let mut asked = 0;
    for (groups, kind, resource, path) in kinds_with_pods() {
        for group in groups {
            for (option, spec) in options() {
                let object = wrap(group, kind, path, &pod(spec));
                for (class, requester, may) in &classes {
                    let outcome = create(requester.clone(), object.clone(), &cluster);
                    assert_eq!(
                        is_privileged_denial(&outcome),
                        !may,
                        "{class} uses {option} in {kind}"
                    );
                    if !may {
                        let refusal = denied(outcome);
                        let group = if group.is_empty() {
                            String::new()
                        } else {
                            format!(".{group}")
                        };
                        let expected = format!(
                            "{resource}{group} \"web\" is forbidden: user \"{}\" is not an admin and does not have \
                             permissions to use {option} for resource",
                            requester.user
                        );
                        if refusal.plugin == Plugin::UcpAuthorization {
                            assert_eq!(refusal.message, expected);
                        }
                    }
                    asked += 1;
                }
            }
            for spec in harmless() {
                let object = wrap(group, kind, path, &pod(spec.clone()));
                for (class, requester, _) in &classes {
                    let outcome = create(requester.clone(), object.clone(), &cluster);
                    assert!(!is_privileged_denial(&outcome), "{class} with {spec} in {kind}");
                }
            }
        }
    }
    assert!(asked > 1_500, "{asked}");
}

/// ADM-007: the message of the manual, word by word, and every use with its place.
#[test]
fn the_wording_is_that_of_the_manual() {
    let cluster = cluster("");
    let mut object = secured(json!({"privileged": true, "capabilities": {"add": ["SYS_ADMIN"]}}));
    object["spec"]["hostPID"] = json!(true);
    object["metadata"]["name"] = json!("mypod");
    let refusal = denied(create(jane(), object.clone(), &cluster));
    assert_eq!(
        refusal.message,
        "pods \"mypod\" is forbidden: user \"u-jane\" is not an admin and does not have permissions to use hostPID for resource"
    );
    let places: Vec<String> = refusal.reasons.iter().map(ToString::to_string).collect();
    assert_eq!(
        places,
        [
            "spec.hostPID: uses hostPID",
            "spec.containers[0].securityContext.privileged: uses privileged mode",
            "spec.containers[0].securityContext.capabilities.add: uses additional capabilities",
        ]
    );
    object["metadata"] = json!({"generateName": "web-", "namespace": "dev"});
    let refusal = denied(create(jane(), object, &cluster));
    assert!(
        refusal.message.starts_with("pods \"web-\" is forbidden"),
        "{}",
        refusal.message
    );
}

/// ADM-007: what cannot be read is refused to everybody, with its place.
#[test]
fn unreadable_options_are_refused() {
    let cluster = cluster("");
    for (spec, path) in [
        (json!({"hostNetwork": "false"}), "spec.hostNetwork"),
        (json!({"hostPID": 0}), "spec.hostPID"),
        (json!({"hostIPC": []}), "spec.hostIPC"),
        (json!({"volumes": {}}), "spec.volumes"),
        (
            json!({"volumes": [{"name": "v", "hostPath": "/"}]}),
            "spec.volumes[0].hostPath",
        ),
        (json!({"containers": {"name": "x"}}), "spec.containers"),
        (json!({"containers": ["x"]}), "spec.containers[0]"),
        (json!({"initContainers": 3}), "spec.initContainers"),
        (json!({"ephemeralContainers": "x"}), "spec.ephemeralContainers"),
        (json!({"securityContext": true}), "spec.securityContext"),
        (
            json!({"containers": [{"name": "a", "securityContext": []}]}),
            "spec.containers[0].securityContext",
        ),
        (
            json!({"containers": [{"name": "a", "securityContext": {"privileged": "no"}}]}),
            "spec.containers[0].securityContext.privileged",
        ),
        (
            json!({"containers": [{"name": "a", "securityContext": {"allowPrivilegeEscalation": 1}}]}),
            "spec.containers[0].securityContext.allowPrivilegeEscalation",
        ),
        (
            json!({"containers": [{"name": "a", "securityContext": {"capabilities": {"add": "ALL"}}}]}),
            "spec.containers[0].securityContext.capabilities.add",
        ),
        (
            json!({"containers": [{"name": "a", "securityContext": {"capabilities": {"add": [1]}}}]}),
            "spec.containers[0].securityContext.capabilities.add[0]",
        ),
    ] {
        for requester in [admin(), jane(), controller("replicaset-controller")] {
            let Outcome::Denied(refused) = create(requester, pod(spec.clone()), &cluster) else {
                panic!("allowed: {spec}");
            };
            let own = refused
                .refusals
                .iter()
                .find(|refusal| refusal.plugin == Plugin::UcpAuthorization);
            let own = own.unwrap_or_else(|| panic!("{spec}: {refused:#?}"));
            assert_eq!(own.status, Status::Invalid, "{spec}");
            assert!(
                own.message.starts_with(&format!("{path}: must be ")),
                "{spec}: {}",
                own.message
            );
        }
    }
    let template = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": {"spec": {"hostNetwork": "true"}}}});
    let refusal = denied(create(jane(), template, &cluster));
    assert!(
        refusal
            .message
            .starts_with("spec.template.spec.hostNetwork: must be a boolean"),
        "{}",
        refusal.message
    );
}

/// ADM-007, K8S-009: an update is judged as a whole; metadata of what an administrator made may change.
#[test]
fn updates_open_no_way_around() {
    let cluster = cluster("");
    let ask = |request| review(&request, &cluster, &Settings::default());
    let deployment = |image: &str, privileged: bool, replicas: u8| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "dev"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": [
                {"name": "main", "image": image, "securityContext": {"privileged": privileged}}]}}}})
    };
    denied(ask(update(
        jane(),
        deployment("a", false, 1),
        deployment("a", true, 1),
    )));
    denied(ask(update(
        jane(),
        deployment("a", true, 1),
        deployment("mine", true, 1),
    )));
    denied(ask(update(
        jane(),
        deployment("a", true, 1),
        deployment("a", true, 2),
    )));
    allowed(ask(update(
        jane(),
        deployment("a", true, 1),
        deployment("a", false, 1),
    )));
    allowed(ask(update(
        admin(),
        deployment("a", true, 1),
        deployment("mine", true, 1),
    )));
    let mut labelled = deployment("a", true, 1);
    labelled["metadata"]["labels"] = json!({"team": "ops"});
    allowed(ask(update(jane(), deployment("a", true, 1), labelled)));

    // Without the old object everything counts as new.
    denied(ask(request(
        crate::world::Update,
        jane(),
        deployment("a", true, 1),
    )));
}

/// ADM-007: containers for finding faults are added through a subresource, in a shape of its own.
#[test]
fn ephemeral_containers_are_judged() {
    let cluster = cluster("");
    let added = |privileged: bool| {
        json!({"apiVersion": "v1", "kind": "EphemeralContainers", "metadata": {"name": "web", "namespace": "dev"},
            "ephemeralContainers": [{"name": "debug", "image": "sh", "securityContext": {"privileged": privileged}}]})
    };
    let ask = |requester, privileged| {
        review(
            &request(crate::world::Update, requester, added(privileged)),
            &cluster,
            &Settings::default(),
        )
    };
    let refusal = denied(ask(jane(), true));
    assert_eq!(refusal.plugin, Plugin::UcpAuthorization);
    allowed(ask(jane(), false));
    allowed(ask(admin(), true));

    // A specification beside the list must not hide it, whoever asks.
    for spec in [
        json!({}),
        json!({"containers": [{"name": "main", "image": "nginx"}]}),
    ] {
        let mut object = added(true);
        object["spec"] = spec;
        for requester in [jane(), admin()] {
            let asked = request(crate::world::Update, requester, object.clone());
            let refusal = denied(review(&asked, &cluster, &Settings::default()));
            assert_eq!(refusal.status, Status::Invalid);
            assert!(
                refusal.message.contains("ephemeralContainers"),
                "{}",
                refusal.message
            );
        }
    }
}

/// ADM-007: a pod does not pass under the name of something that holds none.
#[test]
fn the_resource_decides_what_a_request_is() {
    let cluster = cluster("");
    for kind in ["pod", "POD", "Foo", "PodTemplate", "ConfigMap"] {
        let mut object = secured(json!({"privileged": true}));
        object["kind"] = json!(kind);
        let mut asked = request(Create, jane(), object);
        asked.target.resource = "pods".to_owned();
        asked.target.namespace = Some("dev".to_owned());
        let refusal = denied(review(&asked, &cluster, &Settings::default()));
        assert_eq!(refusal.status, Status::Invalid, "{kind}");
    }
    let mut asked = request(
        crate::world::Delete,
        jane(),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole", "metadata": {"name": "cluster-admin"}}),
    );
    asked.target.kind = "clusterrole".to_owned();
    let refusal = denied(review(&asked, &cluster, &Settings::default()));
    assert_eq!(refusal.status, Status::Invalid);
}

/// ADM-008: Kubernetes makes the pods of templates that were judged; its names do not help anybody else.
#[test]
fn controllers_make_what_was_judged() {
    let cluster = cluster("");
    let object = secured(json!({"privileged": true}));
    for name in [
        "replicaset-controller",
        "daemon-set-controller",
        "job-controller",
        "statefulset-controller",
    ] {
        allowed(create(controller(name), object.clone(), &cluster));
        denied(create(
            Requester::service_account("dev", name),
            object.clone(),
            &cluster,
        ));
    }
    denied(create(controller("default"), object.clone(), &cluster));
    denied(create(
        Requester::new("replicaset-controller", []),
        object,
        &cluster,
    ));
}

/// ADM-013: the switch lifts privileged mode alone, and only where a policy allows it and policies are in force.
#[test]
fn the_switch_for_privileged_pods() {
    let open = cluster("");
    let object = secured(json!({"privileged": true}));
    denied(create(bob(), object.clone(), &open));
    let raw = RawSettings {
        allow_privileged_pods: true,
        ..RawSettings::default()
    };
    let on = settings(raw.clone(), &open);
    let ask = |object: &Value, cluster| review(&request(Create, bob(), object.clone()), cluster, &on);
    allowed(ask(&object, &open));
    for other in [
        json!({"allowPrivilegeEscalation": true}),
        json!({"capabilities": {"add": ["CHOWN"]}}),
    ] {
        denied(ask(&secured(other), &open));
    }
    denied(ask(&pod(json!({"hostNetwork": true})), &open));

    let closed = crate::world::without_default_policy("");
    let refusal = denied(ask(&object, &closed));
    assert_eq!(refusal.plugin, Plugin::PodSecurityPolicy);

    let without_policies = RawSettings {
        plugins: [("PodSecurityPolicy".to_owned(), false)].into(),
        ..raw
    };
    let off = settings(without_policies, &open);
    denied(review(&request(Create, bob(), object), &open, &off));
}
