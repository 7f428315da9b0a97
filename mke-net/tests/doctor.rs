//! Rules of the DISA guide: each holds, fails, does not apply or cannot be told, as the machine's files say.

#![cfg(test)]

use mke_net::doctor::{Answer, FileRights, StigFacts, items};
use serde_json::json;

fn rights(user: u32, group: u32, mode: u32) -> FileRights {
    FileRights { user, group, mode }
}

/// Every rule, once as the guide wants it and once not.
#[test]
fn every_rule_both_ways() {
    let good = StigFacts {
        daemon: json!({
            "hosts": ["fd://"], "log-opts": { "max-size": "10m", "max-file": "3" }, "userland-proxy": false,
            "tlscacert": "/etc/docker/ca.pem", "tlscert": "/etc/docker/cert.pem", "tlskey": "/etc/docker/key.pem",
        }),
        files: [
            ("/usr/lib/systemd/system/docker.service", rights(0, 0, 0o644)),
            ("/usr/lib/systemd/system/docker.socket", rights(0, 0, 0o644)),
            ("/etc/docker", rights(0, 0, 0o755)),
            ("/var/run/docker.sock", rights(0, 998, 0o660)),
            ("/etc/docker/daemon.json", rights(0, 0, 0o600)),
            ("/etc/default/docker", rights(0, 0, 0o644)),
            ("/etc/docker/ca.pem", rights(0, 0, 0o444)),
            ("/etc/docker/cert.pem", rights(0, 0, 0o444)),
            ("/etc/docker/key.pem", rights(0, 0, 0o400)),
        ]
        .into_iter()
        .map(|(path, rights)| (path.to_owned(), rights))
        .collect(),
        docker_group: Some(998),
        fips: Some(true),
        audited: Some(
            ["/usr/bin/docker", "/var/lib/docker/", "/etc/docker"]
                .map(str::to_owned)
                .to_vec(),
        ),
    };
    let all = items(&good);
    assert_eq!(all.len(), 20);
    assert!(all.iter().all(|item| item.answer == Answer::Pass), "{all:#?}");
    assert!(
        all.windows(2).all(|pair| pair[0].id < pair[1].id),
        "each once, in order"
    );

    let bad = StigFacts {
        daemon: json!({
            "hosts": ["fd://", "tcp://0.0.0.0:2376"], "log-opts": { "max-size": "10m" }, "insecure-registries": ["r:5000"],
            "storage-driver": "aufs",
            "tlscacert": "/etc/docker/ca.pem", "tlscert": "/etc/docker/cert.pem", "tlskey": "/etc/docker/key.pem",
        }),
        files: good
            .files
            .keys()
            .map(|path| (path.clone(), rights(1, 0, 0o666)))
            .collect(),
        docker_group: None,
        fips: Some(false),
        audited: Some(vec!["/etc".to_owned()]),
    };
    let all = items(&bad);
    let not_failing: Vec<_> = all
        .iter()
        .filter(|item| item.answer != Answer::Fail)
        .map(|item| &item.id)
        .collect();
    // Rights 666 are fewer than 660 to nobody but the owner and the group; everybody may write.
    assert!(not_failing.is_empty(), "{not_failing:?}");

    let answers =
        |facts: &StigFacts| -> Vec<Answer> { items(facts).iter().map(|item| item.answer).collect() };
    let none = answers(&StigFacts::default());
    assert_eq!(
        none.iter()
            .filter(|answer| **answer == Answer::NotApplicable)
            .count(),
        13
    );
    assert_eq!(
        none.iter().filter(|answer| **answer == Answer::Unknown).count(),
        1
    );
}
