//! What a configuration file may say about the network of pods.

#![cfg(test)]

use mke_core::config::{Config, ReadOptions};

/// What is wrong with `[cluster_config]` of these lines; nothing when it may stand.
fn problems(lines: &[&str]) -> Vec<String> {
    let text = format!("[cluster_config]\n  {}\n", lines.join("\n  "));
    match Config::read(&text, &ReadOptions::default()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.0.iter().map(ToString::to_string).collect(),
    }
}

/// NET-018: numbers of VXLAN networks lie between 10000 and 20000, and another than the default needs VXLAN.
#[test]
fn numbers_of_vxlan_networks() {
    for (number, vxlan, allowed) in [
        (9_999, true, false),
        (10_000, true, true),
        (15_000, true, true),
        (20_000, true, true),
        (20_001, true, false),
        (10_000, false, true),
        (10_001, false, false),
        (20_000, false, false),
    ] {
        let found = problems(&[
            &format!("vxlan_vni = {number}"),
            &format!("calico_vxlan = {vxlan}"),
        ]);
        assert_eq!(found.is_empty(), allowed, "{number} {vxlan}: {found:?}");
        assert!(
            allowed || found.iter().any(|problem| problem.contains("vxlan_vni")),
            "{found:?}"
        );
    }
}

/// SOV-002, SOV-004: the secure overlay encrypts IP-in-IP of the managed plugin with packets that leave room for it, and
/// is refused where it would encrypt nothing.
#[test]
fn the_secure_overlay_is_refused_where_it_would_encrypt_nothing() {
    let room = ["calico_mtu = \"1452\"", "ipip_mtu = \"1452\""];
    for (lines, allowed) in [
        (&["calico_vxlan = false"][..], true),
        (&["calico_vxlan = true"], false),
        (&[], false),
        (&["calico_vxlan = false", "unmanaged_cni = true"], false),
    ] {
        let mut all = vec!["secure_overlay = true"];
        all.extend(lines);
        all.extend(room);
        let found = problems(&all);
        assert_eq!(found.is_empty(), allowed, "{lines:?}: {found:?}");
        assert!(
            allowed || found.iter().any(|problem| problem.contains("secure_overlay")),
            "{found:?}"
        );
        let mut off = lines.to_vec();
        off.extend(room);
        assert_eq!(problems(&off), [""; 0], "without it, {lines:?} may stand");
    }
    let tight = problems(&[
        "secure_overlay = true",
        "calico_vxlan = false",
        "calico_mtu = \"1480\"",
        "ipip_mtu = \"1480\"",
    ]);
    assert!(!tight.is_empty(), "packets of 1480 bytes leave no room");
}
