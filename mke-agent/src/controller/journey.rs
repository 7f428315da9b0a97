//! The journey of one request, from its head to its answer.
//!
//! ```text
//! normalize → find the endpoint → identify → decide → record a write → handle or forward → headers → record → count
//! ```
//!
//! Each arrow is a file of its own; this one only puts them in order. Whatever fails on the way, a panic included
//! (G-07), becomes an answer here, is recorded and is counted.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use mke_auth::identity::Identity;
use mke_core::config::AuditLevel;
use mke_rbac::engine::{self, Route, RouteError, Target};
use mke_rbac::{Decision, Denial, Subject};
use tokio::time::timeout;

use super::api::Call;
use super::api::access::{self, Rule};
use super::api::table::{self, Endpoint, Found};
use super::audit::{self, Arrival, Asker, Moment, Notes, Recording, Stage};
use super::body::{BoxError, Response};
use super::error::{ApiError, Kind, Surface};
use super::identify::Identified;
use super::metrics::Part;
use super::server::Peer;
use super::snapshot::Snapshot;
use super::state::State;
use super::{headers, identify, membership, rng};
use crate::proxy;

/// For a body that is read whole: slow clients must not keep a handler waiting.
const BODY_TIME: Duration = Duration::from_secs(60);

/// What becomes known on the way and is needed at the end, also when a step fails.
struct Trace {
    arrival: Arrival,
    notes: Notes,
    asker: OnceLock<Asker>,
    part: OnceLock<Part>,
    surface: OnceLock<Surface>,
}

/// Answers a request. Never fails: every failure is an answer.
pub(super) async fn answer(state: &Arc<State>, peer: &Peer, mut request: Request<Incoming>) -> Response {
    identify::strip_claims(request.headers_mut());
    let trace = Trace {
        arrival: Arrival {
            id: mke_core::ids::random_uuid(&mut rng()),
            received: state.clock.now(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().map(str::to_owned),
            peer: peer.address,
        },
        notes: Notes::default(),
        asker: OnceLock::new(),
        part: OnceLock::new(),
        surface: OnceLock::new(),
    };
    request.extensions_mut().insert(trace.notes.clone());
    let snapshot = state.snapshot();
    let travelled = AssertUnwindSafe(travel(state, &snapshot, peer, &trace, request))
        .catch_unwind()
        .await;
    let (mut response, panicked) = match travelled {
        Ok(Ok(response)) => (response, false),
        Ok(Err(error)) => {
            let error = membership::with_who_is_missing(state, error).await;
            (failed(&trace, &error), false)
        }
        Err(_) => {
            let error = ApiError::internal("a handler panicked");
            (failed(&trace, &error), true)
        }
    };
    headers::add(response.headers_mut(), &snapshot.config, &state.server_identity);
    let part = trace.part.get().copied().unwrap_or(Part::Control);
    state.metrics.answered(part, response.status());
    let stage = match () {
        () if panicked => Stage::Panic,
        () if response.body().size_hint().exact().is_none() => Stage::ResponseStarted,
        () => Stage::ResponseComplete,
    };
    // The effect has happened; a lost record of it can only be reported.
    if let Err(error) = record(state, &snapshot, &trace, stage, Some(response.status())) {
        tracing::error!(%error, id = trace.arrival.id, "an audit record could not be written");
    }
    response
}

/// The journey proper.
async fn travel(
    state: &Arc<State>,
    snapshot: &Arc<Snapshot>,
    peer: &Peer,
    trace: &Trace,
    request: Request<Incoming>,
) -> Result<Response, ApiError> {
    let target = engine::normalize(&request.uri().to_string())?;
    check_version(request.method(), &target)?;
    let found = table::find(
        request.method().as_str(),
        target.segments(),
        target.version().is_some(),
    );
    match found {
        Found::Endpoint(endpoint, params) => {
            trace.classed(Part::Control, endpoint.surface(), endpoint.recording);
            let identified = if endpoint.rule == Rule::Node {
                let node = identify::node(peer, params.first())?;
                trace.asked_by_node(node);
                Identified::default()
            } else if endpoint.rule == Rule::ScimToken {
                let token = identify::scim_token(state, snapshot, peer, request.headers())?;
                trace.asked_by_scim(&token);
                Identified::default()
            } else {
                identify(state, snapshot, peer, &request, &target, endpoint.rule).await?
            };
            let snapshot = &identified.view(state, snapshot);
            trace.changed_by(&identified);
            let identity = identified.identity;
            trace.asked_by(identity.as_ref());
            let subject = subject(identity.as_ref());
            let decision = access::decide(snapshot, &subject, endpoint.rule, &params);
            state.metrics.decided(decision.is_allowed());
            control(
                state, snapshot, trace, request, &target, endpoint, params, identity, decision,
            )
            .await
        }
        Found::OtherMethod => {
            trace.classed(Part::Control, table::surface_of(&target.path()), Recording::Full);
            let identified = identify(state, snapshot, peer, &request, &target, Rule::Authenticated).await?;
            trace.asked_by(identified.identity.as_ref());
            Err(ApiError::new(
                Kind::MethodNotAllowed,
                format!(
                    "method {} is not possible on {}",
                    trace.arrival.method,
                    target.path()
                ),
            ))
        }
        Found::Nothing => {
            trace.classed(Part::Engine, Surface::Plain, Recording::Full);
            let identity = identify(state, snapshot, peer, &request, &target, Rule::Authenticated)
                .await?
                .identity
                .ok_or_else(ApiError::unauthenticated)?;
            trace.asked_by(Some(&identity));
            let route = engine::route(request.method().as_str(), &target)?;
            trace.notes.set_recording(engine_recording(&route));
            before_write(state, snapshot, trace)?;
            let begun = Instant::now();
            let describes_nodes =
                *request.method() == Method::GET && route.endpoint().template.starts_with("/nodes");
            let mut answered = proxy::handle(state, &identity, route, request).await;
            if let (Some(board), true, Ok(answer)) = (&state.board, describes_nodes, &mut answered) {
                let answer = std::mem::replace(answer, super::body::status(StatusCode::OK));
                answered = membership::dressed(state, board, answer).await;
            }
            state.metrics.engine_answered(begun.elapsed());
            if let (Some(board), Ok(answer)) = (&state.board, &mut answered)
                && answer.status().is_server_error()
            {
                let refused = std::mem::replace(answer, super::body::status(StatusCode::OK));
                *answer = membership::without_leader(state, board, refused).await;
            }
            let denied = answered.as_ref().is_err_and(|error| error.denial().is_some());
            state.metrics.decided(!denied);
            answered
        }
    }
}

/// Reads the body and hands a control-plane call to its handler.
#[expect(
    clippy::too_many_arguments,
    reason = "the steps before this one each found one of them"
)]
async fn control(
    state: &Arc<State>,
    snapshot: &Arc<Snapshot>,
    trace: &Trace,
    request: Request<Incoming>,
    target: &Target,
    endpoint: &'static Endpoint,
    params: Vec<String>,
    identity: Option<Identity>,
    decision: Decision,
) -> Result<Response, ApiError> {
    let permit = decision.into_result()?;
    before_write(state, snapshot, trace)?;
    let (head, body) = request.into_parts();
    let body = whole_body(body, endpoint.max_body).await?;
    trace.notes.body(&body);
    (endpoint.handler)(Call {
        state: state.clone(),
        snapshot: snapshot.clone(),
        identity,
        permit,
        method: head.method,
        params,
        query: target.query().clone(),
        raw_query: trace.arrival.query.clone(),
        headers: head.headers,
        body,
        peer: trace.arrival.peer,
        received: trace.arrival.received,
        notes: trace.notes.clone(),
    })
    .await
}

/// Public endpoints ask nobody's name, so a dead credential does not keep anybody from logging in again.
async fn identify(
    state: &State,
    snapshot: &Snapshot,
    peer: &Peer,
    request: &Request<Incoming>,
    target: &Target,
    rule: Rule,
) -> Result<Identified, ApiError> {
    let segments = target.segments();
    let is = |position: usize, word: &str| segments.get(position).is_some_and(|segment| segment == word);
    let basic_allowed = (is(0, "enzi") && is(1, "v0"))
        || (segments.len() == 1 && is(0, "info"))
        || (segments.len() == 2 && is(0, "auth") && is(1, "token"));
    let identified = identify::identify(state, snapshot, peer, request.headers(), basic_allowed).await;
    if rule == Rule::Public {
        return Ok(identified.unwrap_or_default());
    }
    identified
}

fn subject(identity: Option<&Identity>) -> Subject {
    identity.map_or(Subject::Anonymous, |identity| {
        Subject::Account(identity.account().clone())
    })
}

/// A version in the path must be one that is served, also before paths that the control plane answers itself.
fn check_version(method: &Method, target: &Target) -> Result<(), ApiError> {
    match target.version().map(|_| engine::route(method.as_str(), target)) {
        Some(Err(error @ (RouteError::VersionTooNew { .. } | RouteError::VersionTooOld { .. }))) => {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

/// How an Engine call is recorded: bodies of secrets and of swarm credentials never are (AUD-006).
fn engine_recording(route: &Route) -> Recording {
    let template = route.endpoint().template;
    if audit::is_ignored(template) {
        Recording::Ignored
    } else if template.starts_with("/secrets") || template.starts_with("/swarm") {
        Recording::NoBody
    } else {
        Recording::Full
    }
}

/// Records a write before it is done, and refuses it when that fails (audit-05).
fn before_write(state: &State, snapshot: &Snapshot, trace: &Trace) -> Result<(), ApiError> {
    if matches!(trace.arrival.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    record(state, snapshot, trace, Stage::RequestReceived, None).map_err(|error| {
        ApiError::new(
            Kind::Unavailable,
            "the audit record cannot be written, so nothing is changed",
        )
        .because(error)
    })
}

fn record(
    state: &State,
    snapshot: &Snapshot,
    trace: &Trace,
    stage: Stage,
    status: Option<StatusCode>,
) -> std::io::Result<()> {
    let level = snapshot.config.audit_log.level;
    if level == AuditLevel::Off
        || trace.notes.recording() == Recording::Ignored
        || audit::is_ignored(&trace.arrival.path)
    {
        return Ok(());
    }
    let moment = Moment {
        stage,
        now: state.clock.now(),
        status,
    };
    let nobody = Asker::default();
    let asker = trace.asker.get().unwrap_or(&nobody);
    state
        .audit
        .record(level, moment, &trace.arrival, asker, &trace.notes)
}

/// Turns an error into its answer, and tells the log what the caller is not told.
fn failed(trace: &Trace, error: &ApiError) -> Response {
    if let Some(denial) = error.denial() {
        let mut missing = serde_json::json!({ "code": denial.code(), "text": denial.to_string() });
        if let Denial::Missing(checks) = denial {
            missing["checks"] = serde_json::json!(checks);
        }
        trace.notes.missing(missing);
    }
    let id = &trace.arrival.id;
    let path = &trace.arrival.path;
    match (error.kind(), error.cause()) {
        (Kind::Internal | Kind::BadGateway | Kind::Unavailable, cause) => {
            tracing::error!(id, path, error = %error, cause, "request failed");
        }
        (_, Some(cause)) => tracing::debug!(id, path, error = %error, cause, "request refused"),
        (_, None) => {}
    }
    error.to_response(trace.surface.get().copied().unwrap_or(Surface::Plain))
}

async fn whole_body(body: Incoming, max: usize) -> Result<Bytes, ApiError> {
    // A client that waits for `100 Continue` is told before it sends what nobody reads.
    if body.size_hint().lower() > max as u64 {
        return Err(too_large(max));
    }
    match timeout(BODY_TIME, Limited::new(body, max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) => Err(body_error(&error, max)),
        Err(_) => Err(ApiError::malformed("the body did not arrive in time")),
    }
}

fn body_error(error: &BoxError, max: usize) -> ApiError {
    if error.is::<LengthLimitError>() {
        too_large(max)
    } else {
        ApiError::malformed("the body broke off").because(error)
    }
}

fn too_large(max: usize) -> ApiError {
    ApiError::new(
        Kind::TooLarge,
        format!("the body is too large, at most {max} bytes are taken here"),
    )
}

impl Trace {
    fn classed(&self, part: Part, surface: Surface, recording: Recording) {
        // Set once per request; a second value cannot come.
        let _ = self.part.set(part);
        let _ = self.surface.set(surface);
        self.notes.set_recording(recording);
    }

    /// A SCIM client is no account; its token is named instead (scim-19).
    fn asked_by_scim(&self, token: &str) {
        let _ = self.asker.set(Asker {
            name: "scim".to_owned(),
            id: format!("scim-token:{token}"),
        });
    }

    /// A node is no account either.
    fn asked_by_node(&self, id: &str) {
        let _ = self.asker.set(Asker {
            name: "node".to_owned(),
            id: format!("node:{id}"),
        });
    }

    /// Names the directory that made or changed the account of whoever asks.
    fn changed_by(&self, identified: &Identified) {
        if let (Some(via), Some(identity)) = (identified.changed, &identified.identity) {
            self.notes.object_id(identity.account().as_str());
            self.notes
                .changed_by(via.source, if via.made { "create" } else { "update" });
        }
    }

    fn asked_by(&self, identity: Option<&Identity>) {
        if let Some(identity) = identity {
            let _ = self.asker.set(Asker {
                name: identity.name().to_string(),
                id: identity.account().to_string(),
            });
        }
    }
}
