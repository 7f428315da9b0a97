//! What differs between two configurations, and what that touches.

#![cfg(test)]

use mke_core::config::{Config, Impact};

fn changed(before: &str, after: &str) -> (Vec<String>, Impact) {
    let differences = Config::parse(before)
        .unwrap()
        .diff(&Config::parse(after).unwrap());
    let lines = differences.iter().map(ToString::to_string).collect();
    (lines, Impact::of(&differences))
}

/// Each kind of effect, added and removed rows, and secrets that are not shown.
#[test]
fn typed_differences() {
    let same = "[auth]\n  default_new_user_role = \"viewonly\"\n";
    assert_eq!(
        changed(same, &format!("# a comment\n{same}")),
        (vec![], Impact::default())
    );
    assert_eq!(Impact::default().to_string(), "nothing running is touched");
    let (lines, impact) = changed(
        "[auth.sessions]\n  lifetime_minutes = 60\n",
        "[auth.sessions]\n  lifetime_minutes = 90\n[cluster_config]\n  controller_port = 8443\n  kubelet_max_pods = 90\n  swarm_only = true\n",
    );
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(
        lines[0].starts_with("auth.sessions.lifetime_minutes: 60 -> 90 (live)"),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("cluster_config.swarm_only: false -> true (install only)"))
    );
    assert_eq!(impact.live, 1);
    assert!(!impact.restarts.is_empty());
    assert!(!impact.all_nodes.is_empty());
    let refused: Vec<_> = impact.refused.iter().map(ToString::to_string).collect();
    assert_eq!(refused, ["cluster_config.swarm_only"]);
    assert!(
        impact
            .to_string()
            .contains("refused, cannot be changed any more: cluster_config.swarm_only")
    );
}

/// Keys without a way back may be set once: Calico's data never goes back into etcd, and the identifier of a
/// provider's keys never changes.
#[test]
fn no_way_back() {
    let kdd = |on: bool| format!("[cluster_config]\n  calico_kdd = {on}\n");
    let provider = |more: &str| {
        format!(
            "[auth.external_identity_provider]\n  clientID = \"mke\"\n  wellKnownConfigUrl = \
             \"https://idp.example.com/.well-known/openid-configuration\"\n{more}"
        )
    };
    let id = |id: &str| provider(&format!("  userServiceId = \"{id}\"\n"));
    for (before, after, refused) in [
        (kdd(false), kdd(true), None),
        (kdd(true), kdd(true), None),
        (kdd(true), kdd(false), Some("cluster_config.calico_kdd")),
        (kdd(true), String::new(), Some("cluster_config.calico_kdd")),
        (provider(""), id("a"), None),
        (id(""), id("a"), None),
        (
            id("a"),
            id("b"),
            Some("auth.external_identity_provider.userServiceId"),
        ),
        (
            id("a"),
            provider(""),
            Some("auth.external_identity_provider.userServiceId"),
        ),
    ] {
        let (lines, impact) = changed(&before, &after);
        assert_eq!(
            impact.refused,
            refused.into_iter().collect::<Vec<_>>(),
            "{lines:?}"
        );
        if refused.is_some() {
            assert!(
                impact.to_string().contains("cannot be changed any more"),
                "{impact}"
            );
        }
    }
}

/// A row that is added or gone shows with each of its keys.
#[test]
fn rows() {
    let header = "[[custom_api_server_headers]]\n  name = \"X-One\"\n  value = \"1\"\n";
    let (added, _) = changed("", header);
    assert_eq!(added.len(), 2, "{added:?}");
    assert!(
        added[0].starts_with("custom_api_server_headers[0].name: unset -> \"X-One\""),
        "{added:?}"
    );
    let (gone, _) = changed(header, "");
    assert!(
        gone[0].starts_with("custom_api_server_headers[0].name: \"X-One\" -> unset"),
        "{gone:?}"
    );
}

/// A secret that changes is a difference, and neither value is shown.
#[test]
fn secrets_stay_secret() {
    let ldap = |password: &str| {
        format!(
            "[auth]\n  backend = \"ldap\"\n[auth.ldap]\n  server_url = \"ldaps://ldap.example.com\"\n  reader_password = \"{password}\"\n  [[auth.ldap.user_search_configs]]\n    base_dn = \"dc=example\"\n    match_group = false\n"
        )
    };
    let (lines, _) = changed(&ldap("before-it"), &ldap("after-it"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("auth.ldap.reader_password: "), "{lines:?}");
    assert!(
        !lines[0].contains("before-it") && !lines[0].contains("after-it"),
        "{lines:?}"
    );
}
