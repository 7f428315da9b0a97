//! What a machine's metadata service says about its addresses (AZ-006).

use std::net::Ipv4Addr;

use serde::Deserialize;

/// An answer that is not understood.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// It has another form.
    #[error("the answer of the metadata service is not understood")]
    Form(#[from] serde_json::Error),
    /// It has no interface with an address of its own.
    #[error("the metadata service names no address of this machine")]
    NoAddress,
}

#[derive(Deserialize)]
struct Network {
    interface: Vec<Interface>,
}

#[derive(Deserialize)]
struct Interface {
    #[serde(default)]
    ipv4: Family,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Family {
    #[serde(default)]
    ip_address: Vec<Address>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    private_ip_address: Ipv4Addr,
}

/// The addresses for pods: every one of the first interface but the machine's own, which is the first one. The text is
/// the answer to `GET /metadata/instance/network`.
///
/// # Errors
/// [`MetadataError`].
pub fn pod_addresses(text: &str) -> Result<(Ipv4Addr, Vec<Ipv4Addr>), MetadataError> {
    let network: Network = serde_json::from_str(text)?;
    let first = network
        .interface
        .into_iter()
        .next()
        .ok_or(MetadataError::NoAddress)?;
    let mut addresses = first
        .ipv4
        .ip_address
        .into_iter()
        .map(|address| address.private_ip_address);
    let own = addresses.next().ok_or(MetadataError::NoAddress)?;
    Ok((own, addresses.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AZ-006: a machine of a scale set with 32 configurations has 31 addresses for pods.
    #[test]
    fn configurations_of_a_scale_set() {
        let addresses: Vec<_> = (4..36)
            .map(|host| format!(r#"{{"privateIpAddress":"10.0.0.{host}","publicIpAddress":""}}"#))
            .collect();
        let text = format!(
            r#"{{"interface":[{{"ipv4":{{"ipAddress":[{}],"subnet":[{{"address":"10.0.0.0","prefix":"16"}}]}},"ipv6":{{"ipAddress":[]}},"macAddress":"000D3A"}},
                {{"ipv4":{{"ipAddress":[{{"privateIpAddress":"10.1.0.4"}}]}}}}]}}"#,
            addresses.join(",")
        );
        let (own, pods) = pod_addresses(&text).unwrap();
        assert_eq!(own, Ipv4Addr::new(10, 0, 0, 4));
        assert_eq!(pods.len(), 31);
        assert!(!pods.contains(&own) && !pods.contains(&Ipv4Addr::new(10, 1, 0, 4)));
    }

    #[test]
    fn answers_without_an_address_are_refused() {
        for text in [
            r#"{"interface":[]}"#,
            r#"{"interface":[{"ipv4":{"ipAddress":[]}}]}"#,
            r#"{"interface":[{}]}"#,
        ] {
            assert!(
                matches!(pod_addresses(text), Err(MetadataError::NoAddress)),
                "{text}"
            );
        }
        for text in [
            "",
            "{}",
            r#"{"interface":[{"ipv4":{"ipAddress":[{"privateIpAddress":"x"}]}}]}"#,
        ] {
            assert!(
                matches!(pod_addresses(text), Err(MetadataError::Form(_))),
                "{text}"
            );
        }
    }
}
