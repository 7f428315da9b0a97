//! Finds the objects that a request names, all at once, on the node that the request goes to.
//!
//! The engine itself resolves names and id prefixes, so there is no second opinion on what a name means; what is
//! checked and forwarded afterwards is the full id that it answered (proxy-18).

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::StatusCode;
use mke_rbac::Policy;
use mke_rbac::demand::{Demand, Facts, Home, ObjectFacts, ObjectKind, ObjectRef, Target};
use mke_rbac::model::builtin;
use mke_rbac::operation::ObjectType;
use serde_json::Value;

use super::error::EngineError;
use super::inspect::{self, Found};
use super::mounted;
use super::sight::Sight;

/// Finds everything that a demand names; what does not exist is left out. `own` was found before and is not asked
/// for again.
///
/// # Errors
/// When the engine cannot say which object is meant, or fails.
pub async fn facts(
    sight: &Sight,
    policy: &Policy,
    demand: &Demand,
    own: Option<(ObjectRef, ObjectFacts)>,
) -> Result<Facts, EngineError> {
    let known = own.as_ref().map(|(object, _)| object);
    let missing = demand
        .objects()
        .into_iter()
        .filter(|object| Some(*object) != known);
    let of_service = demand
        .placement
        .as_ref()
        .is_some_and(|placement| placement.object_type == ObjectType::Service);
    let found = try_join_all(missing.map(|object| async move {
        let mounted = demand
            .wants
            .iter()
            .any(|want| matches!(&want.on, Target::VolumeOrWorkload(other) if other == object));
        if of_service && mounted {
            let facts = mounted_volume(sight, policy, object).await?;
            return Ok(facts.map(|facts| (object.clone(), facts)));
        }
        let with_volumes = demand
            .wants
            .iter()
            .any(|want| matches!(&want.on, Target::VolumesOf(other) if other == object));
        let facts = find(sight, policy, object, with_volumes).await?;
        Ok::<_, EngineError>(facts.map(|facts| (object.clone(), facts)))
    }));
    Ok(Facts {
        objects: found.await?.into_iter().flatten().chain(own).collect(),
    })
}

/// Finds one object.
///
/// # Errors
/// As [`facts`].
pub async fn one(
    sight: &Sight,
    policy: &Policy,
    object: &ObjectRef,
) -> Result<Option<ObjectFacts>, EngineError> {
    find(sight, policy, object, false).await
}

/// Finds a volume that a service mounts. Its tasks run on any node, so a volume that is not on this one may still be
/// somebody's: the services that mount it say where it lies.
async fn mounted_volume(
    sight: &Sight,
    policy: &Policy,
    volume: &ObjectRef,
) -> Result<Option<ObjectFacts>, EngineError> {
    let here = find(sight, policy, volume, false).await?;
    let services = match sight.manager().get_json("/services").await {
        Ok(services) => services,
        // Without a swarm there are no services.
        Err(EngineError::Refused {
            status: StatusCode::SERVICE_UNAVAILABLE,
            ..
        }) => Value::Array(Vec::new()),
        Err(error) => return Err(error),
    };
    let services = services.as_array().map(Vec::as_slice).unwrap_or_default();
    let name = here.as_ref().map_or(&volume.name, |facts| &facts.name).clone();
    let elsewhere = mounted::homes(&name, services, policy);
    let home = mounted::agreed(&name, here.as_ref().map(|facts| &facts.home), &elsewhere);
    Ok(home.map(|home| ObjectFacts {
        home,
        ..here.unwrap_or_else(|| ObjectFacts::at(name, builtin::ROOT.into()))
    }))
}

async fn find(
    sight: &Sight,
    policy: &Policy,
    object: &ObjectRef,
    with_volumes: bool,
) -> Result<Option<ObjectFacts>, EngineError> {
    let Some(value) = describe(sight, object).await? else {
        return Ok(None);
    };
    let mut facts = facts_of(sight, policy, object, &value).await?;
    if with_volumes {
        facts.volumes = homes_of_volumes(sight, policy, &value).await?;
    }
    Ok(Some(facts))
}

/// What a description says about its object.
async fn facts_of(
    sight: &Sight,
    policy: &Policy,
    object: &ObjectRef,
    value: &Value,
) -> Result<ObjectFacts, EngineError> {
    Ok(match read(object, value, policy)? {
        Found::Complete(facts) => *facts,
        Found::LiesWith {
            id,
            kind,
            other,
            otherwise,
        } => {
            let owner = ObjectRef::new(kind, other);
            let home = match describe(sight, &owner).await? {
                None => otherwise,
                Some(value) => match read(&owner, &value, policy)? {
                    Found::Complete(owner) => owner.home,
                    Found::LiesWith { .. } => otherwise,
                },
            };
            ObjectFacts {
                home,
                ..ObjectFacts::at(id, builtin::ROOT.into())
            }
        }
    })
}

async fn homes_of_volumes(
    sight: &Sight,
    policy: &Policy,
    container: &Value,
) -> Result<Vec<Home>, EngineError> {
    let names = inspect::volumes(container);
    try_join_all(names.into_iter().map(|name| async move {
        let volume = ObjectRef::new(ObjectKind::Volume, name);
        let Some(value) = describe(sight, &volume).await? else {
            // It has gone meanwhile; only somebody who may do everything needs no answer about it.
            return Ok(Home::Conflicting);
        };
        match read(&volume, &value, policy)? {
            Found::Complete(facts) => Ok(facts.home),
            Found::LiesWith { otherwise, .. } => Ok(otherwise),
        }
    }))
    .await
}

fn read(object: &ObjectRef, value: &Value, policy: &Policy) -> Result<Found, EngineError> {
    inspect::read(object.kind, value, policy).ok_or_else(|| EngineError::Malformed {
        path: object.to_string(),
        source: serde::de::Error::custom("the id or the name is missing"),
    })
}

/// An object in the engine's own words, and what was read off them.
#[derive(Debug)]
pub struct Described {
    /// What was read.
    pub facts: ObjectFacts,
    /// The words: JSON.
    pub words: Bytes,
}

/// Finds one object and keeps the engine's description in an API version, such as `1.41`: for a caller who asks for
/// just that, so that what was judged is what is answered.
///
/// # Errors
/// As [`facts`].
pub async fn described(
    sight: &Sight,
    policy: &Policy,
    object: &ObjectRef,
    version: &str,
) -> Result<Option<Described>, EngineError> {
    let Some(words) = words(sight, object, &format!("/v{version}")).await? else {
        return Ok(None);
    };
    let facts = facts_of(sight, policy, object, &parse(object, &words)?).await?;
    Ok(Some(Described { facts, words }))
}

/// The engine's description of an object, if it exists.
///
/// # Errors
/// As [`facts`].
pub async fn describe(sight: &Sight, object: &ObjectRef) -> Result<Option<Value>, EngineError> {
    let words = words(sight, object, "").await?;
    words.map(|words| parse(object, &words)).transpose()
}

fn parse(object: &ObjectRef, words: &[u8]) -> Result<Value, EngineError> {
    inspect::parse(object.kind, words).map_err(|source| EngineError::Malformed {
        path: object.to_string(),
        source,
    })
}

async fn words(sight: &Sight, object: &ObjectRef, version: &str) -> Result<Option<Bytes>, EngineError> {
    let Some(name) = own_name(sight, object).await? else {
        return Ok(None);
    };
    possible(object, name)?;
    let (before, after) = inspect::path(object.kind);
    let path = format!("{version}{before}{}{after}", escaped(name));
    for engine in sight.knows(object.kind) {
        match engine.get_bytes(&path).await {
            Ok(words) => return Ok(Some(words)),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Names that would lead to another path than that of the object.
fn possible(object: &ObjectRef, name: &str) -> Result<(), EngineError> {
    let slashes = object.kind != ObjectKind::Image && name.contains('/');
    if slashes || name.split('/').any(|part| part == "." || part == "..") {
        return Err(EngineError::Refused {
            status: StatusCode::BAD_REQUEST,
            message: format!("no {object} is possible, use its name or id"),
        });
    }
    Ok(())
}

/// The name without the name of the node before it. Nothing for objects of other nodes.
async fn own_name<'o>(sight: &Sight, object: &'o ObjectRef) -> Result<Option<&'o str>, EngineError> {
    let of_a_node = matches!(
        object.kind,
        ObjectKind::Container | ObjectKind::Network | ObjectKind::Volume
    );
    let name = object.name.trim_start_matches('/');
    Ok(match name.split_once('/') {
        Some((node, name)) if of_a_node => (node == sight.home_name().await?).then_some(name),
        _ if name.is_empty() => None,
        _ => Some(name),
    })
}

/// A name as one element of a path, images' slashes included: every byte but unreserved characters
/// (RFC 3986 section 2.3) is escaped.
pub fn escaped(name: &str) -> String {
    let mut path = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@/".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// Text as the value of a query parameter.
pub fn escaped_query(text: &str) -> String {
    escaped(text)
        .replace('/', "%2F")
        .replace(':', "%3A")
        .replace('@', "%40")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only images have slashes in their names, and nothing leads to another path.
    #[test]
    fn names_stay_in_their_place() {
        for (kind, name, expected) in [
            (ObjectKind::Secret, "key", true),
            (ObjectKind::Secret, "../services/x", false),
            (ObjectKind::Config, "a/b", false),
            (ObjectKind::Service, "..", false),
            (ObjectKind::Service, "web.1", true),
            (ObjectKind::Image, "example.com/team/web:1", true),
            (ObjectKind::Image, "web/../../info", false),
        ] {
            let object = ObjectRef::new(kind, name);
            assert_eq!(possible(&object, name).is_ok(), expected, "{object}");
        }
    }
}
