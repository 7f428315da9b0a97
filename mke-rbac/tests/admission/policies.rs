//! Pod security policies as operators meet them: the two default ones, the default binding, and their own.

use mke_rbac::admission::{
    Admitted, Cluster, DEFAULT_BINDING, DEFAULT_POLICIES, Objects, Outcome, Plugin, Requester, Settings,
    review,
};
use serde_json::{Value, json};

use crate::world::{
    admin, allowed, bob, cluster, controller, create, denied, model, pod, secured, stored, update,
    without_default_policy,
};

const POLICY: &str = "kubernetes.io/psp";

fn policy_of(admitted: &Admitted) -> &str {
    let object = admitted.object.as_ref().unwrap();
    object["metadata"]["annotations"][POLICY].as_str().unwrap()
}

/// The policy that admits an object, or the refusal.
fn admits(cluster: &Cluster, requester: Requester, object: Value) -> Result<String, String> {
    match create(requester, object, cluster) {
        Outcome::Allowed(admitted) => Ok(policy_of(&admitted).to_owned()),
        Outcome::Denied(refused) => {
            let first = refused.refusals.into_iter().next().unwrap();
            assert_eq!(first.plugin, Plugin::PodSecurityPolicy, "{}", first.message);
            Err(first.message)
        }
    }
}

fn in_namespace(namespace: &str) -> Value {
    let mut object = pod(json!({}));
    object["metadata"]["namespace"] = json!(namespace);
    object
}

/// A binding of a role to one subject.
fn binding(kind: &str, role: &str, subject: &str) -> String {
    format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}, metadata: {{name: '{role}:b', namespace: dev}}, \
          roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}, subjects: [{subject}]}}\n---\n"
    )
    .replace(", namespace: dev}, roleRef", if kind == "RoleBinding" { ", namespace: dev}, roleRef" } else { "}, roleRef" })
}

const BOB: &str = "{apiGroup: rbac.authorization.k8s.io, kind: User, name: u-bob}";

fn group(name: &str) -> String {
    format!("{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: '{name}'}}")
}

/// PSP-001: the two policies, their roles and the default binding, as data.
#[test]
fn the_default_policies() {
    let objects = Objects::defaults();
    let cluster = Cluster::new(objects, &model()).unwrap();
    let policies: Vec<_> = cluster.policies().collect();
    let privileged = serde_json::to_value(&policies[0].spec).unwrap();
    let unprivileged = serde_json::to_value(&policies[1].spec).unwrap();
    assert_eq!(
        (policies[0].name.as_str(), policies[1].name.as_str()),
        ("privileged", "unprivileged")
    );
    let any = json!({"rule": "RunAsAny", "ranges": []});
    for (field, wide, narrow) in [
        ("allowPrivilegeEscalation", json!(true), json!(false)),
        ("allowedCapabilities", json!(["*"]), json!([])),
        ("privileged", json!(true), json!(false)),
        ("hostIPC", json!(true), json!(false)),
        ("hostNetwork", json!(true), json!(false)),
        ("hostPID", json!(true), json!(false)),
        (
            "hostPorts",
            json!([{"min": 0, "max": 65535}]),
            json!([{"min": 0, "max": 65535}]),
        ),
        (
            "allowedHostPaths",
            json!([]),
            json!([{"pathPrefix": "/dev/null", "readOnly": true}]),
        ),
        ("fsGroup", any.clone(), any.clone()),
        ("runAsUser", any.clone(), any.clone()),
        ("supplementalGroups", any.clone(), any.clone()),
        ("readOnlyRootFilesystem", json!(false), json!(false)),
        ("volumes", json!(["*"]), json!(["*"])),
    ] {
        assert_eq!(privileged[field], wide, "{field} of privileged");
        assert_eq!(unprivileged[field], narrow, "{field} of unprivileged");
    }
    assert!(DEFAULT_POLICIES.contains(DEFAULT_BINDING));
}

/// PSP-001: at first everybody gets the privileged policy, and it lifts none of the product's own limits.
#[test]
fn everybody_gets_the_privileged_policy() {
    let cluster = cluster("");
    for requester in [
        admin(),
        bob(),
        Requester::service_account("dev", "default"),
        controller("replicaset-controller"),
    ] {
        assert_eq!(
            admits(&cluster, requester, pod(json!({}))),
            Ok("privileged".to_owned())
        );
    }
    let refusal = denied(create(bob(), secured(json!({"privileged": true})), &cluster));
    assert_eq!(refusal.plugin, Plugin::UcpAuthorization, "a policy lifts nothing");
}

/// PSP-002: administrators write policies; others need a role with a binding. That is a question of access, which is
/// asked before admission.
#[test]
fn who_may_write_policies() {
    use mke_rbac::kubernetes::{Authorizer, Rbac, Request};
    let role = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: psp-admin}, rules: [{apiGroups: [extensions, policy], \
                resources: [podsecuritypolicies], verbs: [create, delete, get, list, patch, update]}]}\n---\n";
    let rbac = |text: &str| Authorizer::compile(&Rbac::from_manifests(text).unwrap());
    let request = |requester: Requester, verb: &str| Request {
        user: requester.user,
        groups: requester.groups,
        verb: verb.to_owned(),
        group: "policy".to_owned(),
        resource: Some("podsecuritypolicies".to_owned()),
        ..Request::default()
    };
    let bound = rbac(&(role.to_owned() + &binding("ClusterRoleBinding", "psp-admin", BOB)));
    let unbound = rbac(role);
    for verb in ["create", "delete", "get", "list", "patch", "update"] {
        assert!(unbound.allows(&request(admin(), verb)));
        assert!(!unbound.allows(&request(bob(), verb)));
        assert!(bound.allows(&request(bob(), verb)));
        assert!(!bound.allows(&request(Requester::new("u-abby", []), verb)));
    }
    assert!(!bound.allows(&request(bob(), "use")), "to write is not to use");
}

/// PSP-003: without the default binding administrators still deploy, with the privileged policy; others do not until
/// they are bound, and controllers depend on the service account of the pod.
#[test]
fn without_the_default_binding() {
    let nothing = without_default_policy("");
    assert_eq!(
        admits(&nothing, admin(), pod(json!({}))),
        Ok("privileged".to_owned())
    );
    assert_eq!(
        admits(&nothing, bob(), pod(json!({}))).unwrap_err(),
        "pods \"web\" is forbidden: unable to validate against any pod security policy: []"
    );

    let user = without_default_policy(&binding("RoleBinding", "unprivileged-psp-role", BOB));
    assert_eq!(
        admits(&user, bob(), pod(json!({}))),
        Ok("unprivileged".to_owned())
    );
    admits(&user, bob(), in_namespace("default")).unwrap_err();
    admits(&user, Requester::new("u-abby", []), pod(json!({}))).unwrap_err();
    let refusal = admits(&user, bob(), secured(json!({"privileged": true}))).unwrap_err();
    assert!(
        refusal
            .contains("spec.containers[0].securityContext.privileged: Privileged containers are not allowed"),
        "{refusal}"
    );

    // A deployment is accepted, its pods are made by a controller for the service account.
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "nginx", "namespace": "dev"},
        "spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": "nginx"}]}}}});
    let admitted = allowed(create(bob(), deployment.clone(), &user));
    let outlook = |admitted: &Admitted| {
        admitted
            .notes
            .iter()
            .any(|note| note.text.starts_with("its pods will be refused"))
    };
    assert!(outlook(&admitted), "{:?}", admitted.notes);
    let mut made = pod(json!({}));
    made["metadata"] = json!({"generateName": "nginx-cdcdd9f5c-", "namespace": "dev"});
    assert_eq!(
        admits(&user, controller("replicaset-controller"), made.clone()).unwrap_err(),
        "pods \"nginx-cdcdd9f5c-\" is forbidden: unable to validate against any pod security policy: []"
    );
    let account = without_default_policy(&binding(
        "RoleBinding",
        "unprivileged-psp-role",
        "{kind: ServiceAccount, name: default, namespace: dev}",
    ));
    assert_eq!(
        admits(&account, controller("replicaset-controller"), made),
        Ok("unprivileged".to_owned())
    );
    assert!(!outlook(&allowed(create(bob(), deployment, &account))));
    let other = pod(json!({"serviceAccountName": "viewer"}));
    admits(&account, controller("replicaset-controller"), other).unwrap_err();
}

/// PSP-004: bindings to everybody in a namespace, and to its service accounts.
#[test]
fn policies_for_namespaces() {
    let infrastructure = [
        group("system:authenticated:kube-system"),
        group("system:serviceaccounts:kube-system"),
    ];
    let users = [
        group("system:authenticated:dev"),
        group("system:serviceaccounts:dev"),
    ];
    let cluster = without_default_policy(
        &(binding(
            "ClusterRoleBinding",
            "privileged-psp-role",
            &infrastructure.join(", "),
        ) + &binding("ClusterRoleBinding", "unprivileged-psp-role", &users.join(", "))),
    );
    for (requester, namespace, policy) in [
        (bob(), "kube-system", Some("privileged")),
        (bob(), "dev", Some("unprivileged")),
        (bob(), "default", None),
        (controller("replicaset-controller"), "default", Some("privileged")),
        (
            Requester::new("system:serviceaccount:dev:x", []),
            "dev",
            Some("unprivileged"),
        ),
        (
            Requester::new("system:anonymous", ["system:unauthenticated".to_owned()]),
            "default",
            None,
        ),
    ] {
        let found = admits(&cluster, requester.clone(), in_namespace(namespace));
        // The controllers' own accounts live in kube-system, so the group of that namespace reaches them.
        assert_eq!(found.ok().as_deref(), policy, "{requester} in {namespace}");
    }
    // A pod's own service account is enough, even for a requester that nobody knows.
    let anonymous = Requester::new("system:anonymous", ["system:unauthenticated".to_owned()]);
    assert_eq!(
        admits(&cluster, anonymous, pod(json!({}))),
        Ok("unprivileged".to_owned())
    );
}

/// PSP-005: with the binding back, everything is as at first.
#[test]
fn the_default_binding_comes_back() {
    let everybody = [group("system:authenticated"), group("system:serviceaccounts")];
    let back = without_default_policy(
        &binding("ClusterRoleBinding", "privileged-psp-role", &everybody.join(", "))
            .replace("privileged-psp-role:b", DEFAULT_BINDING),
    );
    for requester in [admin(), bob(), controller("job-controller")] {
        assert_eq!(
            admits(&back, requester, pod(json!({}))),
            Ok("privileged".to_owned())
        );
    }
}

/// A policy of an operator, with the role to use it and a binding for bob.
fn own(name: &str, annotations: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {{name: {name}, annotations: {annotations}}}, spec: {spec}}}\n---\n\
         {{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {{name: {name}-psp-role}}, rules: \
         [{{apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [{name}], verbs: [use]}}]}}\n---\n{}",
        binding("RoleBinding", &format!("{name}-psp-role"), BOB)
    )
}

const LIKE_UNPRIVILEGED: &str = "allowPrivilegeEscalation: false, allowedHostPaths: [{pathPrefix: /dev/null, readOnly: true}], \
    fsGroup: {rule: RunAsAny}, hostPorts: [{max: 65535, min: 0}], seLinux: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, volumes: ['*']";

/// PSP-006: a policy against root: images decide at run time, and pods that want root are refused.
#[test]
fn a_policy_against_root() {
    let cluster = without_default_policy(&own(
        "norootcontainers",
        "{}",
        &format!("{{{LIKE_UNPRIVILEGED}, runAsUser: {{rule: MustRunAsNonRoot}}}}"),
    ));
    let context = |context: Value| create(bob(), secured(context), &cluster);
    let after = stored(context(json!({})));
    assert_eq!(
        after["spec"]["containers"][0]["securityContext"],
        json!({"runAsNonRoot": true, "allowPrivilegeEscalation": false})
    );
    assert_eq!(
        after["metadata"]["annotations"][POLICY],
        json!("norootcontainers")
    );
    allowed(context(json!({"runAsUser": 1000})));
    allowed(context(json!({"runAsNonRoot": true})));
    for root in [
        json!({"runAsUser": 0}),
        json!({"runAsNonRoot": false}),
        json!({"runAsNonRoot": true, "runAsUser": 0}),
        json!({"runAsNonRoot": false, "runAsUser": 5}),
    ] {
        assert!(denied(context(root)).message.contains("policy norootcontainers"));
    }
    let mut whole = pod(json!({"securityContext": {"runAsUser": 0}}));
    denied(create(bob(), whole.clone(), &cluster));
    whole["spec"]["containers"][0]["securityContext"] = json!({"runAsUser": 7});
    allowed(create(bob(), whole, &cluster));
}

/// PSP-006: a policy with a seccomp profile gives it to pods that name none.
#[test]
fn a_policy_with_seccomp() {
    let annotations = "{seccomp.security.alpha.kubernetes.io/allowedProfileNames: docker/default, \
                       seccomp.security.alpha.kubernetes.io/defaultProfileName: docker/default}";
    let cluster = without_default_policy(&own(
        "seccomppolicy",
        annotations,
        &format!("{{{LIKE_UNPRIVILEGED}, runAsUser: {{rule: RunAsAny}}}}"),
    ));
    let key = "seccomp.security.alpha.kubernetes.io/pod";
    let after = stored(create(bob(), pod(json!({})), &cluster));
    assert_eq!(after["metadata"]["annotations"][key], json!("docker/default"));
    let with = |profile: &str| {
        let mut object = pod(json!({}));
        object["metadata"]["annotations"] = json!({key: profile});
        create(bob(), object, &cluster)
    };
    allowed(with("runtime/default"));
    denied(with("unconfined"));
    let field = |profile: Value| {
        create(
            bob(),
            pod(json!({"securityContext": {"seccompProfile": profile}})),
            &cluster,
        )
    };
    allowed(field(json!({"type": "RuntimeDefault"})));
    denied(field(json!({"type": "Unconfined"})));
    denied(field(json!({"type": "Localhost", "localhostProfile": "x.json"})));
}

/// PSP-006: one policy per pod: the first by name that changes nothing, or else the first by name.
#[test]
fn one_policy_for_a_pod() {
    let plain = "{fsGroup: {rule: RunAsAny}, runAsUser: {rule: RunAsAny}, seLinux: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, volumes: ['*']}";
    let changing = "{fsGroup: {rule: RunAsAny}, runAsUser: {rule: MustRunAs, ranges: [{min: 5, max: 9}]}, seLinux: {rule: RunAsAny}, supplementalGroups: {rule: RunAsAny}, volumes: ['*']}";
    let both = without_default_policy(
        &(own("a-changes", "{}", changing) + &own("b-plain", "{}", plain) + &own("c-plain", "{}", plain)),
    );
    assert_eq!(admits(&both, bob(), pod(json!({}))), Ok("b-plain".to_owned()));
    let two = without_default_policy(&(own("b-changes", "{}", changing) + &own("a-changes", "{}", changing)));
    assert_eq!(admits(&two, bob(), pod(json!({}))), Ok("a-changes".to_owned()));
    // What the client writes itself counts for nothing.
    let mut claimed = pod(json!({}));
    claimed["metadata"]["annotations"] = json!({POLICY: "c-plain"});
    assert_eq!(admits(&both, bob(), claimed), Ok("b-plain".to_owned()));
}

/// PSP-003: an update of a pod is admitted as it is or not at all, by a policy that may be used, and metadata is free.
#[test]
fn updates_of_pods() {
    let cluster = without_default_policy(&binding("RoleBinding", "unprivileged-psp-role", BOB));
    let context = json!({"allowPrivilegeEscalation": false});
    let old = secured(context.clone());
    let mut image = old.clone();
    image["spec"]["containers"][0]["image"] = json!("other");
    let ask = |requester, old: &Value, new: &Value| {
        review(
            &update(requester, old.clone(), new.clone()),
            &cluster,
            &Settings::default(),
        )
    };
    allowed(ask(bob(), &old, &image));
    assert_eq!(
        denied(ask(Requester::new("u-abby", []), &old, &image)).plugin,
        Plugin::PodSecurityPolicy
    );
    let mut bare = old.clone();
    bare["spec"]["containers"][0]["securityContext"] = json!({});
    denied(ask(bob(), &old, &bare));
    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    allowed(ask(Requester::new("u-abby", []), &old, &labelled));
    let mut profile = old.clone();
    profile["metadata"]["annotations"] = json!({"seccomp.security.alpha.kubernetes.io/pod": "unconfined"});
    denied(ask(bob(), &old, &profile));
}

/// PSP-001: a policy that is not understood is refused as a whole, with every problem.
#[test]
fn policies_that_make_no_sense() {
    for (spec, problem) in [
        ("{}", "missing field"),
        (
            &format!("{{{LIKE_UNPRIVILEGED}, runAsUser: {{rule: RunAsAny}}, privilegd: true}}"),
            "unknown field `privilegd`",
        ),
        (
            &format!("{{{LIKE_UNPRIVILEGED}, runAsUser: {{rule: MustRunAs}}}}"),
            "runAsUser needs ranges",
        ),
        (
            &format!("{{{LIKE_UNPRIVILEGED}, runAsUser: {{rule: MayRunAs, ranges: [{{min: 2, max: 1}}]}}}}"),
            "runAsUser cannot have the rule MayRunAs; runAsUser has the empty range 2-1",
        ),
        (
            &format!(
                "{{{LIKE_UNPRIVILEGED}, runAsUser: {{rule: RunAsAny}}, defaultAllowPrivilegeEscalation: true}}"
            ),
            "allowPrivilegeEscalation is false",
        ),
        (
            &format!(
                "{{{LIKE_UNPRIVILEGED}, runAsUser: {{rule: RunAsAny}}, requiredDropCapabilities: [A], defaultAddCapabilities: [A]}}"
            ),
            "both added and dropped",
        ),
        (
            &format!("{{{LIKE_UNPRIVILEGED}, runAsUser: {{rule: Anything}}}}"),
            "unknown variant",
        ),
    ] {
        let mut objects = Objects::defaults();
        objects.read(&own("odd", "{}", spec)).unwrap();
        let error = Cluster::new(objects, &model()).unwrap_err().to_string();
        assert!(
            error.contains("pod security policy `odd`") && error.contains(problem),
            "{spec}: {error}"
        );
    }
}
