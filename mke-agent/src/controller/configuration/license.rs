//! Licences: whether a text is one, and what it says. Who signed it is not checked, because no key of a vendor is part
//! of this program, and nothing depends on a licence: without a valid one everything works as before, and no collection
//! and no grant changes (config-09).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mke_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// Largest licence, in bytes.
pub const MAX_LICENSE: usize = 64 * 1024;

/// What a licence says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct License {
    /// Its number, where it has one.
    #[serde(rename = "keyID")]
    pub key_id: Option<String>,
    /// What was bought, such as `Production`.
    pub tier: Option<String>,
    /// How many engines it covers; 0 is no limit.
    #[serde(rename = "maxEngines")]
    pub max_engines: Option<u64>,
    /// When it ends.
    pub expiration: Option<Timestamp>,
}

/// Why a text is no licence. Nothing of the text is shown: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LicenseError {
    /// Too large.
    #[error("a licence has at most {MAX_LICENSE} bytes")]
    TooLarge,
    /// Neither form.
    #[error(
        "this is no licence: send the .lic file as it was downloaded, a JSON object with `authorization` or a JSON Web Token"
    )]
    Form,
    /// The signed part cannot be read.
    #[error("the signed part of the licence cannot be read, download the .lic file again")]
    Payload,
    /// It does not say when it ends.
    #[error("the licence does not say when it ends (`expiration` or `exp`), download the .lic file again")]
    Expiration,
}

impl License {
    /// Reads a licence: a `.lic` file, which is JSON with a key number and a signed `authorization`, or a JSON Web
    /// Token (RFC 7519).
    ///
    /// # Errors
    /// [`LicenseError`], without anything of the text.
    pub fn parse(text: &[u8]) -> Result<Self, LicenseError> {
        if text.len() > MAX_LICENSE {
            return Err(LicenseError::TooLarge);
        }
        let text = std::str::from_utf8(text).map_err(|_| LicenseError::Form)?.trim();
        let Ok(file) = serde_json::from_str::<Value>(text) else {
            return Self::said(&token(text).ok_or(LicenseError::Form)?, None);
        };
        let authorization = file.get("authorization").and_then(Value::as_str);
        let signed = STANDARD
            .decode(authorization.ok_or(LicenseError::Form)?)
            .map_err(|_| LicenseError::Payload)?;
        let signed: Value = serde_json::from_slice(&signed).map_err(|_| LicenseError::Payload)?;
        let payload = signed.get("payload").and_then(Value::as_str);
        let payload = payload.and_then(decoded).ok_or(LicenseError::Payload)?;
        let key_id = file.get("key_id").and_then(Value::as_str);
        Self::said(&payload, key_id)
    }

    fn said(payload: &Value, key_id: Option<&str>) -> Result<Self, LicenseError> {
        let text = |name: &str| payload.get(name).and_then(Value::as_str);
        let expiration = match (text("expiration"), payload.get("exp").and_then(Value::as_i64)) {
            (Some(moment), _) => moment.parse().ok(),
            (None, Some(seconds)) => Some(Timestamp::from_secs(seconds)),
            (None, None) => None,
        };
        Ok(Self {
            key_id: key_id.or_else(|| text("jti")).map(str::to_owned),
            tier: text("tier").map(str::to_owned),
            max_engines: payload.get("maxEngines").and_then(Value::as_u64),
            expiration: Some(expiration.ok_or(LicenseError::Expiration)?),
        })
    }

    /// Whether it is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expiration.is_some_and(|end| end <= now)
    }
}

/// The payload of a JSON Web Token in its compact form.
fn token(text: &str) -> Option<Value> {
    let mut parts = text.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let complete = parts.next().is_none() && !signature.is_empty();
    decoded(header)?.get("alg")?;
    decoded(payload).filter(|payload| complete && payload.is_object())
}

fn decoded(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    /// LIC-001: both forms are read; what is no licence is refused without being repeated.
    #[test]
    fn forms_of_licences() {
        let payload = json!({ "expiration": "2030-01-02T03:04:05Z", "tier": "Production", "maxEngines": 10 });
        let signed = json!({ "payload": part(&payload), "signatures": [] }).to_string();
        let file = json!({ "key_id": "k1", "private_key": "p", "authorization": STANDARD.encode(signed) });
        let license = License::parse(file.to_string().as_bytes()).unwrap();
        assert_eq!(license.key_id.as_deref(), Some("k1"));
        assert_eq!(
            (license.tier.as_deref(), license.max_engines),
            (Some("Production"), Some(10))
        );
        assert!(!license.is_over("2029-12-31T00:00:00Z".parse().unwrap()));
        assert!(license.is_over("2030-01-02T03:04:05Z".parse().unwrap()));

        let header = part(&json!({ "alg": "RS256" }));
        let token = format!(
            "{header}.{}.c2ln\n",
            part(&json!({ "exp": 1_900_000_000, "jti": "j" }))
        );
        assert_eq!(
            License::parse(token.as_bytes()).unwrap().key_id.as_deref(),
            Some("j")
        );

        let endless = format!("{header}.{}.c2ln", part(&json!({ "jti": "j" })));
        for (text, error) in [
            (String::new(), LicenseError::Form),
            ("canary".to_owned(), LicenseError::Form),
            ("{}".to_owned(), LicenseError::Form),
            ("a.b.c".to_owned(), LicenseError::Form),
            (
                json!({ "authorization": "canary" }).to_string(),
                LicenseError::Payload,
            ),
            (
                json!({ "authorization": STANDARD.encode("{}") }).to_string(),
                LicenseError::Payload,
            ),
            (endless, LicenseError::Expiration),
            ("x".repeat(MAX_LICENSE + 1), LicenseError::TooLarge),
        ] {
            assert_eq!(License::parse(text.as_bytes()), Err(error));
            assert!(!error.to_string().contains("canary"));
        }
    }
}
