//! Shows each published port once (DAPI-008).
//!
//! An engine that listens on all addresses of both families describes the same port twice, once per family.

use serde_json::Value;

const ALL_V4: &str = "0.0.0.0";
const ALL_V6: &str = "::";

/// In an item of a list: `Ports` with `IP`, `PrivatePort`, `PublicPort` and `Type`.
pub(super) fn once_in_list_item(container: &mut Value) {
    once(container.get_mut("Ports"), "IP");
}

/// In a single container: `NetworkSettings.Ports`, a list of `HostIp` and `HostPort` per port.
pub(super) fn once_in_container(container: &mut Value) {
    if let Some(Value::Object(ports)) = container.pointer_mut("/NetworkSettings/Ports") {
        for bindings in ports.values_mut() {
            once(Some(bindings), "HostIp");
        }
    }
}

/// Whether a list of ports, as text, may show one twice. Cheap, and never wrongly no.
pub(crate) fn may_hold_twins(ports: &str) -> bool {
    ports.contains("\"::\"")
}

/// Drops an entry for all IPv6 addresses beside the same one for all IPv4 addresses.
fn once(ports: Option<&mut Value>, address: &str) {
    let Some(Value::Array(ports)) = ports else {
        return;
    };
    let v4: Vec<Value> = ports
        .iter()
        .filter(|port| port[address] == ALL_V4)
        .cloned()
        .collect();
    ports.retain(|port| {
        let twin = || {
            let mut twin = port.clone();
            twin[address] = Value::from(ALL_V4);
            twin
        };
        port[address] != ALL_V6 || !v4.contains(&twin())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// DAPI-008: twins are shown once; ports that differ, or have one family only, stay.
    #[test]
    fn twins_are_shown_once() {
        let port = |ip: &str, public: u16| json!({ "IP": ip, "PrivatePort": 80, "PublicPort": public, "Type": "tcp" });
        let mut item = json!({ "Ports": [port("0.0.0.0", 8080), port("::", 8080), port("::", 9090)] });
        once_in_list_item(&mut item);
        assert_eq!(item["Ports"], json!([port("0.0.0.0", 8080), port("::", 9090)]));
        let both = json!([{ "HostIp": "0.0.0.0", "HostPort": "1" }, { "HostIp": "::", "HostPort": "1" }]);
        let mut container = json!({ "NetworkSettings": { "Ports": { "80/tcp": both, "90/tcp": null } } });
        once_in_container(&mut container);
        assert_eq!(
            container["NetworkSettings"]["Ports"],
            json!({ "80/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "1" }], "90/tcp": null })
        );
    }
}
