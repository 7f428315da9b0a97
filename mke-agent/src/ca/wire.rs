//! The JSON of the signing API, in the shape that programs for CFSSL know.

use std::time::Duration;

use mke_core::pki::{PkiError, SubjectAltName};
use serde::{Deserialize, Serialize};

use super::rules::{Asked, Wanted};

/// Where requests are signed.
pub(super) const SIGN: &str = "/api/v1/cfssl/sign";
/// Where the authority tells about itself.
pub(super) const INFO: &str = "/api/v1/cfssl/info";
/// Bytes of a request.
pub(super) const MAX_REQUEST: usize = 256 * 1024;

/// What is posted to [`SIGN`]. Unknown fields are refused: they would ask for something that is not granted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignRequest {
    /// PKCS#10 in PEM. Only its key counts.
    pub(super) certificate_request: String,
    /// The kind of certificate.
    pub(super) profile: String,
    /// Further access names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) hosts: Vec<String>,
    /// Whose certificate it is, for users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<Subject>,
    /// Seconds that it shall live, where that may be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expiry_seconds: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subject {
    #[serde(rename = "CN")]
    pub(super) common_name: String,
}

impl SignRequest {
    /// What the request asks for, or which of its names is none.
    pub(super) fn asked(&self) -> Result<Asked, PkiError> {
        let hosts: Result<Vec<SubjectAltName>, _> = self.hosts.iter().map(|name| name.parse()).collect();
        Ok(Asked {
            wanted: Wanted::from_word(&self.profile),
            hosts: hosts?,
            common_name: self.subject.as_ref().map(|subject| subject.common_name.clone()),
            validity: self.expiry_seconds.map(Duration::from_secs),
        })
    }
}

/// Every answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) success: bool,
    pub(super) result: Option<T>,
    #[serde(default)]
    pub(super) errors: Vec<Message>,
    #[serde(default)]
    pub(super) messages: Vec<Message>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) code: u32,
    pub(super) message: String,
}

impl<T> Envelope<T> {
    pub(super) fn done(result: T) -> Self {
        Self {
            success: true,
            result: Some(result),
            errors: Vec::new(),
            messages: Vec::new(),
        }
    }

    pub(super) fn refused(code: u32, message: String) -> Self {
        Self {
            success: false,
            result: None,
            errors: vec![Message { code, message }],
            messages: Vec::new(),
        }
    }
}

/// What [`SIGN`] gives.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Signed {
    /// The certificate, PEM.
    pub(super) certificate: String,
}

/// What [`INFO`] gives.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Info {
    /// The authority, PEM.
    pub(super) certificate: String,
    /// What its certificates may be used for.
    pub(super) usages: Vec<String>,
    /// How long the ordinary ones live, such as `2160h`.
    pub(super) expiry: String,
}
