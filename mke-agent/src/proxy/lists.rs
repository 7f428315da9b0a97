//! Lists of all nodes: containers, images, volumes and networks as one engine would list them.
//!
//! Each is filtered before names of nodes are written into it, with the very rules of a single engine.

use std::sync::Arc;
use std::time::Instant;

use http::StatusCode;
use http::header::{HeaderValue, WARNING};
use mke_rbac::demand::ObjectKind;
use mke_rbac::engine::Forward;
use mke_rbac::engine::answer;
use serde_json::{Value, json};

use super::answer::Wanted;
use super::caller::Caller;
use super::homes::Homes;
use super::site::Members;
use super::{containers, home_of_node};
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;
use crate::engine::EngineError;
use crate::fleet::ask::{self, Gathered, LIST_TIME};
use crate::fleet::container::{self, Container};
use crate::fleet::query::ListQuery;
use crate::fleet::{Fleet, Member, merge};

/// Whether a list is one of all nodes.
pub(super) const fn is_merged(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Container | ObjectKind::Image | ObjectKind::Network | ObjectKind::Volume
    )
}

/// Answers a list call. `forward` is what one engine would be asked.
pub(super) async fn answer(
    fleet: &Fleet,
    members: &Members,
    caller: &Caller,
    kind: ObjectKind,
    wanted: Wanted,
    forward: &Forward,
) -> Result<Response, ApiError> {
    let query = ListQuery::read(&forward.path_and_query)
        .ok_or_else(|| ApiError::malformed("the query cannot be read"))?;
    let asked: Vec<Arc<Member>> = members
        .iter()
        .filter(|member| query.nodes.is_empty() || query.nodes.iter().any(|node| is_called(member, node)))
        .cloned()
        .collect();
    let (list, missing) = match kind {
        ObjectKind::Container => containers_of(fleet, members, asked, caller, wanted, &query).await?,
        _ => objects_of(fleet, members, asked, caller, kind, wanted, &query).await?,
    };
    let mut response = body::bytes(StatusCode::OK, "application/json", list);
    if !missing.is_empty() {
        let text = format!(
            "199 ucp \"nodes that do not answer are left out: {}\"",
            missing.join(", ")
        );
        if let Ok(text) = HeaderValue::try_from(text) {
            response.headers_mut().insert(WARNING, text);
        }
    }
    Ok(response)
}

fn is_called(member: &Member, node: &str) -> bool {
    let facts = member.facts();
    facts.name == node || facts.id == node
}

type Listed = (Vec<u8>, Vec<String>);

async fn containers_of(
    fleet: &Fleet,
    members: &Members,
    asked: Vec<Arc<Member>>,
    caller: &Caller,
    wanted: Wanted,
    query: &ListQuery,
) -> Result<Listed, ApiError> {
    let kept = query.kept_containers();
    let path = query.for_engine();
    let all: Gathered<Vec<Arc<Container>>> = ask::each(asked, LIST_TIME, |member| {
        let path = &path;
        async move {
            if kept {
                let list = member.containers().await?;
                return Ok(list.iter().filter(|item| query.wants(item)).cloned().collect());
            }
            let list = member.engine().get_bytes(path).await?;
            let list = container::read(&list, &member.name(), Instant::now());
            let list = list.map_err(|source| EngineError::Malformed {
                path: path.clone(),
                source,
            })?;
            Ok(list.into_iter().map(Arc::new).collect())
        }
    })
    .await
    .any()?;
    let missing = all.missing();
    let mut items: Vec<Arc<Container>> = all.answers.into_iter().flat_map(|(_, list)| list).collect();
    if !query.before.is_empty() || !query.since.is_empty() {
        let made = |id: &String| created(members, id);
        let before = query.before.iter().filter_map(made).min();
        let since = query.since.iter().filter_map(made).max();
        items.retain(|item| {
            before.is_none_or(|before| item.created < before)
                && since.is_none_or(|since| item.created > since)
        });
    }
    items.sort_by_key(|item| std::cmp::Reverse(item.created));
    let homes = match caller.admin {
        true => Homes::default(),
        false => {
            Homes::of_fleet(
                &[ObjectKind::Network, ObjectKind::Volume],
                fleet,
                members,
                &caller.policy,
            )
            .await?
        }
    };
    let now = Instant::now();
    let shown = caller.look(&|object| homes.get(object), |viewer| {
        containers::visible_of_nodes(&items, now, wanted, viewer)
    });
    let shown = shown.map_err(|source| EngineError::Malformed {
        path: "the answer".to_owned(),
        source,
    })?;
    Ok((shown, missing))
}

/// When a container was made, as far as any node was seen to list it.
fn created(members: &Members, id: &str) -> Option<i64> {
    members.iter().find_map(|member| {
        let list = member.last_containers();
        list.iter().find(|item| item.id == id).map(|item| item.created)
    })
}

async fn objects_of(
    fleet: &Fleet,
    members: &Members,
    asked: Vec<Arc<Member>>,
    caller: &Caller,
    kind: ObjectKind,
    wanted: Wanted,
    query: &ListQuery,
) -> Result<Listed, ApiError> {
    let kept = query.kept_objects();
    let path = query.for_engine();
    let all: Gathered<Vec<Value>> = ask::each(asked, LIST_TIME, |member| {
        let path = &path;
        async move {
            if kept {
                let list = member.objects(kind).await?;
                return Ok(list.iter().map(|item| item.value.clone()).collect());
            }
            let list: Value = member.engine().get_json(path).await?;
            Ok(match list {
                Value::Array(items) => items,
                mut list => match list["Volumes"].take() {
                    Value::Array(items) => items,
                    _ => Vec::new(),
                },
            })
        }
    })
    .await
    .any()?;
    let missing = all.missing();
    let homes = match caller.admin || kind != ObjectKind::Network {
        true => Homes::default(),
        false => {
            Homes::of_fleet(
                &[ObjectKind::Container, ObjectKind::Service],
                fleet,
                members,
                &caller.policy,
            )
            .await?
        }
    };
    let manager = home_of_node(members);
    let shown = caller.look(&|object| homes.get(object), |viewer| {
        let named = |answers: Vec<(Arc<Member>, Vec<Value>)>| -> Vec<(String, Value)> {
            answers
                .into_iter()
                .flat_map(|(member, items)| {
                    let node = member.name();
                    items.into_iter().map(move |item| (node.clone(), item))
                })
                .collect()
        };
        match kind {
            ObjectKind::Image => {
                let lists = all.answers.iter().flat_map(|(_, items)| items);
                answer::list(kind, Value::Array(merge::images(lists)), wanted.limit, viewer)
            }
            ObjectKind::Volume => {
                json!({ "Volumes": merge::volumes(named(all.answers), viewer), "Warnings": null })
            }
            _ => Value::Array(merge::networks(named(all.answers), manager.as_deref(), viewer)),
        }
    });
    let bytes = serde_json::to_vec(&shown).map_err(ApiError::internal)?;
    Ok((bytes, missing))
}
