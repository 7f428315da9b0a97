//! What handlers add to the record of their request.

use std::sync::{Arc, Mutex, PoisonError};

use mke_auth::records::Source;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::redact::redact;
use super::{Asker, Recording};

/// Longest body that a record holds, in bytes; of a longer one it holds size and digest (audit-08).
const MAX_BODY: usize = 64 * 1024;

/// Collects what a handler knows. Cheap to clone; all clones write to the same record. The journey puts one into
/// the extensions of each request.
#[derive(Debug, Clone, Default)]
pub struct Notes(Arc<Mutex<Noted>>);

/// The collected facts.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted {
    pub(super) object_ids: Vec<String>,
    pub(super) body: Option<Value>,
    pub(super) missing: Option<Value>,
    pub(super) asker: Option<Asker>,
    pub(super) change: Option<(Source, &'static str)>,
    recording: Option<Recording>,
}

impl Notes {
    /// Adds the id of an object that was created or changed; names do not belong here (AUD-002).
    pub fn object_id(&self, id: impl Into<String>) {
        self.with(|noted| noted.object_ids.push(id.into()));
    }

    /// Names who asked where no credential says it: the account of a login.
    pub fn asker(&self, name: impl Into<String>, id: impl Into<String>) {
        let asker = Asker {
            name: name.into(),
            id: id.into(),
        };
        self.with(|noted| noted.asker = Some(asker));
    }

    /// Names the source that changed an account, and what it did to it.
    pub fn changed_by(&self, source: Source, what: &'static str) {
        self.with(|noted| noted.change = Some((source, what)));
    }

    /// Says how the endpoint is recorded. Until then bodies are left out.
    pub fn set_recording(&self, recording: Recording) {
        self.with(|noted| noted.recording = Some(recording));
    }

    /// How the endpoint is recorded.
    pub fn recording(&self) -> Recording {
        self.taken().recording.unwrap_or(Recording::NoBody)
    }

    /// Keeps the body of the request, without what must not be recorded.
    pub fn body(&self, body: &[u8]) {
        if body.is_empty() {
            return;
        }
        let value = match self.recording() {
            Recording::Ignored => return,
            Recording::NoBody => json!("********"),
            Recording::Full => shown(body),
        };
        self.with(|noted| noted.body = Some(value));
    }

    /// Notes which right was missing (audit-09).
    pub fn missing(&self, missing: Value) {
        self.with(|noted| noted.missing = Some(missing));
    }

    pub(super) fn taken(&self) -> Noted {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn with(&self, change: impl FnOnce(&mut Noted)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn shown(body: &[u8]) -> Value {
    if body.len() > MAX_BODY {
        return digest(body);
    }
    // The first value counts, as it does for handlers; what follows it is not data.
    match serde_json::Deserializer::from_slice(body)
        .into_iter::<Value>()
        .next()
    {
        Some(Ok(mut value @ (Value::Object(_) | Value::Array(_)))) => {
            redact(&mut value);
            value
        }
        // A text of unknown form may hold anything, so only its fingerprint is kept.
        _ => digest(body),
    }
}

fn digest(body: &[u8]) -> Value {
    json!({ "bytes": body.len(), "sha256": hex::encode(Sha256::digest(body)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_audit_08_large_bodies_become_a_digest() {
        let fits = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BODY - 8));
        assert_eq!(fits.len(), MAX_BODY);
        assert!(shown(fits.as_bytes()).get("a").is_some());
        let larger = format!("{fits} ");
        let value = shown(larger.as_bytes());
        assert_eq!(value["bytes"], MAX_BODY + 1);
        assert_eq!(value["sha256"], hex::encode(Sha256::digest(larger.as_bytes())));
    }

    #[test]
    fn endpoints_that_must_not_show_a_body() {
        let notes = Notes::default();
        notes.body(br#"{"Data":"canary"}"#);
        assert_eq!(notes.taken().body, Some(json!("********")));
        notes.set_recording(Recording::Full);
        notes.body(b"plain text canary");
        assert!(!notes.taken().body.unwrap().to_string().contains("canary"));
    }
}
