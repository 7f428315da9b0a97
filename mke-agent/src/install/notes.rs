//! What somebody should know who takes an installation off: what of the machine is in the way, and what the cluster can no
//! longer do afterwards. Pure.

use serde_json::Value;

use super::swarm::SwarmInfo;

/// Before anything is removed (UNI-007).
pub fn before(info: &SwarmInfo) -> Vec<String> {
    let options = info.info.pointer("/SecurityOptions").and_then(Value::as_array);
    let enforces = options
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .any(|option| option == "name=selinux" || option.starts_with("name=selinux,"));
    if !enforces {
        return Vec::new();
    }
    vec![
        "SELinux is enabled: where the removal is refused, switch it to permissive meanwhile (`setenforce 0`), or run this \
         container with `--security-opt label=disable`"
            .to_owned(),
    ]
}

/// When everything is gone (UNI-007, PKI-016). `kubernetes`: whether it ran, with a network plug-in.
pub fn after(info: &SwarmInfo, kubernetes: bool) -> Vec<String> {
    let mut notes = vec![
        "The swarm and its applications go on, without access control. Nodes that join it are plain nodes of a swarm \
         until MKE is installed again"
            .to_owned(),
    ];
    let authorities = info
        .info
        .pointer("/Swarm/Cluster/Spec/CAConfig/ExternalCAs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|authority| authority.get("URL")?.as_str())
        .collect::<Vec<_>>();
    if !authorities.is_empty() {
        notes.push(format!(
            "The swarm gets its certificates from {}: if that went with MKE, no node can join any more and the \
             certificates of those that are there run out. Install MKE again before that, or leave the swarm with \
             `docker swarm leave --force` on every node",
            authorities.join(", ")
        ));
    }
    if kubernetes {
        notes.push(
            "Rules of iptables that the network plug-in made are gone once a node is restarted".to_owned(),
        );
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// UNI-007: SELinux is named before, rules of iptables after, where there are any.
    #[test]
    fn what_is_in_the_way_and_what_stays() {
        for (options, told) in [
            (json!(["name=seccomp,profile=default", "name=selinux"]), 1),
            (json!(["name=seccomp,profile=selinux"]), 0),
            (json!([]), 0),
            (json!(null), 0),
        ] {
            let info = SwarmInfo::of(json!({ "SecurityOptions": options }));
            assert_eq!(before(&info).len(), told, "{options}");
        }
        let info = SwarmInfo::of(json!({}));
        let mentions = |kubernetes| after(&info, kubernetes).concat().contains("iptables");
        assert!(mentions(true) && !mentions(false));
    }

    /// PKI-016: a swarm whose certificates come from an authority elsewhere is told what happens when that goes.
    #[test]
    fn who_signs_for_the_swarm() {
        let of = |config: Value| {
            let info = SwarmInfo::of(json!({ "Swarm": { "Cluster": { "Spec": { "CAConfig": config } } } }));
            after(&info, false).concat()
        };
        let external =
            json!({ "ExternalCAs": [{ "Protocol": "cfssl", "URL": "https://m1:12381/api/v1/cfssl/sign" }] });
        let told = of(external);
        assert!(
            told.contains("https://m1:12381")
                && told.contains("docker swarm leave --force")
                && told.contains("Install MKE"),
            "{told}"
        );
        for own in [
            json!({ "NodeCertExpiry": 1 }),
            json!({ "ExternalCAs": [] }),
            json!(null),
        ] {
            assert!(!of(own.clone()).contains("swarm leave"), "{own}");
        }
    }
}
