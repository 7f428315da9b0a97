//! Images that come to every node: pulled by each, or loaded and imported from what the caller sends.
//!
//! A container may be put on any node, so an image is fetched by every node that could take one for this caller. Each node
//! is a line of the answer. It failed when no node has the image afterwards.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, FuturesUnordered};
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use mke_rbac::Permit;
use mke_rbac::demand::ObjectKind;
use mke_rbac::engine::Forward;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{error_text, send};
use crate::controller::body::{self, Body, BoxError, Response, empty};
use crate::controller::error::ApiError;
use crate::engine::EngineError;
use crate::engine::client::{message_of, whole};
use crate::fleet::Member;

/// What an engine may say about one image, in bytes.
const MAX_REPORT: usize = 16 * 1024 * 1024;
/// Parts of an archive that wait for a node.
const WAITING: usize = 8;
/// How long a node may take for one part of an archive before it is left behind.
const PART_TIME: Duration = Duration::from_secs(60);

/// Lets every node pull, and tells how far they are.
pub(super) fn pull(
    nodes: &[Arc<Member>],
    permit: Permit,
    forward: &Forward,
    caller: &HeaderMap,
    what: &str,
    admin: bool,
) -> Response {
    let permit = Arc::new(permit);
    let pulls: FuturesUnordered<_> = nodes
        .iter()
        .map(|member| {
            let (member, permit, forward, caller) =
                (member.clone(), permit.clone(), forward.clone(), caller.clone());
            async move {
                let done = pull_one(&member, &permit, forward, &caller).await;
                member.touch(ObjectKind::Image, "");
                (member.name(), done)
            }
        })
        .collect();
    let begin: Vec<Bytes> = nodes
        .iter()
        .map(|member| line(&json!({ "id": member.name(), "status": format!("Pulling {what}...") })))
        .collect();
    let what = what.to_owned();
    let state = (pulls, Outcome::default());
    let reports = stream::unfold(Some(state), move |state| {
        let what = what.clone();
        async move {
            let (mut pulls, mut outcome) = state?;
            match pulls.next().await {
                Some((node, Ok(()))) => {
                    outcome.done = true;
                    let text = format!("Pulling {what}... : downloaded");
                    Some((
                        line(&json!({ "id": node, "status": text })),
                        Some((pulls, outcome)),
                    ))
                }
                Some((node, Err(why))) => {
                    let why = if admin {
                        why
                    } else {
                        error_text::without_places(&why)
                    };
                    let text = format!("Pulling {what}... : {why}");
                    outcome.failure.get_or_insert(why);
                    Some((
                        line(&json!({ "id": node, "status": text })),
                        Some((pulls, outcome)),
                    ))
                }
                None => {
                    let why = outcome.failure.filter(|_| !outcome.done)?;
                    Some((
                        line(&json!({ "errorDetail": { "message": why }, "error": why })),
                        None,
                    ))
                }
            }
        }
    });
    let frames = stream::iter(begin)
        .chain(reports)
        .map(|line| Ok::<_, BoxError>(Frame::data(line)));
    let mut response = body::status(StatusCode::OK);
    *response.body_mut() = StreamBody::new(frames).boxed_unsync();
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    response
}

#[derive(Default)]
struct Outcome {
    done: bool,
    failure: Option<String>,
}

fn line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\r\n"))
}

async fn pull_one(
    member: &Member,
    permit: &Permit,
    forward: Forward,
    caller: &HeaderMap,
) -> Result<(), String> {
    let failed = |error: ApiError| error.to_string();
    let response = send::send(member.engine(), permit, forward, caller, empty())
        .await
        .map_err(failed)?;
    let status = response.status();
    let report = whole("the report of a pull", response.into_body(), MAX_REPORT)
        .await
        .map_err(|error| error.to_string())?;
    if !status.is_success() {
        return Err(message_of(&report));
    }
    complaint(&report).map_or(Ok(()), Err)
}

/// The error in a report of lines.
fn complaint(report: &[u8]) -> Option<String> {
    serde_json::Deserializer::from_slice(report)
        .into_iter::<Value>()
        .map_while(Result::ok)
        .find_map(|line| Some(line.get("error")?.as_str()?.to_owned()))
}

/// Sends what the caller uploads to every node, and answers with the report of the first that took it and the failures of
/// the others.
pub(super) async fn upload(
    nodes: &[Arc<Member>],
    permit: &Permit,
    forward: &Forward,
    caller: &HeaderMap,
    mut stream: Body,
) -> Result<Response, ApiError> {
    let mut senders = Vec::new();
    let mut uploads = Vec::new();
    for member in nodes {
        let (sender, receiver) = mpsc::channel::<Bytes>(WAITING);
        senders.push(Some(sender));
        let parts = stream::unfold(receiver, |mut receiver| async move {
            let part = receiver.recv().await?;
            Some((Ok::<_, BoxError>(Frame::data(part)), receiver))
        });
        let body = StreamBody::new(parts).boxed_unsync();
        uploads.push(async move {
            let response = send::send(member.engine(), permit, forward.clone(), caller, body).await?;
            let status = response.status();
            let report = whole("the report of an upload", response.into_body(), MAX_REPORT).await?;
            member.touch(ObjectKind::Image, "");
            Ok::<_, ApiError>((status, report))
        });
    }
    let feeding = async {
        while let Some(frame) = stream.frame().await {
            let Ok(part) = frame?.into_data() else { continue };
            for slot in &mut senders {
                let gone = match slot {
                    Some(sender) => {
                        !matches!(timeout(PART_TIME, sender.send(part.clone())).await, Ok(Ok(())))
                    }
                    None => false,
                };
                if gone {
                    *slot = None;
                }
            }
        }
        senders.clear();
        Ok::<_, BoxError>(())
    };
    let (fed, reports) = tokio::join!(feeding, futures_util::future::join_all(uploads));
    fed.map_err(|error| ApiError::malformed("the body broke off").because(error))?;
    let mut lines = Vec::new();
    let mut taken: Option<(StatusCode, Bytes)> = None;
    let mut refused: Option<(StatusCode, Bytes)> = None;
    for (member, report) in nodes.iter().zip(reports) {
        let why = match report {
            Ok((status, report)) if status.is_success() && complaint(&report).is_none() => {
                taken.get_or_insert((status, report));
                continue;
            }
            Ok((status, report)) => {
                let why = complaint(&report).unwrap_or_else(|| message_of(&report));
                refused.get_or_insert((status, report));
                why
            }
            Err(error) => error.to_string(),
        };
        tracing::warn!(node = member.name(), why, "the node did not take an image");
        lines.push(line(&json!({ "id": member.name(), "status": why })));
    }
    let Some((status, report)) = taken.or(refused) else {
        let nodes = super::site::names(nodes);
        return Err(EngineError::NoNode { nodes }.into());
    };
    let mut whole = report.to_vec();
    for line in lines {
        whole.extend_from_slice(&line);
    }
    Ok(body::bytes(status, "application/json", whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_in_reports() {
        for (report, expected) in [
            ("", None),
            ("{\"status\":\"ok\"}\r\n{\"status\":\"done\"}\r\n", None),
            (
                "{\"status\":\"ok\"}\r\n{\"errorDetail\":{\"message\":\"no\"},\"error\":\"no\"}\r\n",
                Some("no"),
            ),
            ("{\"status\":\"ok\"}\r\nno json", None),
        ] {
            assert_eq!(complaint(report.as_bytes()).as_deref(), expected, "{report}");
        }
    }
}
