//! Privileged attributes for single accounts.

use mke_rbac::admission::{Attribute, Cluster, RawSettings, Requester, SettingsProblem, review};
use serde_json::{Value, json};

use crate::world::{Create, admin, allowed, cluster, denied, jane, pod, request, secured, settings};

fn raw(users: &[&str], user: &[&str], accounts: &[&str], account: &[&str]) -> RawSettings {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    RawSettings {
        priv_attributes_user_accounts: owned(users),
        priv_attributes_allowed_for_user_accounts: owned(user),
        priv_attributes_service_accounts: owned(accounts),
        priv_attributes_allowed_for_service_accounts: owned(account),
        ..RawSettings::default()
    }
}

/// One pod for each attribute.
fn uses(attribute: Attribute) -> Vec<Value> {
    match attribute {
        Attribute::HostIpc => vec![pod(json!({"hostIPC": true}))],
        Attribute::HostNetwork => vec![pod(json!({"hostNetwork": true}))],
        Attribute::HostPid => vec![pod(json!({"hostPID": true}))],
        Attribute::HostBindMounts => vec![pod(
            json!({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}),
        )],
        Attribute::Privileged => vec![
            secured(json!({"privileged": true})),
            secured(json!({"allowPrivilegeEscalation": true})),
        ],
        Attribute::KernelCapabilities => {
            vec![secured(json!({"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}))]
        }
    }
}

fn may(cluster: &Cluster, raw: RawSettings, requester: Requester, object: Value) -> bool {
    let settings = settings(raw, cluster);
    review(&request(Create, requester, object), cluster, &settings).is_allowed()
}

/// ADM-012: each attribute opens itself and nothing else, for the listed accounts and nobody else, and the lists of
/// users and of service accounts know nothing of each other.
#[test]
fn every_attribute_for_every_account() {
    let cluster = cluster("");
    let sa1 = || Requester::service_account("default", "sa1");
    for given in Attribute::ALL {
        for used in Attribute::ALL {
            for object in uses(used) {
                let case = format!("{given} is given, {used} is used");
                let name = given.name();
                let users = || raw(&["abby"], &[name], &["default:sa1"], &[]);
                let accounts = || raw(&["abby"], &[], &["default:sa1"], &[name]);
                let abby = || Requester::new("u-abby", []);
                assert_eq!(
                    may(&cluster, users(), abby(), object.clone()),
                    given == used,
                    "{case}"
                );
                assert_eq!(
                    may(&cluster, accounts(), sa1(), object.clone()),
                    given == used,
                    "{case}"
                );
                for (raw, requester) in [
                    (users(), sa1()),
                    (accounts(), abby()),
                    (users(), Requester::new("u-bob", [])),
                    (users(), Requester::new("abby", [])),
                    (accounts(), Requester::service_account("dev", "sa1")),
                    (accounts(), Requester::service_account("default", "sa2")),
                    (users(), jane()),
                ] {
                    assert!(
                        !may(&cluster, raw, requester.clone(), object.clone()),
                        "{case} by {requester}"
                    );
                }
            }
        }
    }
}

/// ADM-012: the pod of the manual needs two attributes at once.
#[test]
fn a_pod_with_several_attributes_needs_them_all() {
    let cluster = cluster("");
    let object = secured(json!({"privileged": false, "allowPrivilegeEscalation": true,
        "capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}));
    let abby = || Requester::new("u-abby", []);
    assert!(!may(
        &cluster,
        raw(&["abby"], &["privileged"], &[], &[]),
        abby(),
        object.clone()
    ));
    assert!(!may(
        &cluster,
        raw(&["abby"], &["kernelCapabilities"], &[], &[]),
        abby(),
        object.clone()
    ));
    assert!(may(
        &cluster,
        raw(&["abby"], &["kernelCapabilities", "privileged"], &[], &[]),
        abby(),
        object
    ));
}

/// ADM-012: policies and attributes both must allow: an attribute does not lift a policy.
#[test]
fn attributes_do_not_lift_policies() {
    let cluster = crate::world::without_default_policy(
        "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: all}, \
          roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: unprivileged-psp-role}, \
          subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:authenticated'}]}",
    );
    let given = raw(&["abby"], &["privileged"], &[], &[]);
    assert!(!may(
        &cluster,
        given,
        Requester::new("u-abby", []),
        secured(json!({"privileged": true}))
    ));
}

/// ADM-012: only settings that make sense can be used, and every problem is told at once.
#[test]
fn who_may_be_listed() {
    let cluster = cluster("");
    let problems = |raw: RawSettings| raw.check(&cluster).map(|_| ()).unwrap_err().0;
    let owned = ToOwned::to_owned;
    assert_eq!(
        problems(raw(
            &["root", "nosuch", "abby"],
            &["hostipc"],
            &["dev:operator", "tools:any", "sa1", "a:b:c"],
            &["root"]
        )),
        [
            SettingsProblem::Attribute {
                key: "priv_attributes_allowed_for_user_accounts",
                name: owned("hostipc")
            },
            SettingsProblem::Attribute {
                key: "priv_attributes_allowed_for_service_accounts",
                name: owned("root")
            },
            SettingsProblem::Administrator { name: owned("root") },
            SettingsProblem::NoSuchUser {
                name: owned("nosuch")
            },
            SettingsProblem::ClusterAdmin {
                name: owned("dev:operator")
            },
            SettingsProblem::ClusterAdmin {
                name: owned("tools:any")
            },
            SettingsProblem::ServiceAccountForm { name: owned("sa1") },
            SettingsProblem::ServiceAccountForm { name: owned("a:b:c") },
        ]
    );
    let text = raw(&["root"], &[], &[], &[])
        .check(&cluster)
        .unwrap_err()
        .to_string();
    assert!(text.contains("`root` is an administrator"), "{text}");
    // Bound to cluster-admin in one namespace only is no cluster administrator.
    settings(
        raw(&["jane", "u-abby"], &["hostPID"], &["dev:nearly"], &["hostPID"]),
        &cluster,
    );
}

/// ADM-012: the names of the attributes are those of the configuration.
#[test]
fn attribute_names() {
    let names: Vec<&str> = Attribute::ALL.iter().map(|attribute| attribute.name()).collect();
    assert_eq!(
        names,
        [
            "hostIPC",
            "hostNetwork",
            "hostPID",
            "hostBindMounts",
            "privileged",
            "kernelCapabilities"
        ]
    );
    for attribute in Attribute::ALL {
        assert_eq!(serde_json::to_value(attribute).unwrap(), json!(attribute.name()));
        assert_eq!(Attribute::from_name(attribute.name()), Some(attribute));
    }
    let unknown: Result<RawSettings, _> = serde_json::from_value(json!({"priv_attribute_user_accounts": []}));
    assert!(unknown.is_err(), "a misspelt setting is refused");
}

/// ADM-012: administrators need nothing.
#[test]
fn administrators_need_no_entry() {
    let cluster = cluster("");
    for attribute in Attribute::ALL {
        for object in uses(attribute) {
            allowed(crate::world::create(admin(), object.clone(), &cluster));
            denied(crate::world::create(jane(), object, &cluster));
        }
    }
}
