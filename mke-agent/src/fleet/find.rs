//! On which nodes an object is that somebody names.
//!
//! The kept lists answer nearly always. A name that they do not know is asked for at every engine, since an event may
//! still be on its way; what only a silent node had is said to be there.

use std::sync::Arc;

use mke_rbac::demand::ObjectKind;

use super::Fleet;
use super::ask::{self, Gathered, LIST_TIME};
use super::member::{Member, Presence};
use super::resolve::{Entry, Meaning, meaning};
use crate::engine::lookup::escaped;
use crate::engine::{EngineError, inspect};

/// Where an object is.
#[derive(Debug, Clone)]
pub enum Found {
    /// On these nodes; on more than one only what is the same everywhere: images, and volumes of one name.
    On(Vec<Arc<Member>>),
    /// On no node that answers.
    Nowhere,
    /// It was last seen on these nodes, which do not answer.
    Silent(Vec<Arc<Member>>),
    /// Different objects of these nodes are called so.
    Several(Vec<Arc<Member>>),
}

/// Finds a container, image, network or volume.
///
/// # Errors
/// When no node answers.
pub async fn find(
    fleet: &Fleet,
    members: &[Arc<Member>],
    kind: ObjectKind,
    name: &str,
) -> Result<Found, EngineError> {
    let name = name.trim_start_matches('/');
    if kind != ObjectKind::Image
        && let Some((node, _)) = name.split_once('/')
    {
        return Ok(match fleet.member(node) {
            Some(member) => Found::On(vec![member]),
            None => Found::Nowhere,
        });
    }
    let all = gather(members, kind).await;
    let known: Vec<(usize, String, String)> = all
        .answers
        .iter()
        .enumerate()
        .flat_map(|(position, (_, entries))| {
            entries
                .iter()
                .map(move |(id, name)| (position, id.clone(), name.clone()))
        })
        .collect();
    let at = |positions: Vec<usize>| -> Vec<Arc<Member>> {
        positions
            .into_iter()
            .filter_map(|position| Some(all.answers.get(position)?.0.clone()))
            .collect()
    };
    let wanted = spelled(kind, name);
    match meaning_of(&wanted, &known) {
        Meaning::On(positions) => return Ok(Found::On(at(positions))),
        Meaning::Several(positions) => return Ok(Found::Several(at(positions))),
        Meaning::Nothing => {}
    }
    let asked = ask_engines(members, kind, name).await.any()?;
    let holders: Vec<Arc<Member>> = asked
        .answers
        .iter()
        .filter(|(_, holds)| *holds)
        .map(|(member, _)| member.clone())
        .collect();
    Ok(match holders.as_slice() {
        [] => last_seen(members, kind, &wanted),
        [_] => Found::On(holders),
        _ if matches!(kind, ObjectKind::Image | ObjectKind::Volume) => Found::On(holders),
        _ => Found::Several(holders),
    })
}

/// The node of an exec instance.
///
/// # Errors
/// When no node answers.
pub async fn exec(fleet: &Fleet, members: &[Arc<Member>], id: &str) -> Result<Found, EngineError> {
    if let Some(member) = fleet.remembered_exec(id) {
        return Ok(Found::On(vec![member]));
    }
    let asked = ask_engines(members, ObjectKind::Exec, id).await.any()?;
    let holder = asked.answers.into_iter().find(|(_, holds)| *holds);
    Ok(match holder {
        Some((member, _)) => Found::On(vec![member]),
        None => Found::Nowhere,
    })
}

type Known = Vec<(String, String)>;

async fn gather(members: &[Arc<Member>], kind: ObjectKind) -> Gathered<Known> {
    ask::each(members.iter().cloned(), LIST_TIME, |member| async move {
        Ok(match kind {
            ObjectKind::Container => of_containers(&member.containers().await?),
            _ => of_objects(kind, &member.objects(kind).await?),
        })
    })
    .await
}

fn of_containers(containers: &super::member::Containers) -> Known {
    containers
        .iter()
        .flat_map(|container| {
            // A name that a link gives has a slash in it and names nothing here.
            let names = container.names.iter().map(|name| name.trim_start_matches('/'));
            names
                .filter(|name| !name.contains('/'))
                .map(|name| (container.id.clone(), name.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn of_objects(kind: ObjectKind, objects: &super::member::Objects) -> Known {
    let mut known = Known::new();
    for object in objects.iter() {
        if kind != ObjectKind::Image {
            known.push((object.id.clone(), object.name.clone()));
            continue;
        }
        let id = object.id.trim_start_matches("sha256:").to_owned();
        known.push((id.clone(), object.id.clone()));
        for list in ["RepoTags", "RepoDigests"] {
            let names = object.value[list].as_array().into_iter().flatten();
            let names = names.filter_map(|name| Some((id.clone(), name.as_str()?.to_owned())));
            known.extend(names);
        }
    }
    known
}

fn meaning_of(name: &str, known: &[(usize, String, String)]) -> Meaning {
    let entries = known.iter().map(|(node, id, name)| Entry {
        id,
        name,
        node: *node,
    });
    match meaning(name, entries) {
        // One name of different images is what each node has under it.
        Meaning::Several(nodes) if name.contains(':') => Meaning::On(nodes),
        meaning => meaning,
    }
}

/// How engines list what is called so.
fn spelled(kind: ObjectKind, name: &str) -> String {
    if kind != ObjectKind::Image {
        return name.to_owned();
    }
    let name = name.trim_start_matches("sha256:");
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let is_id = name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let last = name.rsplit('/').next().unwrap_or_default();
    if is_id || last.contains(':') || last.contains('@') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

/// Whether the images that a node lists hold this one.
pub fn has_image(objects: &super::member::Objects, image: &str) -> bool {
    let known: Vec<(usize, String, String)> = of_objects(ObjectKind::Image, objects)
        .into_iter()
        .map(|(id, name)| (0, id, name))
        .collect();
    let wanted = spelled(ObjectKind::Image, image);
    meaning_of(&wanted, &known) != Meaning::Nothing
}

/// Every engine looks itself.
async fn ask_engines(members: &[Arc<Member>], kind: ObjectKind, name: &str) -> Gathered<bool> {
    let (before, after) = inspect::path(kind);
    let possible = !name.is_empty() && !name.split('/').any(|part| part == "." || part == "..");
    let path = format!("{before}{}{after}", escaped(name));
    ask::each(members.iter().cloned(), LIST_TIME, |member| {
        let path = path.clone();
        async move {
            if !possible {
                return Ok(false);
            }
            match member.engine().get_bytes(&path).await {
                Ok(_) => Ok(true),
                Err(error) if error.is_not_found() => Ok(false),
                Err(error) => Err(error),
            }
        }
    })
    .await
}

fn last_seen(members: &[Arc<Member>], kind: ObjectKind, name: &str) -> Found {
    let silent = members
        .iter()
        .filter(|member| member.presence() == Presence::Silent);
    let had: Vec<Arc<Member>> = silent
        .filter(|member| {
            let known = match kind {
                ObjectKind::Container => of_containers(&member.last_containers()),
                _ => of_objects(kind, &member.last_objects(kind)),
            };
            let known: Vec<_> = known.into_iter().map(|(id, name)| (0, id, name)).collect();
            meaning_of(name, &known) != Meaning::Nothing
        })
        .cloned()
        .collect();
    if had.is_empty() {
        Found::Nowhere
    } else {
        Found::Silent(had)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_images_are_spelled() {
        for (name, expected) in [
            ("busybox", "busybox:latest"),
            ("busybox:1", "busybox:1"),
            ("docker.io/library/busybox", "busybox:latest"),
            ("example.com:5000/web", "example.com:5000/web:latest"),
            ("web@sha256:aa", "web@sha256:aa"),
            ("sha256:deadbeef", "deadbeef"),
            ("deadbeef", "deadbeef"),
        ] {
            assert_eq!(spelled(ObjectKind::Image, name), expected, "{name}");
        }
        assert_eq!(spelled(ObjectKind::Volume, "data"), "data");
    }
}
