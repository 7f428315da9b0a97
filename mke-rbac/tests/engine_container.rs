//! What creating and updating a container needs.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

mod engine_support;

use engine_support::{LABEL, body_of, facts, policy, read, send, verdict};
use mke_rbac::demand::{
    Facts,
    ObjectKind::{Container, Volume},
};
use mke_rbac::engine::Call;
use serde_json::{Value, json};

fn create(host: Value) -> Call {
    let body = json!({ "Image": "x", "Labels": { LABEL: "/Shared/dev" }, "HostConfig": host });
    read("POST", "/containers/create?name=web", &body.to_string(), None)
        .unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn ask(name: &str, host: Value, facts: &Facts) -> String {
    verdict(&policy(), name, &create(host), facts)
}

fn missing(modifier: &str) -> String {
    format!("no: no access to Container Create with {modifier}")
}

/// The setting is denied to Restricted Control for lack of a modifier, and allowed to Full Control.
fn denied(host: Value, modifier: &str) {
    assert_eq!(
        ask("rose", host.clone(), &facts(&[])),
        missing(modifier),
        "{host}"
    );
    assert_eq!(ask("fred", host.clone(), &facts(&[])), "yes", "{host}");
    assert_eq!(
        ask("noah", host.clone(), &facts(&[])),
        "no: no access to Container Create",
        "{host}"
    );
    assert_eq!(ask("anna", host.clone(), &facts(&[])), "yes", "{host}");
}

fn allowed(host: Value) {
    assert_eq!(ask("rose", host.clone(), &facts(&[])), "yes", "{host}");
    assert_eq!(
        ask("vera", host.clone(), &facts(&[])),
        "no: no access to Container Create",
        "{host}"
    );
}

/// Everyday settings need nothing but Container Create.
#[test]
fn everyday_settings() {
    for host in [
        json!({}),
        json!(null),
        json!({ "Memory": 1 << 30, "NanoCpus": 2, "RestartPolicy": { "Name": "always" }, "AutoRemove": true }),
        json!({ "Privileged": false, "CapAdd": [], "CapDrop": ["ALL"], "SecurityOpt": ["no-new-privileges"] }),
        json!({ "MaskedPaths": null, "ReadonlyPaths": null, "Runtime": "runc", "ShmSize": 64 << 20 }),
        json!({ "PortBindings": { "80/tcp": [{ "HostPort": "8080" }] }, "LogConfig": { "Type": "json-file", "Config": { "max-size": "1m" } } }),
        json!({ "Sysctls": { "net.ipv4.ip_forward": "1" }, "Tmpfs": { "/t": "rw,size=1m,noexec,nosuid,nodev,mode=1777,uid=1,gid=1,nr_inodes=9", "/u": "" }, "IpcMode": "private" }),
        json!({ "Ulimits": [{ "Name": "nofile", "Soft": 1, "Hard": 2 }], "Init": true, "OomScoreAdj": 500 }),
    ] {
        allowed(host);
    }
}

/// RBAC-006, proxy-11: privileged mode, capabilities and everything that loosens confinement.
#[test]
fn sec_proxy_11_confinement() {
    denied(json!({ "Privileged": true }), "Privileged");
    for capabilities in [
        json!(["NET_ADMIN"]),
        json!(["CAP_SYS_ADMIN"]),
        json!(["ALL"]),
        json!("ALL"),
        json!(["chown"]),
    ] {
        denied(
            json!({ "CapAdd": capabilities }),
            "Additional Kernel Capabilities",
        );
    }
    for option in [
        "seccomp=unconfined",
        "seccomp:unconfined",
        "apparmor=unconfined",
        "apparmor:unconfined",
        "label=disable",
        "label:disable",
        "systempaths=unconfined",
        "no-new-privileges=false",
        "no-new-privileges:false",
        "seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}",
        "SECCOMP=UNCONFINED",
        " seccomp=unconfined",
        "",
        "credentialspec=file://x.json",
    ] {
        denied(json!({ "SecurityOpt": [option] }), "Privileged");
        denied(
            json!({ "SecurityOpt": ["no-new-privileges", option] }),
            "Privileged",
        );
    }
    denied(json!({ "MaskedPaths": [] }), "Privileged");
    denied(json!({ "ReadonlyPaths": [] }), "Privileged");
}

/// RBAC-006, proxy-12: namespaces of the node and of other containers.
#[test]
fn sec_proxy_12_namespaces() {
    denied(json!({ "PidMode": "host" }), "PID Mode");
    denied(json!({ "IpcMode": "host" }), "IPC Mode");
    denied(json!({ "UsernsMode": "host" }), "User Namespace Mode");
    denied(json!({ "UTSMode": "host" }), "Privileged");
    denied(json!({ "CgroupnsMode": "host" }), "Privileged");
    denied(json!({ "NetworkMode": "host" }), "Host Networking Mode");
    let facts = facts(&[
        (Container, "mine", "aa01", "dev"),
        (Container, "other", "bb02", "ops"),
    ]);
    for (field, modifier) in [("PidMode", "PID Mode"), ("IpcMode", "IPC Mode")] {
        assert_eq!(
            ask("rose", json!({ field: "container:mine" }), &facts),
            missing(modifier)
        );
        assert_eq!(ask("fred", json!({ field: "container:mine" }), &facts), "yes");
        assert_eq!(
            ask("fred", json!({ field: "container:other" }), &facts),
            "no: no access to Container Connect"
        );
    }
    let network = |name: &str| json!({ "NetworkMode": format!("container:{name}") });
    assert_eq!(ask("rose", network("mine"), &facts), "yes");
    assert_eq!(
        ask("rose", network("other"), &facts),
        "no: no access to Container Connect"
    );
    assert_eq!(
        ask("rose", network("gone"), &facts),
        "error: no such container `gone`"
    );
}

/// RBAC-006, proxy-13: directories of the node, in every spelling.
#[test]
fn sec_proxy_13_host_directories() {
    for bind in [
        "/:/host",
        "/var/run/docker.sock:/s",
        "/etc:/etc:ro",
        "~:/home",
        "./data:/data",
        "../data:/data",
        ".:/data",
        "data/x:/data",
        "C:\\Users:C:\\x",
        "c:/users:/x",
        "\\\\.\\pipe\\docker_engine:\\\\.\\pipe\\docker_engine",
        "npipe:////./pipe/docker:/x:/y:/z/",
        ":/x",
        "",
        "name",
        "/var/lib:/x:shared",
        " /etc:/x",
        "a:/x",
    ] {
        let named = bind.starts_with("npipe:");
        if !named {
            denied(json!({ "Binds": [bind] }), "Host Bind Mounts");
            denied(json!({ "Binds": ["data:/data", bind] }), "Host Bind Mounts");
        }
    }
    for mount in [
        json!({ "Type": "bind", "Source": "/", "Target": "/host" }),
        json!({ "Type": "bind", "Source": "/", "Target": "/host", "BindOptions": { "Propagation": "rshared" } }),
        json!({ "Type": "npipe", "Source": "\\\\.\\pipe\\docker_engine", "Target": "x" }),
        json!({ "type": "bind", "source": "/", "target": "/host" }),
        json!({ "Type": "volume", "Source": "/etc", "Target": "/x" }),
    ] {
        denied(json!({ "Mounts": [mount] }), "Host Bind Mounts");
    }
    assert!(
        ask(
            "rose",
            json!({ "Mounts": [{ "Type": "Bind", "Source": "/", "Target": "/x" }] }),
            &facts(&[])
        )
        .starts_with("no")
    );
    for host in [
        json!({ "Binds": ["data:/data", "data:/other:ro", "/anonymous"] }),
        json!({ "Mounts": [{ "Type": "tmpfs", "Target": "/t" }, { "Type": "volume", "Target": "/v" }] }),
    ] {
        allowed(host);
    }
    let body = json!({ "Image": "x", "Labels": { LABEL: "/Shared/dev" }, "Volumes": { "/data": {} } });
    let call = read("POST", "/containers/create", &body.to_string(), None).unwrap();
    assert_eq!(verdict(&policy(), "rose", &call, &facts(&[])), "yes");
}

/// proxy-14: volumes that are directories of the node in disguise, and volumes of others.
#[test]
fn sec_proxy_14_volumes() {
    let mount = |source: &str, driver: Value| json!({ "Mounts": [{ "Type": "volume", "Source": source, "Target": "/v", "VolumeOptions": { "DriverConfig": driver } }] });
    let options = json!({ "type": "none", "o": "bind", "device": "/" });
    let denial = "no: no access to Volume Create/Attach with Local Driver Options";
    for driver in [
        json!({ "Options": options }),
        json!({ "Name": "local", "Options": options }),
        json!({ "name": "local", "options": { "type": "nfs" } }),
    ] {
        for source in ["", "data"] {
            assert_eq!(ask("rose", mount(source, driver.clone()), &facts(&[])), denial);
            assert_eq!(ask("fred", mount(source, driver.clone()), &facts(&[])), "yes");
        }
    }
    assert_eq!(
        ask(
            "rose",
            mount("data", json!({ "Name": "rexray", "Options": { "size": "1" } })),
            &facts(&[])
        ),
        "yes"
    );
    let facts = facts(&[
        (Volume, "theirs", "theirs", "ops"),
        (Volume, "root", "root", "swarm"),
        (Volume, "ours", "ours", "dev"),
    ]);
    for (name, verdict) in [
        ("ours", "yes"),
        ("theirs", "no: no access to Volume Create/Attach"),
        ("root", "no: no access to Volume Create/Attach"),
    ] {
        assert_eq!(
            ask("rose", json!({ "Binds": [format!("{name}:/x")] }), &facts),
            verdict
        );
        assert_eq!(ask("fred", mount(name, json!(null)), &facts), verdict);
    }
}

/// proxy-15: other settings that reach the node, denied or bounded.
#[test]
fn sec_proxy_15_settings_that_reach_the_node() {
    for host in [
        json!({ "Devices": [{ "PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda", "CgroupPermissions": "r" }] }),
        json!({ "DeviceCgroupRules": ["a *:* rwm"] }),
        json!({ "DeviceRequests": [{ "Driver": "nvidia", "Count": -1 }] }),
        json!({ "CgroupParent": "/" }),
        json!({ "Cgroup": "container:x" }),
        json!({ "Sysctls": { "kernel.core_pattern": "|/x" } }),
        json!({ "Sysctls": { "vm.overcommit_memory": "1", "net.core.somaxconn": "1" } }),
        json!({ "OomScoreAdj": -1 }),
        json!({ "OomKillDisable": true }),
        json!({ "Ulimits": [{ "Name": "rtprio", "Soft": 99, "Hard": 99 }] }),
        json!({ "CpuRealtimeRuntime": 950000 }),
        json!({ "Runtime": "runsc-unsafe" }),
        json!({ "StorageOpt": { "dm.basesize": "1" } }),
        json!({ "ShmSize": (4i64 << 30) + 1 }),
        json!({ "Tmpfs": { "/t": "exec" } }),
        json!({ "Tmpfs": { "/t": "rw,suid" } }),
        json!({ "Tmpfs": { "/t": "size=1m, dev" } }),
        json!({ "Tmpfs": { "/t": "mpol=bind:0" } }),
        json!({ "Tmpfs": { "/t": "rw,shared" } }),
        json!({ "LogConfig": { "Type": "syslog", "Config": { "syslog-address": "unixgram:///dev/log" } } }),
        json!({ "LogConfig": { "Type": "json-file", "Config": { "log-path": "/etc/cron.d/x" } } }),
        json!({ "LogConfig": { "Type": "some/plugin" } }),
        json!({ "Isolation": "process" }),
    ] {
        denied(host.clone(), "Privileged");
        assert!(!create(host.clone()).reasons().is_empty(), "{host}");
    }
    allowed(
        json!({ "ShmSize": 4i64 << 30, "OomKillDisable": true, "Memory": 1 << 30, "StorageOpt": { "size": "1G" } }),
    );
}

/// proxy-16: volumes, links and networks of other containers.
#[test]
fn sec_proxy_16_other_containers() {
    let mut facts = facts(&[
        (Container, "mine", "aa01", "dev"),
        (Container, "other", "bb02", "ops"),
        (Container, "binds", "cc03", "dev"),
    ]);
    for (name, found) in &mut facts.objects {
        found.volumes = vec![found.home.clone()];
        found.host_mounts = name.name == "binds";
    }
    for (from, verdict) in [
        ("mine", "yes"),
        ("mine:ro", "yes"),
        ("other", "no: no access to Volume Create/Attach"),
        ("other:rw", "no: no access to Volume Create/Attach"),
        ("binds", "no: no access to Container Create with Host Bind Mounts"),
    ] {
        assert_eq!(
            ask("rose", json!({ "VolumesFrom": [from] }), &facts),
            verdict,
            "{from}"
        );
    }
    assert_eq!(ask("rose", json!({ "Links": ["mine:db"] }), &facts), "yes");
    assert_eq!(
        ask(
            "rose",
            json!({ "Links": ["mine:db", "/other:/web/cache"] }),
            &facts
        ),
        "no: no access to Container Connect"
    );
    for link in ["", ":x", "mine:", "mine:a:b"] {
        let body = json!({ "HostConfig": { "Links": [link] } }).to_string();
        assert!(read("POST", "/containers/create", &body, None).is_err(), "{link}");
    }
}

/// proxy-17: an update is checked like a creation; fields of `HostConfig` beside `HostConfig` are no second way.
#[test]
fn sec_proxy_17_second_ways() {
    let facts = facts(&[(Container, "web", "aa01", "dev")]);
    let update = |body: Value| read("POST", "/containers/web/update", &body.to_string(), None).unwrap();
    assert_eq!(
        verdict(&policy(), "rose", &update(json!({ "Memory": 1 << 30 })), &facts),
        "yes"
    );
    for body in [
        json!({ "Devices": [{ "PathOnHost": "/dev/sda" }] }),
        json!({ "CgroupParent": "/" }),
        json!({ "Privileged": true }),
    ] {
        assert_eq!(
            verdict(&policy(), "rose", &update(body.clone()), &facts),
            missing("Privileged"),
            "{body}"
        );
        assert_eq!(verdict(&policy(), "fred", &update(body), &facts), "yes");
    }
    for outer in [
        "Privileged",
        "privileged",
        "Binds",
        "PidMode",
        "CapAdd",
        "Memory",
        "Cpuset",
        "VolumeDriver",
    ] {
        let body = json!({ "Image": "x", outer: true }).to_string();
        let read = read("POST", "/containers/create", &body, None);
        assert!(read.is_err(), "{outer}");
    }
    let forward = send(
        &policy(),
        "anna",
        &read("POST", "/containers/create", r#"{"Image":"x"}"#, None).unwrap(),
        &facts,
    );
    assert_eq!(
        body_of(&forward)["HostConfig"],
        json!({}),
        "always there, so that nothing beside it is read"
    );
}
