//! Kubernetes objects as manifests and as requests: every one gets an outcome, and the patch leads to what is stored.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use mke_rbac::admission::{
    AdmissionOperation, AdmissionRequest, Cluster, Objects, Outcome, Requester, Settings, review,
};
use mke_rbac::model::Model;
use serde_json::Value;

fuzz_target!(|text: &str| {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let cluster = CLUSTER.get_or_init(|| {
        Cluster::new(Objects::defaults(), &Model::default()).expect("what every cluster has")
    });
    let mut objects = Objects::empty();
    if objects.read(text).is_ok() {
        let _ = Cluster::new(objects, &Model::default());
    }
    let Ok(object) = serde_json::from_str::<Value>(text) else { return };
    for operation in [AdmissionOperation::Create, AdmissionOperation::Update, AdmissionOperation::Delete] {
        let requester = Requester::new("somebody", []);
        let Ok(request) = AdmissionRequest::of(operation, requester, object.clone(), "default") else { return };
        let outcome = review(&request, cluster, &Settings::default());
        if let (Outcome::Allowed(admitted), Some(before)) = (outcome, request.object) {
            let mut patched = before;
            json_patch::patch(&mut patched, &admitted.patch).expect("our own patch applies");
            assert_eq!(Some(patched), admitted.object);
        }
    }
});
