//! Writes an allowed call to the engine.
//!
//! Bodies that were checked are sent as they were written out again; archives pass as a stream in both directions,
//! so that a build context or an image is never held in memory.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body as _;
use mke_rbac::Permit;
use mke_rbac::engine::{Forward, ForwardBody};

use super::headers;
use crate::controller::body::{Body, empty, full};
use crate::controller::error::ApiError;
use crate::engine::{EngineClient, Upgrade};

/// Sends the call and returns the answer as it begins. The permit is what allows it.
pub(super) async fn send(
    engine: &EngineClient,
    _permit: &Permit,
    forward: Forward,
    caller: &HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let streams = matches!(forward.body, ForwardBody::Stream { .. }) && !body.is_end_stream();
    let request = request(forward, caller, body)?;
    let mut response = if streams {
        engine.send_stream(request).await?
    } else {
        engine.send(request).await?
    };
    headers::towards_caller(response.headers_mut());
    Ok(response)
}

/// Sends a call that asks to leave HTTP.
pub(super) async fn upgrade(
    engine: &EngineClient,
    _permit: &Permit,
    forward: Forward,
    caller: &HeaderMap,
    protocol: &'static str,
) -> Result<Upgrade, ApiError> {
    let mut request = request(forward, caller, empty())?;
    headers::set_upgrade(request.headers_mut(), HeaderValue::from_static(protocol));
    Ok(engine.upgrade(request).await?)
}

fn request(forward: Forward, caller: &HeaderMap, stream: Body) -> Result<Request<Body>, ApiError> {
    let mut headers = headers::towards_engine(caller, forward.headers);
    let body = match forward.body {
        ForwardBody::None => empty(),
        ForwardBody::Json(bytes) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            full(bytes)
        }
        ForwardBody::Stream { content_type } => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            stream
        }
    };
    // A body without a length is sent in chunks; one that is empty must say so, or the engine waits for it.
    if body.is_end_stream() {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut request = Request::builder()
        .method(forward.method)
        .uri(forward.path_and_query)
        .body(body)
        .map_err(ApiError::internal)?;
    *request.headers_mut() = headers;
    Ok(request)
}
