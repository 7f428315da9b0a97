//! Image signatures.

use mke_rbac::admission::{Cluster, Outcome, Plugin, RawSettings, Signatures, kinds_with_pods, review};
use serde_json::{Value, json};

use crate::world::{Create, admin, cluster, denied, jane, pod, request, settings, update};

fn signed(by: &[(&str, &[&str])]) -> Cluster {
    let signatures: Signatures = by
        .iter()
        .map(|(image, signers)| {
            (
                (*image).to_owned(),
                signers.iter().map(|id| (*id).into()).collect(),
            )
        })
        .collect();
    cluster("").with_signatures(signatures)
}

fn raw(teams: &[&str]) -> RawSettings {
    RawSettings {
        require_content_trust: true,
        require_signature_from: teams.iter().map(|team| (*team).to_owned()).collect(),
        allow_repos: vec!["registry.example.com/free".to_owned()],
        ..RawSettings::default()
    }
}

fn with_image(image: &str) -> Value {
    pod(json!({"containers": [{"name": "main", "image": image}]}))
}

fn refused_by_signing(outcome: &Outcome) -> bool {
    outcome
        .refusal()
        .is_some_and(|refusal| refusal.plugin == Plugin::CheckImageSigning)
}

/// ADM-009, DCT-004: each required team needs a signature, one person can sign for several, and administrators are no
/// exception.
#[test]
fn signatures_of_every_team() {
    let cluster = signed(&[
        ("by-jane", &["u-jane"]),
        ("by-abby", &["u-abby"]),
        ("by-both", &["u-abby", "u-jane"]),
        ("by-bob", &["u-bob"]),
        ("by-stranger", &["u-stranger"]),
        ("by-nobody", &[]),
        ("same:1", &["u-jane"]),
    ]);
    for (image, none, ops, both) in [
        ("by-jane", true, true, true),
        ("by-abby", true, true, false),
        ("by-both", true, true, true),
        ("by-bob", true, false, false),
        ("by-stranger", false, false, false),
        ("by-nobody", false, false, false),
        ("unknown", false, false, false),
        ("same:1", true, true, true),
        ("same:2", false, false, false),
        ("registry.example.com/free:1", true, true, true),
        ("registry.example.com/freedom:1", false, false, false),
    ] {
        for (teams, may) in [
            (&[][..], none),
            (&["shop/ops"], ops),
            (&["shop/ops", "shop/qa"], both),
        ] {
            let settings = settings(raw(teams), &cluster);
            for requester in [admin(), jane()] {
                let outcome = review(
                    &request(Create, requester, with_image(image)),
                    &cluster,
                    &settings,
                );
                assert_eq!(!refused_by_signing(&outcome), may, "{image} with {teams:?}");
            }
        }
    }
    let unsigned = review(
        &request(Create, jane(), with_image("unknown")),
        &cluster,
        &settings(raw(&[]), &cluster),
    );
    assert_eq!(
        denied(unsigned).message,
        "pods \"web\" is forbidden: image did not meet required signing policy: spec.containers[0].image: image unknown is not signed"
    );
    let problems = raw(&["nobody", "shop/none"]).check(&cluster).unwrap_err();
    assert_eq!(problems.0.len(), 2, "teams that there are not are refused");
}

/// ADM-009: every container of every kind counts; running workloads stay, and without the setting nothing is asked.
#[test]
fn every_container_of_every_kind() {
    let cluster = signed(&[("good", &["u-jane"])]);
    let on = settings(raw(&[]), &cluster);
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let mut object = with_image("good");
        object["spec"][list] = json!([{"name": "x", "image": "bad"}]);
        assert!(
            refused_by_signing(&review(&request(Create, jane(), object.clone()), &cluster, &on)),
            "{list}"
        );
        let off = mke_rbac::admission::Settings::default();
        assert!(review(&request(Create, jane(), object.clone()), &cluster, &off).is_allowed());
        let mut labelled = object.clone();
        labelled["metadata"]["labels"] = json!({"a": "b"});
        assert!(review(&update(jane(), object, labelled), &cluster, &on).is_allowed());
    }
    let template = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w", "namespace": "dev"},
        "spec": {"template": {"spec": {"containers": [{"name": "x", "image": "bad"}]}}}});
    assert!(refused_by_signing(&review(
        &request(Create, jane(), template),
        &cluster,
        &on
    )));
    assert!(kinds_with_pods().count() >= 9);
}
