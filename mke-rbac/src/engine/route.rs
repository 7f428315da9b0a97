//! From a method and a path to an endpoint and the object that it names.
//!
//! Literal elements win over the element for a name, whose width depends on what it names: images have names of many
//! elements, objects of one node may be called `<node>/<name>`, everything else is one element.

use super::endpoint::Endpoint;
use super::path::{ApiVersion, Target};
use super::query::Query;
use super::table::ENDPOINTS;
use crate::demand::{ObjectKind, ObjectRef};

/// The newest version of the Engine API that is understood, as the engine is told it.
pub const NEWEST_API: &str = "1.41";
const NEWEST: ApiVersion = ApiVersion { major: 1, minor: 41 };
/// The oldest version that is served.
const OLDEST: ApiVersion = ApiVersion { major: 1, minor: 20 };

/// Longest name of an object in a path, in bytes.
const MAX_NAME_BYTES: usize = 1024;

/// Why a request belongs to no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No endpoint has this path. There may be one in a newer API; unknown means refused.
    #[error("page not found: `{path}` is no path of Engine API 1.41")]
    UnknownPath {
        /// The normalized path.
        path: String,
    },
    /// The path exists with other methods. Methods are case sensitive (RFC 9110 section 9.1).
    #[error("method `{method}` is not possible on `{path}`")]
    UnknownMethod {
        /// The method as sent.
        method: String,
        /// The normalized path.
        path: String,
    },
    /// The client speaks a newer API than the server.
    #[error("client version {found} is too new. Maximum supported API version is 1.41")]
    VersionTooNew {
        /// The version of the request.
        found: ApiVersion,
    },
    /// The client speaks an API that is not served any more.
    #[error("client version {found} is too old. Minimum supported API version is 1.20")]
    VersionTooOld {
        /// The version of the request.
        found: ApiVersion,
    },
    /// The endpoint exists but cannot be called through the cluster.
    #[error("`{path}` is not available: {why}")]
    NotAvailable {
        /// The normalized path.
        path: String,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// A name in the path that no object can have.
    #[error("the name in the path has {found} bytes, at most {max} are possible")]
    NameTooLong {
        /// Bytes found.
        found: usize,
        /// The limit.
        max: usize,
    },
}

/// A request that belongs to an endpoint.
#[derive(Debug, Clone)]
pub struct Route {
    endpoint: &'static Endpoint,
    name: Option<String>,
    version: ApiVersion,
    query: Query,
}

impl Route {
    /// The endpoint.
    pub const fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    /// The object in the path, by the caller's spelling.
    pub fn own_object(&self) -> Option<ObjectRef> {
        Some(ObjectRef::new(self.endpoint.own?, self.name.as_deref()?))
    }

    /// The API version that the request is read as: the caller's, or the newest when the path carries none.
    pub const fn version(&self) -> ApiVersion {
        self.version
    }

    pub(super) const fn query(&self) -> &Query {
        &self.query
    }
}

/// Finds the endpoint of a request.
///
/// # Errors
/// Everything that is not in the table, in a version that is not served, or not available: see [`RouteError`].
pub fn route(method: &str, target: &Target) -> Result<Route, RouteError> {
    let version = match target.version() {
        Some(found) if found > NEWEST => return Err(RouteError::VersionTooNew { found }),
        Some(found) if found < OLDEST => return Err(RouteError::VersionTooOld { found }),
        found => found.unwrap_or(NEWEST),
    };
    let segments = target.segments();
    let matching = |endpoint: &&'static Endpoint| width(endpoint, segments).is_some();
    let found = ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.method == method)
        .filter(matching)
        .min_by_key(|endpoint| width(endpoint, segments));
    let Some(endpoint) = found else {
        let path = target.path();
        return Err(if ENDPOINTS.iter().any(|endpoint| matching(&endpoint)) {
            RouteError::UnknownMethod {
                method: method.chars().take(32).collect(),
                path,
            }
        } else {
            RouteError::UnknownPath { path }
        });
    };
    if let Some(why) = endpoint.unavailable {
        let path = target.path();
        return Err(RouteError::NotAvailable { path, why });
    }
    let name = name(endpoint, segments);
    if let Some(found) = name.as_ref().map(String::len)
        && found > MAX_NAME_BYTES
    {
        return Err(RouteError::NameTooLong {
            found,
            max: MAX_NAME_BYTES,
        });
    }
    Ok(Route {
        endpoint,
        name,
        version,
        query: target.query().clone(),
    })
}

/// How many elements the name in the path may have.
const fn widest(endpoint: &Endpoint) -> usize {
    match endpoint.own {
        Some(ObjectKind::Image) => usize::MAX,
        Some(ObjectKind::Container | ObjectKind::Network | ObjectKind::Volume) => 2,
        Some(_) => 1,
        // Plugins have names like images.
        None => usize::MAX,
    }
}

/// The elements of a template before its name and after it.
fn parts(template: &str) -> (&str, Option<&str>) {
    match template.split_once('{') {
        None => (template, None),
        Some((before, rest)) => (before, Some(rest.split_once('}').map_or("", |(_, after)| after))),
    }
}

fn elements(part: &str) -> impl Iterator<Item = &str> {
    part.split('/').filter(|element| !element.is_empty())
}

/// How many elements the name spans when the path matches, 0 for a path without a name.
fn width(endpoint: &Endpoint, segments: &[String]) -> Option<usize> {
    let (before, after) = parts(endpoint.template);
    let starts = elements(before).count();
    let ends = after.map_or(0, |after| elements(after).count());
    let width = segments.len().checked_sub(starts + ends)?;
    let possible = match after {
        Some(_) => (1..=widest(endpoint)).contains(&width),
        None => width == 0,
    };
    let matches = possible
        && elements(before).zip(segments).all(|(a, b)| a == b)
        && elements(after.unwrap_or_default())
            .zip(&segments[segments.len() - ends..])
            .all(|(a, b)| a == b);
    matches.then_some(width)
}

fn name(endpoint: &Endpoint, segments: &[String]) -> Option<String> {
    let (before, after) = parts(endpoint.template);
    let end = segments.len() - elements(after?).count();
    Some(segments.get(elements(before).count()..end)?.join("/"))
}
