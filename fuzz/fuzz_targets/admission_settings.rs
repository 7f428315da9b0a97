//! Settings of admission: refused with every problem, or settings that stand for something.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use mke_rbac::admission::{Cluster, Objects, RawSettings};
use mke_rbac::model::Model;

fuzz_target!(|text: &str| {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    let cluster = CLUSTER.get_or_init(|| {
        Cluster::new(Objects::defaults(), &Model::default()).expect("what every cluster has")
    });
    let Ok(raw) = serde_json::from_str::<RawSettings>(text) else { return };
    let _ = raw.check(cluster);
});
