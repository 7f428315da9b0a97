//! Config objects of the swarm that mean something here: files that an installation begins with, and licences. Their
//! names decide; see docs/decisions/0015-config-objects.md.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::config::{Config, Kept, Problems, ReadOptions};
use serde::Deserialize;
use serde_json::Value;

use super::license::{License, LicenseError};
use crate::engine::{EngineClient, EngineError};

/// Names under which a file is kept; both stand in the documents.
const FILES: [&str; 2] = ["com.docker.ucp.config", "com.docker.mke.config"];
/// Names of licences begin like this.
pub const LICENSE: &str = "com.docker.license";

/// What is wrong with the content of a config object.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ObjectError {
    /// It is no text.
    #[error("config object `{0}` holds no UTF-8 text")]
    NoText(String),
    /// It is no valid configuration file.
    #[error("config object `{name}` is no valid configuration file: {problems}")]
    File {
        /// The object.
        name: String,
        /// Everything that is wrong with it.
        problems: Problems,
    },
    /// It is no licence.
    #[error("config object `{name}` is no valid licence: {error}")]
    License {
        /// The object.
        name: String,
        /// Why.
        error: LicenseError,
    },
}

/// Why an installation could not begin with a file from the swarm.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is none.
    #[error(
        "there is no config object `com.docker.ucp.config` or `com.docker.mke.config` to begin with; make one with \
         `docker config create com.docker.ucp.config FILE`, or start without --existing-config"
    )]
    Missing,
    /// The engine did not give its config objects: it does not answer, or is no manager of a swarm.
    #[error(
        "the config objects of the swarm cannot be read; run `docker swarm init` first, or start without --existing-config"
    )]
    Engine(#[from] EngineError),
    /// Its content is wrong.
    #[error(transparent)]
    Content(#[from] ObjectError),
}

/// Refuses an object whose name promises a file or a licence and that holds something else. Other names may hold
/// anything.
///
/// # Errors
/// [`ObjectError`] with everything that is wrong.
pub fn check(name: &str, data: &[u8]) -> Result<(), ObjectError> {
    if is_file(name) {
        read_file(name, data).map(drop)
    } else if name.starts_with(LICENSE) {
        License::parse(data)
            .map(drop)
            .map_err(|error| ObjectError::License {
                name: name.to_owned(),
                error,
            })
    } else {
        Ok(())
    }
}

/// The newest file among the swarm's config objects, ready to be installed.
///
/// # Errors
/// [`ImportError`]: there is none, or the newest is wrong. An older one is never taken instead.
pub async fn import(engine: &EngineClient) -> Result<(String, Kept), ImportError> {
    let objects = list(engine).await?;
    let files = objects
        .into_iter()
        .filter(|object| is_whole_name(&object.spec.name));
    // Moments as the engine writes them, in UTC and with trailing zeros cut, do not sort as text.
    let newest = files
        .max_by(|a, b| a.age().cmp(&b.age()))
        .ok_or(ImportError::Missing)?;
    let kept = read_file(&newest.spec.name, &newest.content()?)?;
    Ok((newest.spec.name, kept))
}

/// Every config object.
pub(super) async fn list(engine: &EngineClient) -> Result<Vec<Object>, EngineError> {
    engine.get_json("/configs").await
}

fn read_file(name: &str, data: &[u8]) -> Result<Kept, ObjectError> {
    let text = std::str::from_utf8(data).map_err(|_| ObjectError::NoText(name.to_owned()))?;
    let options = ReadOptions {
        file: Some(name),
        ..ReadOptions::default()
    };
    match Kept::of(&Config::default()).accept(text, &options) {
        Ok(accepted) => Ok(accepted.kept),
        Err(problems) => Err(ObjectError::File {
            name: name.to_owned(),
            problems,
        }),
    }
}

/// Whether an object of this name is checked as a file: also with whatever behind it.
fn is_file(name: &str) -> bool {
    FILES.iter().any(|file| name.starts_with(file))
}

/// Whether an installation may begin with an object of this name: nothing behind it but a number.
fn is_whole_name(name: &str) -> bool {
    FILES.iter().any(|file| match name.strip_prefix(file) {
        Some("") => true,
        Some(rest) => rest
            .strip_prefix('-')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())),
        None => false,
    })
}

/// A config object as the Engine API lists it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Object {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default)]
    created_at: String,
    pub(super) spec: Spec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Spec {
    pub(super) name: String,
    /// Base64, as the Engine has it.
    #[serde(default)]
    data: Option<String>,
}

impl Object {
    /// The content.
    pub(super) fn content(&self) -> Result<Vec<u8>, ObjectError> {
        let data = self.spec.data.as_deref().unwrap_or_default();
        STANDARD
            .decode(data)
            .map_err(|_| ObjectError::NoText(self.spec.name.clone()))
    }

    /// What orders objects: the moment of creation to the nanosecond, then the id, so that the order is always one.
    fn age(&self) -> (String, String, String) {
        let (seconds, fraction) = self
            .created_at
            .trim_end_matches('Z')
            .split_once('.')
            .unwrap_or((self.created_at.trim_end_matches('Z'), ""));
        (seconds.to_owned(), format!("{fraction:0<9}"), self.id.clone())
    }
}

/// Name and content of an object that is about to be made, as it goes to the engine.
pub fn of_creation(body: &[u8]) -> Option<(String, Vec<u8>)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let name = body.get("Name")?.as_str()?.to_owned();
    let data = body.get("Data").and_then(Value::as_str).unwrap_or_default();
    // What is no base64 is refused by the engine.
    Some((name, STANDARD.decode(data).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CFG-004: names with a number count, names with anything else do not, and both are checked.
    #[test]
    fn names_of_files() {
        for (name, checked, installed) in [
            ("com.docker.ucp.config", true, true),
            ("com.docker.mke.config", true, true),
            ("com.docker.ucp.config-12", true, true),
            ("com.docker.ucp.config-", true, false),
            ("com.docker.ucp.config-1a", true, false),
            ("com.docker.mke.config.old", true, false),
            ("my.com.docker.ucp.config", false, false),
            ("com.docker.ucp", false, false),
            ("COM.docker.ucp.config", false, false),
        ] {
            assert_eq!(
                (is_file(name), is_whole_name(name)),
                (checked, installed),
                "{name}"
            );
            assert_eq!(
                check(name, b"[auth]\nbackend = \"no\"\n").is_err(),
                checked,
                "{name}"
            );
            assert!(check(name, b"[auth]\nbackend = \"managed\"\n").is_ok());
        }
        assert!(check("com.docker.license-3", b"nonsense").is_err());
        assert!(check("com.docker.ucp.config", &[0xff]).is_err());
    }

    #[test]
    fn the_newest_is_found_to_the_nanosecond() {
        let object = |created: &str, id: &str| Object {
            id: id.to_owned(),
            created_at: created.to_owned(),
            spec: Spec {
                name: "com.docker.ucp.config".to_owned(),
                data: None,
            },
        };
        for (older, newer) in [
            ("2026-01-02T03:04:05.9Z", "2026-01-02T03:04:06Z"),
            ("2026-01-02T03:04:05.12Z", "2026-01-02T03:04:05.123Z"),
            ("2026-01-02T03:04:05.099999999Z", "2026-01-02T03:04:05.1Z"),
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000001Z"),
        ] {
            assert!(
                object(older, "b").age() < object(newer, "a").age(),
                "{older} {newer}"
            );
        }
    }
}
