//! Any body for any endpoint of the Engine API: classified or refused, never a panic, never without bound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_rbac::engine::{BodyKind, CallHeaders, ENDPOINTS, classify, normalize, route};

fuzz_target!(|input: (u16, &str, &[u8])| {
    let (choice, query, body) = input;
    let with_body: Vec<_> =
        ENDPOINTS.iter().filter(|endpoint| matches!(endpoint.body, BodyKind::Json { .. })).collect();
    let endpoint = with_body[usize::from(choice) % with_body.len()];
    let path = endpoint.template.replace(['{', '}'], "");
    let Ok(target) = normalize(&format!("{path}?{query}")) else { return };
    let Ok(route) = route(endpoint.method, &target) else { return };
    let _ = classify(&route, &CallHeaders { content_encoding: None }, body, None);
});
