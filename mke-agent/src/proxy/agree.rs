//! Where a volume lies that is named without its node, when every node may have one of that name (R38).
//!
//! What a workload is judged by is what all nodes say about the name: a volume that lies elsewhere on another node is for
//! administrators. Nodes that do not answer count by what they said last. See `docs/decisions/0029-lists-of-all-nodes.md`.

use mke_rbac::Policy;
use mke_rbac::demand::{Demand, Facts, Home, ObjectFacts, ObjectKind, ObjectRef};
use mke_rbac::engine::{answer::labels_of, labels::home_of};
use mke_rbac::model::builtin;

use super::site::Members;
use crate::fleet::ask::{self, LIST_TIME};
use crate::fleet::{Member, member::Objects};

/// Brings the facts about volumes in line with all nodes.
pub(super) async fn volumes(members: &Members, policy: &Policy, demand: &Demand, facts: &mut Facts) {
    let named: Vec<ObjectRef> = demand
        .objects()
        .into_iter()
        .filter(|object| object.kind == ObjectKind::Volume)
        .cloned()
        .collect();
    if named.is_empty() {
        return;
    }
    let lists = ask::each(members.iter().cloned(), LIST_TIME, |member| async move {
        member.objects(ObjectKind::Volume).await
    })
    .await;
    let unheard = |member: &Member| !lists.answers.iter().any(|(heard, _)| heard.id() == member.id());
    let last: Vec<Objects> = members
        .iter()
        .filter(|member| unheard(member))
        .map(|member| member.last_objects(ObjectKind::Volume))
        .collect();
    for object in named {
        let name = object.name.rsplit('/').next().unwrap_or_default().to_owned();
        let homes = lists
            .answers
            .iter()
            .map(|(_, list)| list)
            .chain(&last)
            .flat_map(|list| list.iter())
            .filter(|volume| volume.name == name)
            .map(|volume| home_of(labels_of(ObjectKind::Volume, &volume.value), policy));
        let here = facts.objects.remove(&object);
        if let Some(agreed) = agreed(&name, here, homes) {
            facts.objects.insert(object, agreed);
        }
    }
}

/// One answer out of what the node of the call and all nodes say.
fn agreed(name: &str, here: Option<ObjectFacts>, homes: impl Iterator<Item = Home>) -> Option<ObjectFacts> {
    let known = here.is_some();
    let mut all: Vec<Home> = here.iter().map(|facts| facts.home.clone()).chain(homes).collect();
    all.dedup();
    let home = match all.as_slice() {
        [] => return None,
        [one] => one.clone(),
        _ => Home::Conflicting,
    };
    let facts = here.unwrap_or_else(|| ObjectFacts::at(name, builtin::ROOT.into()));
    Some(ObjectFacts {
        home,
        elsewhere: facts.elsewhere || !known,
        ..facts
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R38: all nodes say the same, or administrators decide; what is only elsewhere is not new.
    #[test]
    fn nodes_agree() {
        let at = |place: &str| Home::Collection(place.into());
        let here = |place: &str| {
            Some(ObjectFacts {
                home: at(place),
                ..ObjectFacts::at("data", "x".into())
            })
        };
        for (known, homes, expected) in [
            (None, vec![], None),
            (None, vec![at("a")], Some((at("a"), true))),
            (None, vec![at("a"), at("a")], Some((at("a"), true))),
            (None, vec![at("a"), at("b")], Some((Home::Conflicting, true))),
            (here("a"), vec![], Some((at("a"), false))),
            (here("a"), vec![at("a")], Some((at("a"), false))),
            (
                here("a"),
                vec![at("a"), at("b")],
                Some((Home::Conflicting, false)),
            ),
            (
                here("a"),
                vec![Home::Conflicting],
                Some((Home::Conflicting, false)),
            ),
        ] {
            let found = agreed("data", known, homes.into_iter());
            assert_eq!(found.map(|facts| (facts.home, facts.elsewhere)), expected);
        }
    }
}
