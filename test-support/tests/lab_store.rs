//! The store's image on three machines that lose power and cables. Needs root, the packages docker.io, iptables, iproute2, util-linux
//! and etcd-client, and the archive that `cargo xtask test` makes; what is missing fails the test and is named.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed step fails the test")]

use std::collections::BTreeSet;
use std::process::Command;

use mke_test_support::images;
use mke_test_support::lab::{Lab, Node, until};
use mke_test_support::recorder::Recorder;

const IMAGE: &str = "mirantis/ucp-etcd:3.4.15";

/// Starts a member on a node, with its state in a volume, as the store of managers has it.
fn start_member(lab: &Lab, node: Node<'_>) {
    let members: Vec<String> = lab
        .nodes()
        .map(|node| format!("{}=http://{}:12380", node.name(), node.ip()))
        .collect();
    let (client, peer) = (
        format!("http://{}:12379", node.ip()),
        format!("http://{}:12380", node.ip()),
    );
    let flags = [
        format!("--name={}", node.name()),
        "--data-dir=/data/etcd".to_owned(),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster={}", members.join(",")),
    ];
    let run = [
        "run",
        "--detach",
        "--name=ucp-kv",
        "--network=host",
        "--restart=unless-stopped",
    ];
    let rest = ["--volume=ucp-kv:/data", IMAGE];
    let words = run.into_iter().chain(rest).map(str::to_owned).chain(flags);
    node.docker(&words.collect::<Vec<_>>());
}

/// Runs the client for these nodes' members.
fn client(endpoints: &str, words: &[&str]) -> Result<String, String> {
    let output = Command::new("etcdctl")
        .env("ETCDCTL_API", "3")
        .args([
            "--endpoints",
            endpoints,
            "--dial-timeout=2s",
            "--command-timeout=4s",
        ])
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("`etcdctl` ({error}): install package etcd-client"));
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Of three members one loses power, then one its cable: writes go on, and nothing that was acknowledged is lost. When two are
/// gone, reads answer and writes say why.
#[test]
fn lab_store_survives_power_and_cables() {
    let lab = Lab::up(3);
    lab.load_images(&images::archive());
    for node in lab.nodes() {
        start_member(&lab, node);
    }
    let [first, second, third] = [1, 2, 3].map(|number| lab.node(number));
    let url = |node: Node<'_>| format!("http://{}:12379", node.ip());
    let all = [first, second, third].map(url).join(",");
    until("the store has a leader", || {
        client(&all, &["put", "begun", "yes"]).ok()
    });

    let endpoints = all.clone();
    let recorder = Recorder::start(move |number| {
        let key = format!("record/{number:08}");
        client(&endpoints, &["put", &key, &number.to_string()]).map(drop)
    });
    recorder.gets_through(10);

    // A power cut; nobody starts the member again but its engine.
    third.kill();
    recorder.gets_through(10);
    third.start();
    until("the member is back", || {
        client(&url(third), &["endpoint", "health"]).ok()
    });

    // A pulled cable.
    second.partition();
    recorder.gets_through(10);

    // Without a majority: what is there can be read, and a write says that it had no answer.
    third.kill();
    let why = recorder.is_refused(2);
    assert!(
        why.contains("deadline exceeded") || why.contains("no leader"),
        "{why}"
    );
    let read = ["get", "begun", "--print-value-only", "--consistency=s"];
    assert_eq!(client(&url(first), &read), Ok("yes\n".to_owned()));

    second.heal();
    recorder.gets_through(10);
    third.start();
    until("the member is back", || {
        client(&url(third), &["endpoint", "health"]).ok()
    });
    let record = recorder.finish();

    // Every member has everything.
    let listed = client(&all, &["get", "--prefix", "record/", "--print-value-only"]).unwrap();
    let present: BTreeSet<u64> = listed.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(record.lost(|number| present.contains(&number)), Vec::<u64>::new());
    for node in lab.nodes() {
        let same = until("the member has caught up", || {
            client(
                &url(node),
                &[
                    "get",
                    "--prefix",
                    "record/",
                    "--print-value-only",
                    "--consistency=s",
                ],
            )
            .ok()
            .filter(|text| *text == listed)
        });
        assert_eq!(same, listed);
    }
}
