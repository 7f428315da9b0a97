//! Where licences are kept: config objects `com.docker.license-<n>` of the swarm, of which the highest number counts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::product::labels;
use serde_json::json;

use super::license::{License, LicenseError};
use super::objects::{self, LICENSE, ObjectError};
use crate::controller::body::full;
use crate::engine::{EngineClient, EngineError};

/// How often the next number is tried when others store licences too.
const ATTEMPTS: usize = 8;

/// Why a licence was not stored or read.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It is none.
    #[error(transparent)]
    License(#[from] LicenseError),
    /// The one that is stored is none.
    #[error(transparent)]
    Stored(#[from] ObjectError),
    /// The engine, or it is no manager of a swarm.
    #[error("licences are config objects of the swarm, which the engine of this node did not give or take")]
    Engine(#[from] EngineError),
    /// Others stored licences again and again.
    #[error("others are storing licences, try again")]
    Busy,
}

/// The licence that counts, with the name of its object.
///
/// # Errors
/// [`KeepError`].
pub async fn current(engine: &EngineClient) -> Result<Option<(String, License)>, KeepError> {
    let objects = objects::list(engine).await?;
    let numbered = objects
        .iter()
        .filter_map(|object| Some((number(&object.spec.name)?, object)));
    let Some((_, object)) = numbered.max_by_key(|(number, _)| *number) else {
        return Ok(None);
    };
    let name = object.spec.name.clone();
    match License::parse(&object.content()?) {
        Ok(license) => Ok(Some((name, license))),
        Err(error) => Err(ObjectError::License { name, error }.into()),
    }
}

/// Stores a licence under the next number, marked as this installation's, and gives its object's name. The cluster agent removes those
/// that it replaces.
///
/// # Errors
/// [`KeepError`]; nothing is stored then.
pub async fn store(
    engine: &EngineClient,
    cluster_id: &str,
    text: &[u8],
) -> Result<(String, License), KeepError> {
    let license = License::parse(text)?;
    for _ in 0..ATTEMPTS {
        let objects = objects::list(engine).await?;
        let numbers = objects.iter().filter_map(|object| number(&object.spec.name));
        let next = numbers.max().map_or(1, |number| number.saturating_add(1));
        let name = format!("{LICENSE}-{next}");
        // An object at `/`, which administrators see.
        let body = json!({
            "Name": name,
            "Data": STANDARD.encode(text),
            "Labels": {
                labels::INSTANCE_ID: cluster_id,
                "com.docker.ucp.access.label": "/",
                "com.docker.ucp.collection": "swarm",
                "com.docker.ucp.collection.root": "true",
                "com.docker.ucp.collection.swarm": "true",
            },
        });
        match engine
            .call("POST", "/configs/create", full(body.to_string()))
            .await
        {
            Ok(_) => return Ok((name, license)),
            Err(EngineError::Refused { status, .. }) if status == http::StatusCode::CONFLICT => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(KeepError::Busy)
}

/// The number of a licence's object; one without is the first.
fn number(name: &str) -> Option<u64> {
    match name.strip_prefix(LICENSE)? {
        "" => Some(0),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}
