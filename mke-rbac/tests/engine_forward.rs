//! What was checked is what is sent (G-01), and nothing makes the readers panic (G-07).

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

mod engine_support;

use engine_support::{body_of, facts, policy, read, send};
use mke_rbac::demand::{
    Facts, ObjectFacts,
    ObjectKind::{Container, Network, Secret, Volume},
};
use mke_rbac::engine::{
    CallHeaders, ENDPOINTS, ForwardBody, ForwardError, Forwarding, Owner, classify, normalize, route,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn world() -> Facts {
    facts(&[
        (Network, "net", "net-id", "dev"),
        (Network, "net-id", "net-id", "dev"),
        (Container, "web", "web-id", "dev"),
        (Container, "web-id", "web-id", "dev"),
        (Secret, "sec", "sec-id", "dev"),
        (Secret, "sec-id", "sec-id", "dev"),
        (Volume, "old", "old", "dev"),
    ])
}

/// One setting of a container, as the caller may spell it.
fn setting() -> impl Strategy<Value = (String, Value)> {
    let spelled = |name: &'static str, values: Vec<Value>| {
        (
            prop::sample::select(vec![name.to_owned(), name.to_lowercase(), name.to_uppercase()]),
            prop::sample::select(values),
        )
    };
    prop_oneof![
        spelled("Privileged", vec![json!(true), json!(false), json!(null)]),
        spelled("CapAdd", vec![json!(["ALL"]), json!([]), json!(null)]),
        spelled(
            "Binds",
            vec![
                json!(["/:/x"]),
                json!(["new:/x:ro", "old:/y"]),
                json!(["new:/x:nocopy,z"]),
                json!(["new:/x:odd"])
            ]
        ),
        spelled(
            "Mounts",
            vec![
                json!([{ "type": "volume", "SOURCE": "data", "Target": "/d" }]),
                json!([{ "Type": "bind", "Source": "/", "Target": "/x" }])
            ]
        ),
        spelled(
            "NetworkMode",
            vec![
                json!("net"),
                json!("host"),
                json!("container:web"),
                json!("none"),
                json!("")
            ]
        ),
        spelled("PidMode", vec![json!("host"), json!("container:web"), json!("")]),
        spelled("Links", vec![json!(["web:db"]), json!([])]),
        spelled("VolumesFrom", vec![json!(["web:ro"]), json!(["web"])]),
        spelled(
            "SecurityOpt",
            vec![json!(["seccomp=unconfined"]), json!(["no-new-privileges"])]
        ),
        spelled("Annotations", vec![json!({ "a": "b" }), json!(null)]),
    ]
}

proptest! {
    /// G-01, proxy-06: reading what is sent asks for the same as reading what came.
    #[test]
    fn what_was_checked_is_what_is_sent(settings in prop::collection::btree_map(any::<u8>(), setting(), 0..6)) {
        let mut host = serde_json::Map::new();
        for (name, value) in settings.into_values() {
            if !host.keys().any(|key: &String| key.eq_ignore_ascii_case(&name)) {
                host.insert(name, value);
            }
        }
        let body = json!({ "image": "x", "labels": { "com.docker.ucp.access.label": "/Shared/dev" }, "hostConfig": host });
        let facts = world();
        let first = read("POST", "/containers/create?name=a", &body.to_string(), None).expect("readable");
        let forward = send(&policy(), "anna", &first, &facts);
        let second = read("POST", &forward.path_and_query, &body_of(&forward).to_string(), None).expect("our own spelling");
        let first = first.demand();
        let second = second.demand();
        prop_assert_eq!(first.access, second.access);
        prop_assert_eq!(&first.placement, &second.placement);
        // Names have become ids; the checks are the same ones.
        let policy = policy();
        for name in ["rose", "fred", "vera", "ivan", "noah"] {
            let judge = |demand| format!("{:?}", policy.judge(&engine_support::subject(name), demand, &facts).map(|judgement| judgement.decision));
            prop_assert_eq!(judge(first), judge(second));
        }
        prop_assert_eq!(first.admin_only, second.admin_only);
    }

    /// G-07: bodies of any bytes, for every endpoint, are read or refused.
    #[test]
    fn any_body(bytes in prop::collection::vec(any::<u8>(), 0..64), position in any::<prop::sample::Index>(), json_like in "[\\[\\]{}\":,a-cL0-9.eE ]{0,40}") {
        let endpoint = position.get(ENDPOINTS);
        let path = endpoint.template.replace("{id}", "x").replace("{name}", "x");
        let Ok(route) = route(endpoint.method, &normalize(&path).expect("a path")) else { return Ok(()) };
        let own = ObjectFacts::at("x", "dev".into());
        for body in [bytes.as_slice(), json_like.as_bytes()] {
            let _ = classify(&route, &CallHeaders::default(), body, Some(&own));
        }
    }

    /// G-07: structures of the right names with values of any kind.
    #[test]
    fn any_structure(name in "(Labels|HostConfig|TaskTemplate|Networks|NetworkingConfig|Container|Driver|Mounts|Role)", inner in "(Binds|Mounts|ContainerSpec|Links|EndpointsConfig|Labels|Placement)", value in prop_oneof![Just(json!(null)), Just(json!(1)), Just(json!("x")), Just(json!([])), Just(json!([null])), Just(json!({})), Just(json!([{ "Type": "volume" }]))], position in any::<prop::sample::Index>()) {
        let endpoint = position.get(ENDPOINTS);
        let path = endpoint.template.replace("{id}", "x").replace("{name}", "x");
        let Ok(route) = route(endpoint.method, &normalize(&path).expect("a path")) else { return Ok(()) };
        let own = ObjectFacts::at("x", "dev".into());
        let body = json!({ name: { inner: value } }).to_string();
        if let Ok(call) = classify(&route, &CallHeaders::default(), body.as_bytes(), Some(&own)) {
            let mut facts = Facts::default();
            for object in call.demand().objects() {
                facts.objects.insert(object.clone(), own.clone());
            }
            let policy = policy();
            let with = Forwarding { policy: &policy, owner: Owner { name: "anna", admin: true }, orchestrator_label: true, service_defaults: mke_rbac::engine::ServiceDefaults::default() };
            let placed = policy.judge(&engine_support::subject("anna"), call.demand(), &facts).ok().and_then(|judgement| judgement.placed);
            let _ = call.forward(&facts, placed.as_ref(), &with);
        }
    }
}

/// R30: a volume that a bind brings into being gets the labels of its container; one that exists stays as it is.
#[test]
fn new_volumes_are_labelled() {
    let body = json!({
        "Labels": { "com.docker.ucp.access.label": "/Shared/dev" },
        "HostConfig": { "VolumeDriver": "local", "Binds": ["new:/x:ro,nocopy", "old:/y", "/anonymous"], "Mounts": [{ "Type": "volume", "Source": "more", "Target": "/z" }] },
    });
    let sent = body_of(&send(
        &policy(),
        "rose",
        &read("POST", "/containers/create", &body.to_string(), None).unwrap(),
        &world(),
    ));
    let host = &sent["HostConfig"];
    assert_eq!(host["Binds"], json!(["old:/y", "/anonymous"]));
    let mounts = host["Mounts"].as_array().unwrap();
    assert_eq!(mounts.len(), 2);
    for mount in mounts {
        assert_eq!(
            mount["VolumeOptions"]["Labels"]["com.docker.ucp.collection"],
            "dev"
        );
        assert_eq!(
            mount["VolumeOptions"]["Labels"]["com.docker.ucp.access.owner"],
            "rose"
        );
    }
    let new = mounts.iter().find(|mount| mount["Source"] == "new").unwrap();
    assert_eq!((&new["Target"], &new["ReadOnly"]), (&json!("/x"), &json!(true)));
    assert_eq!(new["VolumeOptions"]["NoCopy"], true);
    assert_eq!(new["VolumeOptions"]["DriverConfig"], json!({ "Name": "local" }));
}

/// G-03: facts and judgements of another request are refused, not made up for.
#[test]
fn forwarding_needs_its_own_facts() {
    let policy = policy();
    let with = Forwarding {
        policy: &policy,
        owner: Owner {
            name: "anna",
            admin: true,
        },
        orchestrator_label: false,
        service_defaults: mke_rbac::engine::ServiceDefaults::default(),
    };
    let start = read("POST", "/containers/web/start", "", None).unwrap();
    assert!(matches!(
        start.forward(&Facts::default(), None, &with),
        Err(ForwardError::NotLookedUp(_))
    ));
    let create = read("POST", "/volumes/create", "{}", None).unwrap();
    assert_eq!(
        create.forward(&Facts::default(), None, &with),
        Err(ForwardError::NotPlaced)
    );
    let twice = json!({ "HostConfig": { "NetworkMode": "none" }, "NetworkingConfig": { "EndpointsConfig": { "net": {}, "net-id": {} } } });
    let twice = read("POST", "/containers/create", &twice.to_string(), None).unwrap();
    let placed = policy
        .judge(&engine_support::subject("anna"), twice.demand(), &world())
        .unwrap()
        .placed;
    assert!(matches!(
        twice.forward(&world(), placed.as_ref(), &with),
        Err(ForwardError::NamedTwice(..))
    ));
}

/// proxy-33, proxy-27: registry credentials go only where a registry is named, and `Debug` shows no content.
#[test]
fn sec_proxy_33_credentials() {
    for endpoint in ENDPOINTS {
        let carries = endpoint
            .headers
            .iter()
            .any(|header| header.starts_with("x-registry"));
        let registry = [
            "/images/create",
            "/images/{name}/push",
            "/images/search",
            "/build",
            "/services/create",
            "/services/{id}/update",
            "/distribution/{name}/json",
        ];
        assert_eq!(
            carries,
            registry.contains(&endpoint.template),
            "{}",
            endpoint.template
        );
        for header in endpoint.headers {
            assert_eq!(*header, header.to_lowercase());
            assert!(
                ![
                    "authorization",
                    "cookie",
                    "content-type",
                    "transfer-encoding",
                    "x-http-method-override"
                ]
                .contains(header)
            );
        }
    }
    let call = read(
        "POST",
        "/secrets/create",
        r#"{"Name":"n","Data":"aHVudGVyMg=="}"#,
        None,
    )
    .unwrap();
    assert!(!format!("{call:?}").contains("aHVudGVyMg"));
    let forward = send(&policy(), "rose", &call, &Facts::default());
    assert!(!format!("{forward:?}").contains("aHVudGVyMg"));
    assert_eq!(body_of(&forward)["Data"], "aHVudGVyMg==");
}

/// proxy-05: archives are sent as archives whatever the caller calls them, so that no form fields are read from them.
#[test]
fn streams_have_our_content_type() {
    let call = read("PUT", "/containers/web/archive?path=/", "", None).unwrap();
    let sent = send(&policy(), "rose", &call, &world());
    assert_eq!(
        sent.body,
        ForwardBody::Stream {
            content_type: "application/x-tar"
        }
    );
}
