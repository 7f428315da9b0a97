//! The list of plugins, and the switches.

use mke_rbac::admission::{Plugin, RawSettings, SettingsProblem, Work, review};
use serde_json::json;

use crate::world::{
    Create, admin, allowed, bob, cluster, create, denied, jane, pod, request, secured, settings,
};

/// ADM-001: the plugins of the product's documentation are there, in the order in which they run.
#[test]
fn the_list() {
    let names: Vec<&str> = Plugin::ALL.iter().map(|plugin| plugin.name()).collect();
    assert_eq!(
        names,
        [
            "NamespaceLifecycle",
            "UCPAuthorization",
            "CheckImageSigning",
            "UCPNodeSelector",
            "LimitRanger",
            "ServiceAccount",
            "NodeRestriction",
            "PodSecurityPolicy",
            "PodNodeSelector",
            "DefaultTolerationSeconds",
            "PersistentVolumeLabel",
            "DefaultStorageClass",
            "MutatingAdmissionWebhook",
            "ValidatingAdmissionWebhook",
            "ResourceQuota",
        ]
    );
    let listed: Vec<Plugin> = Plugin::ALL
        .into_iter()
        .filter(|plugin| plugin.work() == Work::Elsewhere)
        .collect();
    assert_eq!(
        listed,
        [
            Plugin::PersistentVolumeLabel,
            Plugin::MutatingAdmissionWebhook,
            Plugin::ValidatingAdmissionWebhook
        ]
    );
    assert!(Plugin::PersistentVolumeLabel.is_deprecated());
    for plugin in Plugin::ALL {
        assert_eq!(Plugin::from_name(plugin.name()), Some(plugin));
        assert!(!plugin.about().is_empty());
    }
    assert_eq!(Plugin::from_name("Request"), None);
}

/// ADM-004: custom plugins cannot be switched, neither off nor on; default ones can.
#[test]
fn switches() {
    let cluster = cluster("");
    let raw = |name: &str, on: bool| RawSettings {
        plugins: [(name.to_owned(), on)].into(),
        ..RawSettings::default()
    };
    for plugin in Plugin::ALL {
        for on in [true, false] {
            let checked = raw(plugin.name(), on).check(&cluster);
            if plugin.is_custom() {
                assert_eq!(
                    checked.unwrap_err().0,
                    [SettingsProblem::CustomPlugin { name: plugin }]
                );
            } else {
                assert_eq!(checked.unwrap().is_on(plugin), on);
            }
        }
    }
    for name in ["ucpauthorization", "Request", "Nothing"] {
        let problems = raw(name, false).check(&cluster).unwrap_err().0;
        assert_eq!(
            problems,
            [SettingsProblem::NoSuchPlugin {
                name: name.to_owned()
            }]
        );
    }
    let custom: Vec<&str> = Plugin::ALL
        .iter()
        .filter(|plugin| plugin.is_custom())
        .map(|plugin| plugin.name())
        .collect();
    assert_eq!(
        custom,
        ["UCPAuthorization", "CheckImageSigning", "UCPNodeSelector"]
    );
}

/// ADM-001, ADM-004: a plugin that is off does nothing; everything else goes on as before.
#[test]
fn a_plugin_that_is_off_does_nothing() {
    let cluster = cluster("");
    let off = settings(
        RawSettings {
            plugins: [("DefaultTolerationSeconds".to_owned(), false)].into(),
            ..RawSettings::default()
        },
        &cluster,
    );
    let outcome = review(&request(Create, jane(), pod(json!({}))), &cluster, &off);
    let without = allowed(outcome).object.unwrap();
    assert_eq!(without["spec"]["tolerations"], json!(null));
    denied(review(
        &request(Create, jane(), secured(json!({"privileged": true}))),
        &cluster,
        &off,
    ));
}

/// ADM-001: the answer holds the object as it will be stored, the patch that leads there, and notes.
#[test]
fn the_patch_leads_to_the_object() {
    let cluster = cluster("");
    let before = pod(json!({}));
    let admitted = allowed(create(admin(), before.clone(), &cluster));
    let mut patched = before;
    json_patch::patch(&mut patched, &admitted.patch).unwrap();
    assert_eq!(Some(patched), admitted.object);
    assert!(!admitted.patch.0.is_empty());
    assert!(
        admitted
            .notes
            .iter()
            .any(|note| note.plugin == Plugin::PodSecurityPolicy)
    );
}

/// ADM-001: a denial tells every reason, each with its plugin.
#[test]
fn every_reason_is_told() {
    let cluster = crate::world::without_default_policy("");
    let mut object = secured(json!({"privileged": true}));
    object["metadata"]["namespace"] = json!("nowhere");
    let outcome = create(bob(), object, &cluster);
    let mke_rbac::admission::Outcome::Denied(refused) = outcome else {
        panic!("allowed");
    };
    let plugins: Vec<Plugin> = refused.refusals.iter().map(|refusal| refusal.plugin).collect();
    assert_eq!(
        plugins,
        [
            Plugin::PodSecurityPolicy,
            Plugin::NamespaceLifecycle,
            Plugin::UcpAuthorization
        ]
    );
}

/// ADM-001: an object that is not what the request says is refused before any plugin looks.
#[test]
fn requests_and_objects_fit_together() {
    let cluster = cluster("");
    let good = request(Create, jane(), secured(json!({"privileged": true})));
    let ask = |request| review(&request, &cluster, &mke_rbac::admission::Settings::default());
    for change in ["kind", "resource", "namespace", "group", "name", "none", "object"] {
        let mut other = good.clone();
        match change {
            "kind" => other.target.kind = "ConfigMap".to_owned(),
            "resource" => other.target.resource = "configmaps".to_owned(),
            "namespace" => other.target.namespace = Some("default".to_owned()),
            "group" => other.target.group = "example.com".to_owned(),
            "name" => other.target.name = Some("other".to_owned()),
            "none" => other.target.namespace = None,
            _ => other.object = None,
        }
        let refusal = denied(ask(other));
        assert_eq!(refusal.plugin, Plugin::Request, "{change}");
        assert_eq!(refusal.status.code(), 422);
    }
}
