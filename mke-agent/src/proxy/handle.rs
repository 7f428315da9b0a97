//! The journey of one Engine API call. Each step is a file of its own; this one puts them in order.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use mke_auth::identity::Identity;
use mke_rbac::demand::{ObjectFacts, ObjectKind, ObjectRef};
use mke_rbac::engine::{
    AnswerKind, BodyKind, Call, CallHeaders, EndpointId, Forward, ForwardBody, Forwarding, Query, Route,
    classify,
};
use mke_rbac::{Denial, Policy};
use tokio::time::timeout;

use super::answer::Wanted;
use super::caller::Caller;
use super::linger::Lingering;
use super::site::Site;
use super::{
    agree, answer, cut, deliver, dress, error_text, events, everywhere, headers, lists, make, node_rules,
    nodes, prune, send, stream, system, tunnel,
};
use crate::controller::audit::Notes;
use crate::controller::body::{self, Body, Response, empty};
use crate::controller::configuration::objects;
use crate::controller::error::{ApiError, Kind};
use crate::controller::live;
use crate::controller::state::State;
use crate::controller::streams::{Allowed, Lease};
use crate::engine::client::whole;
use crate::engine::lookup::{self, Described};
use crate::engine::{Sight, Upgrade};
use crate::fleet::Fleet;

/// For a body that is read whole: a slow client must not hold a place for long.
const BODY_TIME: Duration = Duration::from_secs(60);
/// How long nothing may move in an attached terminal or a build session. A shell left open over a working day is
/// normal, one left open over a night is forgotten.
const IDLE_TIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Answers a call of the Engine API.
///
/// # Errors
/// Everything that keeps the call from the engine. What the engine refuses is an answer.
pub(crate) async fn handle(
    state: &Arc<State>,
    identity: &Identity,
    route: Route,
    mut request: Request<Incoming>,
) -> Result<Response, ApiError> {
    let mut caller = Caller::of(state, identity);
    if matches!(route.endpoint().answer, AnswerKind::List(_)) {
        caller.policy = list_policy(state, &caller);
    }
    let caller = caller;
    let on_upgrade = hyper::upgrade::on(&mut request);
    let (head, body) = request.into_parts();
    let body = Lingering::new(body);
    let notes = head.extensions.get::<Notes>().cloned().unwrap_or_default();

    let mut site = Site::of_route(state, &caller, &route).await?;
    let own = own_object(&site.sight(), &caller, &route).await?;
    let judged_version = own.as_ref().and_then(|(_, facts)| facts.version);
    let (checked, stream) = read(route.endpoint().body, body).await?;
    notes.body(&checked);
    let call = classify(
        &route,
        &call_headers(&head.headers),
        &checked,
        own.as_ref().map(|(_, facts)| facts),
    )?;
    site.choose(state, &caller, &call).await?;
    let sight = site.sight();
    let described = described(&sight, &caller, &route, head.uri.query()).await?;
    let (own, words) = match described {
        Some((object, found)) => (Some((object, found.facts)), Some(found.words)),
        None => (own, None),
    };
    let mut facts = lookup::facts(&sight, &caller.policy, call.demand(), own).await?;
    if let Some(members) = &site.members {
        agree::volumes(members, &caller.policy, call.demand(), &mut facts).await;
    }
    if let Some(own) = call.own_object().and_then(|own| facts.objects.get(own)) {
        notes.object_id(&own.id);
    }

    let judgement = caller.policy.judge(&caller.subject, call.demand(), &facts)?;
    let permit = judgement.decision.into_result()?;
    refuse_system_logs(&sight, &caller, &call).await?;
    if let Some(judged) = judged_version {
        same_version(call.query(), judged)?;
    }

    let target = call.own_object().map(|own| own.name.as_str());
    node_rules::must_be_safe(state, call.endpoint().id, target, &checked).await?;

    if let Some(prune) = call.prune()? {
        let now = state.clock.now().as_millis() as f64 / 1000.0;
        let engines = match &site.members {
            Some(members) => members.iter().map(|member| member.engine().clone()).collect(),
            None => vec![state.engine.clone()],
        };
        let pruned = prune::run(&engines, &caller, &permit, &prune, now).await;
        site.touch_all(call.endpoint().answer);
        return pruned;
    }
    if let Some(none) = site.nowhere.take() {
        return Err(ApiError::new(Kind::Conflict, none.to_string()));
    }
    if let (EndpointId::ContainerCreate, Some(placed), None) =
        (call.endpoint().id, &judgement.placed, &site.members)
    {
        nodes::must_admit(&state.engine, &caller, placed).await?;
    }
    if site.members.is_none() {
        make::must_fit(&state.engine, &call).await?;
    }
    if let (EndpointId::ContainerCreate | EndpointId::ContainerRename, Some(members)) =
        (call.endpoint().id, &site.members)
    {
        let name = call.query().one("name")?.unwrap_or_default();
        make::must_be_free(members, site.node().as_deref(), name).await?;
    }
    let (endpoint, kind) = (call.endpoint().id, call.endpoint().answer);
    let wanted = Wanted {
        limit: call.limit(),
        all: call.query().switch("all").unwrap_or(false),
    };
    if let Some(words) = words {
        // The permit is for reading exactly this.
        drop(permit);
        let response = body::bytes(StatusCode::OK, "application/json", words);
        let response = if answer::is_filtered(kind, caller.admin) {
            answer::filter(&sight, &caller, kind, wanted, response).await?
        } else {
            response
        };
        return dressed(&site, endpoint, kind, response).await;
    }
    let engine = site.engine();
    let reference = pulled(&call)?;
    let written = call.own_object().map(|own| own.kind);
    let uploads = matches!(call.endpoint().body, BodyKind::Raw { .. });
    let lasts = uploads
        || matches!(
            kind,
            AnswerKind::Stream | AnswerKind::Upgrade | AnswerKind::Events
        );
    let demand = lasts.then(|| call.demand().clone());
    let call_own = call.own_object().cloned();
    let forward = call.forward(
        &facts,
        judgement.placed.as_ref(),
        &Forwarding {
            policy: &caller.policy,
            owner: caller.owner(),
            orchestrator_label: true,
            service_defaults: live::service_defaults(&state.snapshot().config.user_workload_defaults),
        },
    )?;

    if endpoint == EndpointId::ConfigCreate {
        meaningful_config(&forward)?;
    }
    let touched = call_own
        .as_ref()
        .and_then(|own| facts.objects.get(own))
        .map(|own| own.id.clone());
    let lease = demand.map(|demand| {
        let subject = caller.subject.clone();
        let allowed = Allowed {
            subject,
            demand,
            facts,
        };
        Arc::new(state.open_stream(&caller.revoked, allowed))
    });
    if let (AnswerKind::Upgrade, Some(lease)) = (kind, &lease)
        && let Some(protocol) = headers::wanted_upgrade(&head.headers)
    {
        let lease = lease.clone();
        let upgrade = send::upgrade(&engine, &permit, forward, &head.headers, protocol).await?;
        let response = switch(state, lease, on_upgrade, upgrade, protocol);
        return told(&caller, endpoint, response).await;
    }
    let stream = match &lease {
        Some(lease) if uploads => cut::when_revoked(stream, lease),
        _ => stream,
    };
    let response = match &site.members {
        Some(members) if matches!(kind, AnswerKind::List(listed) if lists::is_merged(listed)) => {
            let AnswerKind::List(listed) = kind else {
                return Err(ApiError::internal("a list of nothing"));
            };
            return lists::answer(&state.fleet, members, &caller, listed, wanted, &forward).await;
        }
        Some(_) if kind == AnswerKind::Events => {
            let body = stream::merged(&state.fleet, &forward).map_err(ApiError::internal)?;
            let mut response = body::status(StatusCode::OK);
            response.headers_mut().insert(
                http::header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            *response.body_mut() = body;
            response
        }
        Some(members) if matches!(endpoint, EndpointId::ImageCreate | EndpointId::ImageLoad) => {
            let nodes = make::usable(members, &caller);
            if nodes.is_empty() {
                return Err(ApiError::new(
                    Kind::Conflict,
                    "no node answers on which you may schedule, so none can take the image",
                ));
            }
            match reference {
                Some(reference) => {
                    deliver::pull(&nodes, permit, &forward, &head.headers, &reference, caller.admin)
                }
                None => deliver::upload(&nodes, &permit, &forward, &head.headers, stream).await?,
            }
        }
        Some(members) if everywhere::is_for_all(endpoint) => {
            let answer = everywhere::run(members, &permit, endpoint, &forward, &head.headers).await;
            site.touch_all(AnswerKind::List(ObjectKind::Image));
            answer?
        }
        Some(_) if everywhere::is_for_holders(endpoint) && site.holders.len() > 1 => {
            everywhere::run(&site.holders, &permit, endpoint, &forward, &head.headers).await?
        }
        _ => {
            let response = send::send(&engine, &permit, forward, &head.headers, stream).await?;
            noted(&state.fleet, &site, endpoint, response).await?
        }
    };
    site.touch(endpoint, written, touched.as_deref());
    if response.status().is_success() {
        if answer::is_filtered(kind, caller.admin) {
            let response = answer::filter(&sight, &caller, kind, wanted, response).await?;
            return dressed(&site, endpoint, kind, response).await;
        }
        if let (AnswerKind::Events, false, Some(lease)) = (kind, caller.admin, &lease) {
            let (head, body) = response.into_parts();
            let body = events::filter(state, caller, body).await?;
            return Ok(Response::from_parts(head, cut::when_revoked(body, lease)));
        }
    }
    let response = told(&caller, endpoint, response).await?;
    let response = dressed(&site, endpoint, kind, response).await?;
    Ok(match lease {
        Some(lease) => response.map(|body| cut::when_revoked(body, &lease)),
        None => response,
    })
}

/// The policy for a list, which may be a little old (CFG-013).
fn list_policy(state: &State, caller: &Caller) -> Arc<Policy> {
    let timeout = state.snapshot().config.cluster.authz_cache_timeout;
    let now = state.clock.now();
    state
        .list_cache
        .policy(timeout, &caller.subject, &caller.policy, now)
}

/// The object in the path, for endpoints that are judged by the difference to what is stored.
async fn own_object(
    sight: &Sight,
    caller: &Caller,
    route: &Route,
) -> Result<Option<(ObjectRef, ObjectFacts)>, ApiError> {
    let Some(object) = route.own_object().filter(|_| route.endpoint().reads_own()) else {
        return Ok(None);
    };
    let facts = lookup::one(sight, &caller.policy, &object).await?;
    Ok(facts.map(|facts| (object, facts)))
}

/// The object in the path, for calls that only read it: the look-up is the answer, so what was judged is what the
/// caller gets, and the engine is asked once.
async fn described(
    sight: &Sight,
    caller: &Caller,
    route: &Route,
    query: Option<&str>,
) -> Result<Option<(ObjectRef, Described)>, ApiError> {
    let reads_one =
        matches!(route.endpoint().answer, AnswerKind::Inspect(_)) && !route.endpoint().reads_own();
    let plain = query.is_none_or(str::is_empty);
    let Some(object) = route.own_object().filter(|_| reads_one && plain) else {
        return Ok(None);
    };
    let version = route.version().to_string();
    let found = lookup::described(sight, &caller.policy, &object, &version).await?;
    Ok(found.map(|found| (object, found)))
}

/// An update is judged by the difference to what is stored now, so it must not be applied to anything else. A version
/// that is missing is left to the engine, which wants one.
fn same_version(query: &Query, judged: u64) -> Result<(), ApiError> {
    match query.one("version")? {
        Some(asked) if asked != judged.to_string() => Err(ApiError::new(
            Kind::Conflict,
            format!("the object was changed meanwhile and has version {judged} now, read it again"),
        )),
        _ => Ok(()),
    }
}

/// A body that is checked is read whole; an archive stays a stream.
async fn read(kind: BodyKind, body: Lingering) -> Result<(Bytes, Body), ApiError> {
    let max = match kind {
        BodyKind::Raw { .. } => return Ok((Bytes::new(), body.map_err(Into::into).boxed_unsync())),
        BodyKind::Json { max, .. } => max,
        // Only to see that there is none.
        BodyKind::None => 64,
    };
    match timeout(BODY_TIME, Limited::new(body, max).collect()).await {
        Ok(Ok(whole)) => Ok((whole.to_bytes(), empty())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::new(
            Kind::TooLarge,
            format!("the body is too large, at most {max} bytes are taken here"),
        )),
        Ok(Err(error)) => Err(ApiError::malformed("the body broke off").because(error)),
        Err(_) => Err(ApiError::malformed("the body did not arrive in time")),
    }
}

fn call_headers(headers: &HeaderMap) -> CallHeaders<'_> {
    let encoding = headers.get(http::header::CONTENT_ENCODING);
    CallHeaders {
        // What is no text is no encoding that anybody could accept.
        content_encoding: encoding.map(|value| value.to_str().unwrap_or("unreadable")),
    }
}

/// Only administrators read the logs of the control plane's own containers (DAPI-006), also as output of an attached
/// terminal or as files.
async fn refuse_system_logs(sight: &Sight, caller: &Caller, call: &Call) -> Result<(), ApiError> {
    let shows_logs = matches!(
        call.endpoint().id,
        EndpointId::ContainerLogs
            | EndpointId::ContainerAttach
            | EndpointId::ContainerAttachWebsocket
            | EndpointId::ContainerExport
    );
    if caller.admin || !shows_logs {
        return Ok(());
    }
    if let Some(own) = call.own_object()
        && let Some(container) = lookup::describe(sight, own).await?
        && system::is_system(&container, &caller.policy)
    {
        let why = "logs of the control plane";
        return Err(Denial::AdministratorOnly { why }.into());
    }
    Ok(())
}

/// Config objects whose name promises a configuration file or a licence hold one: an installation begins with the newest
/// file, and the newest licence counts. That only administrators make them was decided before.
fn meaningful_config(forward: &Forward) -> Result<(), ApiError> {
    let ForwardBody::Json(body) = &forward.body else {
        return Ok(());
    };
    let Some((name, data)) = objects::of_creation(body) else {
        return Ok(());
    };
    Ok(objects::check(&name, &data)?)
}

/// What a call pulls; nothing for one that brings the image itself.
fn pulled(call: &Call) -> Result<Option<String>, ApiError> {
    if call.endpoint().id != EndpointId::ImageCreate {
        return Ok(None);
    }
    let one = |name| call.query().one(name).map(Option::unwrap_or_default);
    let (image, tag) = (one("fromImage")?, one("tag")?);
    Ok((!image.is_empty()).then(|| match tag {
        "" => image.to_owned(),
        digest if digest.contains(':') => format!("{image}@{digest}"),
        tag => format!("{image}:{tag}"),
    }))
}

/// Remembers what was made: an exec instance by its node, a container so that the next list has it.
async fn noted(
    fleet: &Fleet,
    site: &Site,
    endpoint: EndpointId,
    response: Response,
) -> Result<Response, ApiError> {
    const MAX_ANSWER: usize = 1024 * 1024;
    let made = matches!(endpoint, EndpointId::ContainerCreate | EndpointId::ExecCreate);
    let Some(node) = site.node().filter(|_| made && response.status().is_success()) else {
        return Ok(response);
    };
    let (head, body) = response.into_parts();
    let bytes = whole("what was made", body, MAX_ANSWER).await?;
    let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if let Some(id) = answer["Id"].as_str() {
        match endpoint {
            EndpointId::ExecCreate => fleet.remember_exec(id, &node),
            _ => node.touch(ObjectKind::Container, id),
        }
    }
    Ok(Response::from_parts(head, body::full(bytes)))
}

/// A successful answer about one object of a node, as the cluster shows it.
async fn dressed(
    site: &Site,
    endpoint: EndpointId,
    kind: AnswerKind,
    response: Response,
) -> Result<Response, ApiError> {
    match site.node() {
        Some(node) if response.status().is_success() && dress::is_dressed(endpoint, kind) => {
            dress::dress(kind, &node, response).await
        }
        _ => Ok(response),
    }
}

/// The answer with the text of a refusal as the caller may read it.
async fn told(caller: &Caller, endpoint: EndpointId, response: Response) -> Result<Response, ApiError> {
    let status = response.status();
    if caller.admin || !(status.is_client_error() || status.is_server_error()) {
        return Ok(response);
    }
    error_text::for_user(endpoint, response).await
}

/// Passes the engine's answer to an upgrade on, and carries bytes from then on.
fn switch(
    state: &State,
    lease: Arc<Lease>,
    on_upgrade: OnUpgrade,
    upgrade: Upgrade,
    protocol: &'static str,
) -> Response {
    match upgrade {
        Upgrade::Answered(mut response) => {
            headers::towards_caller(response.headers_mut());
            response.map(|body| cut::when_revoked(body, &lease))
        }
        Upgrade::Switched(head, engine) => {
            state.spawn(async move {
                match on_upgrade.await {
                    Ok(client) => {
                        let ended = tunnel::carry(
                            TokioIo::new(client),
                            TokioIo::new(*engine),
                            IDLE_TIME,
                            lease.token(),
                        )
                        .await;
                        tracing::debug!(?ended, "tunnel to the engine ended");
                    }
                    Err(error) => tracing::debug!(%error, "the caller did not switch protocols"),
                }
            });
            let mut response = head.map(|()| empty());
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            headers::towards_caller(response.headers_mut());
            headers::set_upgrade(response.headers_mut(), HeaderValue::from_static(protocol));
            response
        }
    }
}
