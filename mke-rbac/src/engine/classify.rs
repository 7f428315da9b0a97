//! From a routed request to what it asks of the policy.
//!
//! The whole body is read before anything is decided, and what was read is what will be sent (G-01). Rules per
//! endpoint are in [`super::body`]; this module applies what all endpoints share. It never decides.

use serde_json::Value;

use super::body;
use super::call::{Call, CallBody, CallError, CallHeaders};
use super::draft::Draft;
use super::endpoint::{BodyKind, Endpoint, Param};
use super::json;
use super::query::Query;
use super::route::Route;
use super::shape::{self, Canonical};
use crate::demand::ObjectFacts;

/// Reads a request completely.
///
/// `body` is the whole body, or empty for an endpoint with [`BodyKind::Raw`], whose body is passed on as a
/// stream. `own` is what is known about [`Route::own_object`]; it is only looked at for endpoints with
/// [`Endpoint::reads_own`] and may be left out for others.
///
/// # Errors
/// Everything that cannot be understood completely, see [`CallError`].
pub fn classify(
    route: &Route,
    headers: &CallHeaders<'_>,
    body: &[u8],
    own: Option<&ObjectFacts>,
) -> Result<Call, CallError> {
    let endpoint = route.endpoint();
    let query = known_query(endpoint, route.query())?;
    let read = read_body(endpoint, headers, body)?;
    let object = route.own_object();
    if endpoint.reads_own()
        && own.is_none()
        && let Some(object) = object
    {
        return Err(CallError::NotFound(object));
    }
    let (body, unknown) = match read {
        Some(Canonical { value, unknown }) => (CallBody::Json(value), unknown),
        None => match endpoint.body {
            BodyKind::Raw { content_type } => (CallBody::Stream { content_type }, Vec::new()),
            BodyKind::None | BodyKind::Json { .. } => (CallBody::None, Vec::new()),
        },
    };
    let mut draft = Draft::new(endpoint, object, query, body);
    body::rules(&mut draft, own)?;
    if !unknown.is_empty() {
        draft.privileged();
    }
    Ok(draft.finish(route.version(), unknown))
}

/// Only parameters that the endpoint knows, each as often as it makes sense.
fn known_query(endpoint: &Endpoint, query: &Query) -> Result<Query, CallError> {
    for param in endpoint.query {
        if let Param::One(name) = param {
            query.one(name)?;
        }
    }
    let mut query = query.clone();
    query.retain(|name| endpoint.query.iter().any(|param| param.name() == name));
    Ok(query)
}

fn read_body(
    endpoint: &Endpoint,
    headers: &CallHeaders<'_>,
    body: &[u8],
) -> Result<Option<Canonical>, CallError> {
    let (max, optional) = match endpoint.body {
        BodyKind::Raw { .. } => return Ok(None),
        BodyKind::None if json::is_absent(body) => return Ok(None),
        // The Docker client sends `null` where it has nothing to say.
        BodyKind::None if body.trim_ascii() == b"null" => return Ok(None),
        BodyKind::None => return Err(CallError::UnexpectedBody),
        BodyKind::Json { max, optional } => (max, optional),
    };
    if let Some(encoding) = headers.content_encoding
        && !encoding.trim().eq_ignore_ascii_case("identity")
    {
        return Err(CallError::Encoding {
            found: encoding.chars().take(64).collect(),
        });
    }
    if json::is_absent(body) {
        return if optional {
            Ok(None)
        } else {
            Err(CallError::MissingBody)
        };
    }
    let value = json::parse(body, max)?;
    if optional && value == Value::Null {
        return Ok(None);
    }
    Ok(Some(shape::canonical(value, body::shape(endpoint.id))?))
}
