//! This cluster as a service provider: the addresses by which providers and browsers know it (SAML-001, SAML-008).

/// Where the API has its SAML endpoints.
pub const BASE_PATH: &str = "/enzi/v0/saml";

/// The addresses of this cluster. All are compared exactly, character by character (saml-34).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceProvider {
    origin: String,
    entity_id: String,
    acs: String,
    logout: String,
}

/// Why a host cannot be used in the addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{host}` is no host for SAML: write a host name or address, with a port if it is not 443, such as `mke.example.com:6443`"
)]
pub struct HostError {
    /// What was given.
    pub host: String,
}

impl ServiceProvider {
    /// The service provider at a host with an optional port, with or without `https://` before it.
    ///
    /// # Errors
    ///
    /// [`HostError`].
    pub fn at(host: &str) -> Result<Self, HostError> {
        let wrong = || HostError {
            host: host.to_owned(),
        };
        let bare = host.strip_prefix("https://").unwrap_or(host);
        let bare = bare.strip_suffix('/').unwrap_or(bare);
        let authority: http::uri::Authority = bare.parse().map_err(|_| wrong())?;
        let port_fits = match bare.rsplit_once(':') {
            Some((_, port)) if !port.contains(']') => port.parse::<u16>().is_ok_and(|port| port != 0),
            _ => true,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if authority.host().is_empty() || !port_fits || !bare.chars().all(plain) {
            return Err(wrong());
        }
        let origin = format!("https://{bare}");
        Ok(Self {
            entity_id: format!("{origin}{BASE_PATH}/metadata"),
            acs: format!("{origin}{BASE_PATH}/acs"),
            logout: format!("{origin}{BASE_PATH}/logout"),
            origin,
        })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The entity id, which is the address of the metadata.
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// The assertion consumer service.
    pub fn acs(&self) -> &str {
        &self.acs
    }

    /// The single logout service.
    pub fn logout(&self) -> &str {
        &self.logout
    }
}

/// Where to go after a login: a path of this cluster's own, or `/` (saml-37). Only what starts with one slash and a
/// plain character, and holds no character that a browser reads differently, is taken.
pub fn safe_relay(relay: &str) -> &str {
    let plain = relay
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'`'));
    let own = relay.starts_with('/') && !relay.starts_with("//") && relay.len() <= MAX_RELAY_BYTES;
    if plain && own { relay } else { "/" }
}

/// Longest relay state. The standard allows 80 bytes; real paths are longer.
pub const MAX_RELAY_BYTES: usize = 1024;
