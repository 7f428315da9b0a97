//! What creating and updating a service needs.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

mod engine_support;

use engine_support::service::{both, container, create, existing, spec, with};
use engine_support::{LABEL, facts, policy, predefined, read, send, verdict};
use mke_rbac::demand::ObjectKind::{Config, Network, Secret, Volume};
use mke_rbac::engine::{CallError, ForwardError, Forwarding, Owner, ServiceDefaults};
use serde_json::{Value, json};

/// RBAC-006, proxy-24: every check of a container on the template of a service, when it is created and when it changes.
#[test]
fn sec_proxy_24_the_template_is_checked() {
    let mount = |mount: Value| container(json!({ "Mounts": [mount] }));
    let credentials = |spec: Value| container(json!({ "Privileges": { "CredentialSpec": spec } }));
    for (task, missing) in [
        (
            mount(json!({ "Type": "bind", "Source": "/", "Target": "/x" })),
            "Service Create with Host Bind Mounts",
        ),
        (
            mount(json!({ "type": "npipe", "source": "x", "target": "/x" })),
            "Service Create with Host Bind Mounts",
        ),
        (
            mount(
                json!({ "Type": "volume", "Source": "data", "VolumeOptions": { "DriverConfig": { "Options": { "o": "bind" } } } }),
            ),
            "Volume Create/Attach with Local Driver Options",
        ),
        (
            container(json!({ "CapabilityAdd": ["CAP_NET_ADMIN"] })),
            "Container Create with Additional Kernel Capabilities",
        ),
        (
            container(json!({ "Sysctls": { "kernel.core_pattern": "|/x" } })),
            "Container Create with Privileged",
        ),
        (
            container(json!({ "Ulimits": [{ "Name": "rtprio", "Soft": 1, "Hard": 1 }] })),
            "Container Create with Privileged",
        ),
        (
            container(json!({ "Privileges": { "SELinuxContext": { "Disable": true } } })),
            "Container Create with Privileged",
        ),
        (
            container(json!({ "Privileges": { "Seccomp": { "Mode": "unconfined" } } })),
            "Container Create with Privileged",
        ),
        (
            container(json!({ "Privileges": { "NoNewPrivileges": true } })),
            "Container Create with Privileged",
        ),
        (
            credentials(json!({ "File": "x.json" })),
            "Service Create with Credential Spec",
        ),
        (
            credentials(json!({ "Registry": "x" })),
            "Service Create with Credential Spec",
        ),
        (
            json!({ "LogDriver": { "Name": "syslog" } }),
            "Container Create with Privileged",
        ),
    ] {
        let nothing = facts(&[]);
        assert_eq!(
            both("rose", task.clone(), &nothing),
            format!("no: no access to {missing}"),
            "{task}"
        );
        assert_eq!(both("fred", task.clone(), &nothing), "yes", "{task}");
        assert_eq!(
            both("vera", task.clone(), &nothing),
            "no: no access to Service Create",
            "{task}"
        );
    }
    for task in [
        json!({ "Runtime": "plugin", "PluginSpec": { "Name": "x" } }),
        json!({ "PluginSpec": { "Name": "x" } }),
        json!({ "Runtime": "attachment" }),
        json!({ "NetworkAttachmentSpec": { "ContainerID": "x" } }),
    ] {
        assert!(
            both("ivan", task.clone(), &facts(&[])).starts_with("no: administrators only"),
            "{task}"
        );
        assert_eq!(both("anna", task, &facts(&[])), "yes");
    }
    let fine = json!({
        "ContainerSpec": { "Image": "x", "Env": ["A=b"], "ReadOnly": true, "CapabilityDrop": ["ALL"], "Mounts": [{ "Type": "tmpfs", "Target": "/t" }] },
        "Resources": { "Limits": { "MemoryBytes": 1 } }, "Placement": { "Constraints": ["node.role==worker"] }, "ForceUpdate": 2,
    });
    assert_eq!(both("rose", fine, &facts(&[])), "yes");
}

/// RBAC-024 (as decided in docs/decisions/0012), RBAC-035, proxy-27, R30: secrets, configs, networks and volumes need the right to use each of them.
#[test]
fn sec_proxy_27_references() {
    let facts = facts(&[
        (Secret, "s-dev", "s1", "dev"),
        (Secret, "s-ops", "s2", "ops"),
        (Secret, "s2", "s2", "ops"),
        (Config, "c-ops", "c2", "ops"),
        (Network, "n-dev", "n1", "dev"),
        (Network, "n-ops", "n2", "ops"),
        (Volume, "v-ops", "v-ops", "ops"),
    ]);
    let facts = predefined(predefined(facts, "host"), "ingress");
    for (task, answer) in [
        (
            container(json!({ "Secrets": [{ "SecretName": "s-dev" }] })),
            "yes",
        ),
        (
            container(json!({ "Secrets": [{ "SecretName": "s-ops" }] })),
            "no: no access to Secret Use",
        ),
        // The Engine goes by the id.
        (
            container(json!({ "Secrets": [{ "SecretID": "s2", "SecretName": "s-dev" }] })),
            "no: no access to Secret Use",
        ),
        (
            container(json!({ "Configs": [{ "ConfigID": "c-ops" }] })),
            "no: no access to Config Use",
        ),
        (
            container(json!({ "Secrets": [{ "SecretName": "gone" }] })),
            "error: no such secret `gone`",
        ),
        (
            container(json!({ "Mounts": [{ "Type": "volume", "Source": "v-ops", "Target": "/x" }] })),
            "no: no access to Volume Create/Attach",
        ),
        (json!({ "Networks": [{ "Target": "n-dev" }] }), "yes"),
        (
            json!({ "Networks": [{ "Target": "n-dev" }, { "Target": "n-ops" }] }),
            "no: no access to Network Connect",
        ),
        (json!({ "Networks": [{ "Target": "ingress" }] }), "yes"),
        (
            json!({ "Networks": [{ "Target": "host" }] }),
            "no: no access to Service Create with Host Networking Mode",
        ),
    ] {
        assert_eq!(both("rose", task.clone(), &facts), answer, "{task}");
    }
    let mut old = spec("/Shared/dev", json!({}));
    old["Networks"] = json!([{ "Target": "n-ops" }]);
    assert_eq!(
        verdict(&policy(), "rose", &create(&old), &facts),
        "no: no access to Network Connect"
    );
    for broken in [
        container(json!({ "Secrets": [{}] })),
        json!({ "Networks": [{ "Target": "" }] }),
    ] {
        let body = spec("/Shared/dev", broken).to_string();
        assert!(read("POST", "/services/create", &body, None).is_err());
    }
}

/// proxy-27: templated secrets and configs, and those of drivers, are refused for restricted roles.
#[test]
fn sec_proxy_27_templates_and_drivers() {
    for (path, body) in [
        (
            "/secrets/create",
            json!({ "Name": "s", "Templating": { "Name": "golang" } }),
        ),
        (
            "/configs/create",
            json!({ "Name": "c", "Templating": { "Name": "golang" } }),
        ),
        (
            "/secrets/create",
            json!({ "Name": "s", "Driver": { "Name": "vault" } }),
        ),
    ] {
        let mut body = body;
        body["Labels"] = json!({ LABEL: "/Shared/dev" });
        let call = read("POST", path, &body.to_string(), None).unwrap();
        assert_eq!(
            verdict(&policy(), "rose", &call, &facts(&[])),
            "no: no access to Container Create with Privileged"
        );
        assert_eq!(verdict(&policy(), "fred", &call, &facts(&[])), "yes");
    }
}

/// proxy-25: the Engine's socket and the control plane's own volumes.
#[test]
fn sec_proxy_25_socket_and_own_volumes() {
    let facts = facts(&[(Volume, "ucp-auth-store", "ucp-auth-store", "system")]);
    let mount = |kind: &str, source: &str| {
        container(json!({ "Mounts": [{ "Type": kind, "Source": source, "Target": "/x" }] }))
    };
    assert_eq!(
        both("rose", mount("bind", "/var/run/docker.sock"), &facts),
        "no: no access to Service Create with Host Bind Mounts"
    );
    assert_eq!(
        both("fred", mount("volume", "ucp-auth-store"), &facts),
        "no: no access to Volume Create/Attach"
    );
}

/// R34: a rollback is judged by the spec that it restores, whatever the body says.
#[test]
fn rollback() {
    let policy = policy();
    let previous = spec(
        "/Shared/dev",
        container(json!({ "Mounts": [{ "Type": "bind", "Source": "/", "Target": "/x" }] })),
    );
    let own = existing("dev", json!({}), Some(previous));
    let call = |query: &str, own| {
        read(
            "POST",
            &format!("/services/web/update?version=7&{query}"),
            "{}",
            Some(own),
        )
    };
    let back = call("rollback=previous", &own).unwrap();
    let facts = with(facts(&[]), &own);
    assert_eq!(
        verdict(&policy, "rose", &back, &facts),
        "no: no access to Service Update with Host Bind Mounts"
    );
    assert_eq!(verdict(&policy, "fred", &back, &facts), "yes");
    let judged = policy
        .judge(&engine_support::subject("fred"), back.demand(), &facts)
        .unwrap();
    let with_owner = Forwarding {
        policy: &policy,
        owner: Owner {
            name: "fred",
            admin: false,
        },
        orchestrator_label: true,
        service_defaults: ServiceDefaults::default(),
    };
    let wider = back.forward(&facts, judged.placed.as_ref(), &with_owner);
    assert_eq!(wider, Err(ForwardError::OutsideSchedule), "it would run anywhere");
    let mut previous = own.previous_spec.clone().unwrap();
    previous["TaskTemplate"]["Placement"] =
        json!({ "Constraints": ["node.labels.com.docker.ucp.collection.shared==true"] });
    let own = existing("dev", json!({}), Some(previous));
    let back = call("rollback=previous", &own).unwrap();
    let facts = with(facts, &own);
    let forward = send(&policy, "fred", &back, &facts);
    assert_eq!(
        forward.path_and_query,
        "/v1.41/services/svc1/update?version=7&rollback=previous"
    );
    let bare = existing(
        "dev",
        json!({}),
        Some(json!({ "Name": "web", "TaskTemplate": {} })),
    );
    let back = call("rollback=previous", &bare).unwrap();
    assert_eq!(
        verdict(&policy, "fred", &back, &with(facts.clone(), &bare)),
        "no: no access to Service Create",
        "a spec without labels would put the service into the root collection"
    );
    assert!(call("rollback=PREVIOUS", &own).is_err());
    assert!(call("rollback=previous&rollback=", &own).is_err());
    let none = existing("dev", json!({}), None);
    assert!(matches!(
        call("rollback=previous", &none),
        Err(CallError::NoPreviousSpec(_))
    ));
    assert!(matches!(
        read("POST", "/services/web/update", "{}", None),
        Err(CallError::NotFound(_))
    ));
}
