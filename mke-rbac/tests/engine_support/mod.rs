//! A small world for the tests of `mke_rbac::engine`: who there is, and short ways to ask.
//!
//! `rose` holds Restricted Control on `/Shared/dev`, `fred` Full Control there, `ivan` Full Control on `/`, `vera` View
//! Only on `/Shared/dev`, `rita` Restricted Control on `/`, `noah` nothing, `anna` is an administrator. Everybody may
//! schedule on `/Shared`.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::panic,
    reason = "every test binary uses another part; helpers of tests fail by panicking"
)]

pub(crate) mod service;

use mke_rbac::demand::{Facts, Home, ObjectFacts, ObjectKind, ObjectRef};
use mke_rbac::engine::{
    Call, CallError, CallHeaders, Forward, ForwardBody, Forwarding, Owner, classify, normalize, route,
};
use mke_rbac::model::{Collection, Grant, GrantObject, GrantSubject, Model, Organization, User};
use mke_rbac::{Decision, JudgeError, Judgement, Policy, Subject};
use serde_json::{Value, json};

pub(crate) const LABEL: &str = "com.docker.ucp.access.label";
pub(crate) const OWNER: &str = "com.docker.ucp.access.owner";

/// The policy of the world.
pub(crate) fn policy() -> Policy {
    let user = |name: &str, admin| User {
        id: name.into(),
        name: name.to_owned(),
        admin,
        active: true,
        private_collection: (!admin).then(|| format!("private-{name}").as_str().into()),
        default_collection: None,
    };
    let names = ["rose", "fred", "ivan", "vera", "noah", "rita"];
    let mut model = Model::with_builtin_collections();
    model.users = names
        .iter()
        .map(|name| user(name, false))
        .chain([user("anna", true)])
        .collect();
    let child = |id: &str, name: &str, parent: &str| Collection {
        id: id.into(),
        name: name.to_owned(),
        parent: Some(parent.into()),
    };
    model
        .collections
        .extend([child("dev", "dev", "shared"), child("ops", "ops", "shared")]);
    let private = names
        .iter()
        .map(|name| child(&format!("private-{name}"), name, "private"));
    model.collections.extend(private);
    model.organizations = vec![Organization {
        id: "everybody".into(),
        name: "docker-datacenter".to_owned(),
        members: Vec::new(),
    }];
    let grant = |subject, on: &str, role: &str| Grant {
        subject,
        object: GrantObject::Collection(on.into()),
        role: role.into(),
    };
    let to = |name: &str| GrantSubject::User(name.into());
    model.grants = vec![
        grant(to("rose"), "dev", "restrictedcontrol"),
        grant(to("fred"), "dev", "fullcontrol"),
        grant(to("ivan"), "swarm", "fullcontrol"),
        grant(to("vera"), "dev", "viewonly"),
        grant(to("rita"), "swarm", "restrictedcontrol"),
        grant(GrantSubject::Authenticated, "shared", "scheduler"),
    ];
    let policy = Policy::compile(model);
    assert!(policy.warnings().is_empty(), "{:?}", policy.warnings());
    policy
}

pub(crate) fn subject(name: &str) -> Subject {
    Subject::Account(name.into())
}

/// Objects by kind, name, full id and collection.
pub(crate) fn facts(objects: &[(ObjectKind, &str, &str, &str)]) -> Facts {
    let mut facts = Facts::default();
    for (kind, name, id, collection) in objects {
        let mut found = ObjectFacts::at(*id, (*collection).into());
        found.name = (*name).to_owned();
        facts.objects.insert(ObjectRef::new(*kind, *name), found);
    }
    facts
}

/// Facts in which a network of this name is a predefined one.
pub(crate) fn predefined(mut facts: Facts, name: &str) -> Facts {
    let mut found = ObjectFacts::at(format!("{name}-id"), "swarm".into());
    found.predefined_network = Some(name.to_owned());
    facts
        .objects
        .insert(ObjectRef::new(ObjectKind::Network, name), found);
    facts
}

pub(crate) fn read(
    method: &str,
    target: &str,
    body: &str,
    own: Option<&ObjectFacts>,
) -> Result<Call, CallError> {
    let target = normalize(target).expect("a path");
    let route = route(method, &target).expect("a route");
    classify(&route, &CallHeaders::default(), body.as_bytes(), own)
}

/// What a caller gets: `yes`, `no: <message>`, or the error that nobody gets past.
pub(crate) fn verdict(policy: &Policy, name: &str, call: &Call, facts: &Facts) -> String {
    match policy.judge(&subject(name), call.demand(), facts) {
        Ok(Judgement {
            decision: Decision::Allowed(_),
            ..
        }) => "yes".to_owned(),
        Ok(Judgement {
            decision: Decision::Denied(denial),
            ..
        }) => {
            let message = denial.message();
            format!(
                "no: {}",
                message.strip_prefix("access denied: ").unwrap_or(&message)
            )
        }
        Err(JudgeError::NotFound(object)) => format!("error: no such {object}"),
        Err(error) => format!("error: {error}"),
    }
}

/// Judges and writes out.
pub(crate) fn send(policy: &Policy, name: &str, call: &Call, facts: &Facts) -> Forward {
    let judgement = policy
        .judge(&subject(name), call.demand(), facts)
        .expect("judged");
    assert!(judgement.decision.is_allowed(), "{:?}", judgement.decision);
    let with = Forwarding {
        policy,
        owner: Owner {
            name,
            admin: name == "anna",
        },
        orchestrator_label: true,
        service_defaults: mke_rbac::engine::ServiceDefaults::default(),
    };
    call.clone()
        .forward(facts, judgement.placed.as_ref(), &with)
        .expect("forwarded")
}

pub(crate) fn body_of(forward: &Forward) -> Value {
    match &forward.body {
        ForwardBody::Json(bytes) => serde_json::from_slice(bytes).expect("our own JSON"),
        other => panic!("no JSON but {other:?}"),
    }
}

pub(crate) fn home(collection: &str) -> Home {
    Home::Collection(collection.into())
}

/// What a caller gets for a call that reads nothing of its own object. `null` is no body.
pub(crate) fn ask(name: &str, method: &str, target: &str, body: Value, facts: &Facts) -> String {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let call = read(method, target, &body, None).unwrap_or_else(|error| panic!("{method} {target}: {error}"));
    verdict(&policy(), name, &call, facts)
}

/// The body with a label that places it in `/Shared/dev`.
pub(crate) fn labelled(mut body: Value) -> Value {
    body["Labels"] = json!({ LABEL: "/Shared/dev" });
    body
}
