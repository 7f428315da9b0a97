//! Answers that are looked at before the caller gets them: lists, single objects, facts about the engine.
//!
//! Only these are read whole. What of them the caller may see is decided by `mke_rbac::engine::answer`.

use http::Response;
use http::header::CONTENT_LENGTH;
use mke_rbac::demand::ObjectKind;
use mke_rbac::engine::AnswerKind;
use mke_rbac::engine::answer::{self, Viewer};

use super::caller::Caller;
use super::homes::Homes;
use super::{containers, ports};
use crate::controller::body::{Body, full};
use crate::controller::error::ApiError;
use crate::engine::client::{MAX_WHOLE_ANSWER, whole};
use crate::engine::{EngineError, Sight};

/// What the request said about the list that it wants.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted {
    /// At most so many objects.
    pub(super) limit: Option<usize>,
    /// Containers that have stopped and those of the control plane as well.
    pub(super) all: bool,
}

/// Whether the answer goes through [`filter`] for this caller. Administrators see everything as it is, but for
/// containers, of which the control plane's own are not in everybody's way.
pub(super) fn is_filtered(kind: AnswerKind, admin: bool) -> bool {
    match kind {
        AnswerKind::List(ObjectKind::Container) | AnswerKind::Inspect(ObjectKind::Container) => true,
        AnswerKind::List(_) | AnswerKind::Inspect(_) | AnswerKind::Info => !admin,
        AnswerKind::Plain
        | AnswerKind::Stream
        | AnswerKind::Upgrade
        | AnswerKind::Events
        | AnswerKind::Prune { .. } => false,
    }
}

/// Takes out of a successful answer what the caller may not see.
pub(super) async fn filter(
    sight: &Sight,
    caller: &Caller,
    kind: AnswerKind,
    wanted: Wanted,
    response: Response<Body>,
) -> Result<Response<Body>, ApiError> {
    let (mut head, body) = response.into_parts();
    let bytes = whole("the answer", body, MAX_WHOLE_ANSWER).await?;
    let homes = match kind {
        AnswerKind::List(named) | AnswerKind::Inspect(named) if !caller.admin => {
            Homes::named_in(named, &bytes, sight, &caller.policy).await?
        }
        _ => Homes::default(),
    };
    let looked_at = caller.look(&|object| homes.get(object), |viewer| {
        look(kind, &bytes, wanted, viewer)
    });
    let shown = looked_at.map_err(|source| EngineError::Malformed {
        path: "the answer".to_owned(),
        source,
    })?;
    head.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(head, full(shown)))
}

fn look(kind: AnswerKind, bytes: &[u8], wanted: Wanted, viewer: &Viewer<'_>) -> serde_json::Result<Vec<u8>> {
    let shown = match kind {
        AnswerKind::List(ObjectKind::Container) => return containers::visible(bytes, wanted, viewer),
        AnswerKind::List(kind) => answer::list(kind, serde_json::from_slice(bytes)?, wanted.limit, viewer),
        // Reading and writing it out again would cost more than everything else together.
        AnswerKind::Inspect(_)
            if viewer.admin && !std::str::from_utf8(bytes).is_ok_and(ports::may_hold_twins) =>
        {
            return Ok(bytes.to_vec());
        }
        AnswerKind::Inspect(kind) => {
            let mut object = answer::inspect(kind, serde_json::from_slice(bytes)?, viewer);
            if kind == ObjectKind::Container {
                ports::once_in_container(&mut object);
            }
            object
        }
        AnswerKind::Info => answer::info(serde_json::from_slice(bytes)?, viewer.admin),
        AnswerKind::Plain
        | AnswerKind::Stream
        | AnswerKind::Upgrade
        | AnswerKind::Events
        | AnswerKind::Prune { .. } => return Ok(bytes.to_vec()),
    };
    serde_json::to_vec(&shown)
}
