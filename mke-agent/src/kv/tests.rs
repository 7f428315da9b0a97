//! Plans and checks without a cluster: what is done, what is refused, and that no way leads to a store without a majority.

use mke_core::store::Revision;
use mke_core::store::etcd::{MemberHealth, MemberInfo};
use proptest::prelude::*;

use super::*;

mod losses;

fn wanted(number: u64) -> WantedMember {
    WantedMember {
        name: format!("n{number}"),
        peer_url: format!("https://10.0.0.{number}:12380"),
        lost: None,
        away: false,
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Is {
    Well,
    Dead,
    Learning,
    Ready,
    Unstarted,
}

fn seen(number: u64, is: Is, leader: u64) -> SeenMember {
    let WantedMember { name, peer_url, .. } = wanted(number);
    let started = is != Is::Unstarted;
    let health = || MemberHealth {
        id: number,
        version: "3.4.23".to_owned(),
        leader,
        learner: matches!(is, Is::Learning | Is::Ready),
        size: 1 << 20,
        in_use: 1 << 20,
        log: if is == Is::Learning { 10 } else { 1000 },
        applied: 1000,
        revision: Revision(100),
        errors: Vec::new(),
    };
    SeenMember {
        info: MemberInfo {
            id: number,
            name: if started { name } else { String::new() },
            peer_urls: vec![peer_url],
            client_urls: started
                .then(|| format!("https://10.0.0.{number}:12379"))
                .into_iter()
                .collect(),
            learner: matches!(is, Is::Learning | Is::Ready | Is::Unstarted),
        },
        health: match is {
            Is::Dead | Is::Unstarted => Err("it does not answer".to_owned()),
            _ => Ok(health()),
        },
    }
}

fn cluster(members: &[(u64, Is)]) -> Observed {
    let voters = members
        .iter()
        .filter(|(_, is)| matches!(is, Is::Well | Is::Dead))
        .count();
    let well: Vec<_> = members.iter().filter(|(_, is)| *is == Is::Well).collect();
    let leader = if well.len() >= majority(voters) {
        well.first().map_or(0, |(number, _)| *number)
    } else {
        0
    };
    Observed {
        members: members
            .iter()
            .map(|(number, is)| seen(*number, *is, leader))
            .collect(),
        out_of_space: Vec::new(),
    }
}

/// HA-003: Test table: the next step for managers that come and go, and whether it is safe.
#[test]
fn the_next_step() {
    use Is::{Dead, Learning, Ready, Unstarted, Well};
    let add = |number| Some(Step::AddLearner(wanted(number)));
    let promote = |number: u64| {
        Some(Step::Promote {
            id: number,
            name: format!("n{number}"),
        })
    };
    let remove = |number: u64| {
        Some(Step::Remove {
            id: number,
            name: format!("n{number}"),
        })
    };
    type Row<'a> = (&'a [u64], &'a [(u64, Is)], Option<Step>, bool);
    let table: [Row<'_>; 15] = [
        (&[1], &[(1, Well)], None, true),
        (&[1, 2, 3], &[(1, Well), (2, Well), (3, Well)], None, true),
        // A manager comes: it learns, and votes when it has caught up.
        (&[1, 2], &[(1, Well)], add(2), true),
        (&[1, 2], &[(1, Well), (2, Learning)], None, true),
        (&[1, 2], &[(1, Well), (2, Ready)], promote(2), true),
        // One at a time.
        (&[1, 2, 3], &[(1, Well)], add(2), true),
        (&[1, 2, 3], &[(1, Well), (2, Unstarted)], None, true),
        // A manager goes: the rest must be a majority.
        (&[1, 2], &[(1, Well), (2, Well), (3, Well)], remove(3), true),
        (&[1, 2], &[(1, Well), (2, Well), (3, Dead)], remove(3), true),
        (&[1, 2], &[(1, Well), (2, Dead), (3, Well)], remove(3), false),
        (&[1], &[(1, Dead), (2, Well)], remove(2), false),
        // One is replaced by another: the dead one goes first, one that is well goes last.
        (&[1, 2, 4], &[(1, Well), (2, Well), (3, Dead)], remove(3), true),
        (&[1, 2, 4], &[(1, Well), (2, Well), (3, Well)], add(4), true),
        // Without a majority nothing is possible.
        (&[1], &[(1, Well), (2, Dead), (3, Dead)], remove(2), false),
        (&[], &[(1, Well), (2, Well), (3, Well)], None, true),
    ];
    for (managers, members, step, safe) in table {
        let managers: Vec<_> = managers.iter().map(|number| wanted(*number)).collect();
        let observed = cluster(members);
        let planned = plan(&managers, &observed);
        assert_eq!(planned.step, step, "{members:?}");
        if let Some(step) = planned.step {
            assert_eq!(check(step, &observed).is_ok(), safe, "{members:?}");
        }
    }
    let unknown = plan(&[], &cluster(&[(1, Well)]));
    assert!(
        unknown.waiting[0].contains("not known which managers"),
        "{unknown:?}"
    );
}

/// A manager whose machine is away gets no member, and none that was added for it keeps others from learning; what it has stays.
#[test]
fn a_manager_that_is_away() {
    let away = |number| WantedMember {
        away: true,
        ..wanted(number)
    };
    let alone = cluster(&[(1, Is::Well)]);
    assert!(plan(&[wanted(1), away(2), away(3)], &alone).is_done());
    assert_eq!(
        plan(&[wanted(1), away(2), wanted(3)], &alone).step,
        Some(Step::AddLearner(wanted(3)))
    );
    let idle = cluster(&[(1, Is::Well), (2, Is::Unstarted)]);
    let taken_back = plan(&[wanted(1), away(2), wanted(3)], &idle).step;
    assert!(
        matches!(taken_back, Some(Step::Remove { id: 2, .. })),
        "{taken_back:?}"
    );
    for is in [Is::Well, Is::Dead, Is::Learning] {
        let there = cluster(&[(1, Is::Well), (2, Is::Well), (3, is)]);
        let step = plan(&[wanted(1), wanted(2), away(3)], &there).step;
        assert!(!matches!(step, Some(Step::Remove { .. })), "{is:?}: {step:?}");
    }
}

/// A manager that lost its data or came back as another node at the same address is a new member: the old one goes first.
#[test]
fn a_member_that_is_not_what_it_was() {
    let observed = cluster(&[(1, Is::Well), (2, Is::Well), (3, Is::Dead)]);
    let lost = WantedMember {
        lost: Some(3),
        ..wanted(3)
    };
    let managers = [wanted(1), wanted(2), lost.clone()];
    let Some(step @ Step::Remove { id: 3, .. }) = plan(&managers, &observed).step else {
        panic!("the old member goes first");
    };
    assert!(check(step, &observed).is_ok());
    let without = cluster(&[(1, Is::Well), (2, Is::Well)]);
    assert_eq!(plan(&managers, &without).step, Some(Step::AddLearner(lost)));
    let renamed = WantedMember {
        name: "other".to_owned(),
        ..wanted(3)
    };
    let managers = [wanted(1), wanted(2), renamed];
    assert!(matches!(
        plan(&managers, &observed).step,
        Some(Step::Remove { id: 3, .. })
    ));
}

/// Test table: refusals say what is wrong and what to do.
#[test]
fn refusals() {
    let three = cluster(&[(1, Is::Well), (2, Is::Dead), (3, Is::Well)]);
    let remove = |id: u64| Step::Remove {
        id,
        name: format!("n{id}"),
    };
    let text = |step: Step, observed: &Observed| check(step, observed).unwrap_err().to_string();
    assert!(text(remove(3), &three).contains("1 of 2 members of the store would be well, but 2 must be"));
    assert!(text(remove(9), &three).contains("n9 is no member"));
    assert!(
        text(
            Step::Promote {
                id: 1,
                name: "n1".to_owned()
            },
            &three
        )
        .contains("no learner")
    );
    assert!(text(Step::AddLearner(wanted(2)), &three).contains("there already"));
    assert!(
        text(Step::AddLearner(wanted(4)), &three).contains("member n2 of the store is not well: bring back")
    );
    let lost = cluster(&[(1, Is::Well), (2, Is::Dead), (3, Is::Dead)]);
    assert!(text(Step::AddLearner(wanted(4)), &lost).contains("0 of 3 members of the store are well"));
    let learning = cluster(&[(1, Is::Well), (2, Is::Learning)]);
    assert!(
        text(
            Step::Promote {
                id: 2,
                name: "n2".to_owned()
            },
            &learning
        )
        .contains("not caught up")
    );
    assert!(text(Step::AddLearner(wanted(4)), &learning).contains("one member learns at a time"));
    let one = cluster(&[(1, Is::Well)]);
    assert!(matches!(
        check(remove(1), &one),
        Err(Refusal::WouldLoseMajority { .. })
    ));
}

/// Upkeep: files with much waste, one member at a time, the leader last, none while another is away; and the way out of a full quota.
#[test]
fn chores() {
    let mut observed = cluster(&[(1, Is::Well), (2, Is::Well), (3, Is::Well)]);
    assert_eq!(due(&observed, &[]), []);
    for member in &mut observed.members {
        if let Ok(health) = &mut member.health {
            (health.size, health.in_use, health.revision) = (200 << 20, 20 << 20, Revision(50_000));
        }
    }
    let url = |id: u64| format!("https://10.0.0.{id}:12379");
    let defragment = |id| Chore::Defragment { id, url: url(id) };
    let compact = || Chore::Compact(Revision(40_000));
    assert_eq!(due(&observed, &[]), [compact(), defragment(2)]);
    assert_eq!(due(&observed, &[2]), [compact(), defragment(3)]);
    assert_eq!(due(&observed, &[2, 3]), [compact(), defragment(1)]);
    assert_eq!(due(&observed, &[1, 2, 3]), [compact()]);
    let mut ill = observed.clone();
    ill.members[2].health = Err("away".to_owned());
    assert_eq!(due(&ill, &[]), [compact()]);
    let mut full = observed;
    full.out_of_space = vec![2];
    assert_eq!(due(&full, &[]), [Chore::Compact(Revision(50_000)), defragment(2)]);
    assert_eq!(
        due(&full, &[1, 2, 3]),
        [Chore::Compact(Revision(50_000)), Chore::Disarm(2)]
    );
}

/// DBS-003: servers with names, addresses and health.
#[test]
fn the_report() {
    let observed = cluster(&[(2, Is::Well), (1, Is::Well), (3, Is::Dead), (4, Is::Unstarted)]);
    let status = StoreStatus::of(&observed);
    assert_eq!((status.well, status.needed, status.writable), (2, 2, true));
    let text = status.to_string();
    assert!(
        text.contains("n1")
            && text.contains("https://10.0.0.3:12379")
            && text.contains("unhealthy; it does not answer"),
        "{text}"
    );
    assert!(
        text.ends_with("2 servers with a vote are healthy, 2 must be: writes are taken"),
        "{text}"
    );
    let lost = cluster(&[
        (1, Is::Dead),
        (2, Is::Well),
        (3, Is::Well),
        (4, Is::Dead),
        (5, Is::Dead),
    ]);
    assert!(!StoreStatus::of(&lost).writable);
}

fn state() -> impl Strategy<Value = Is> {
    prop_oneof![4 => Just(Is::Well), 2 => Just(Is::Dead), 1 => Just(Is::Learning), 1 => Just(Is::Ready), 1 => Just(Is::Unstarted)]
}

/// What a step makes of a cluster.
fn after(members: &[(u64, Is)], step: &Step) -> Vec<(u64, Is)> {
    let mut members = members.to_vec();
    match step {
        Step::AddLearner(wanted) => {
            let number = wanted.name[1..].parse().unwrap();
            members.push((number, Is::Unstarted));
        }
        Step::Promote { id, .. } => members
            .iter_mut()
            .filter(|(number, _)| number == id)
            .for_each(|(_, is)| *is = Is::Well),
        Step::Remove { id, .. } => members.retain(|(number, _)| number != id),
    }
    members
}

proptest! {
    /// HA-003: whatever the cluster is like and whoever is wanted, no step that passes the check ends without a majority; and
    /// when nobody fails any more, the steps end with exactly the wanted members.
    #[test]
    fn no_way_leads_to_a_lost_store(
        members in prop::collection::btree_map(1..8u64, state(), 1..7),
        managers in prop::collection::btree_set(1..8u64, 0..6),
        failures in prop::collection::vec((0..8u64, state()), 0..12),
    ) {
        let mut members: Vec<(u64, Is)> = members.into_iter().collect();
        let wanted: Vec<_> = managers.iter().map(|number| wanted(*number)).collect();
        let mut failures = failures.into_iter();
        for round in 0..60 {
            let observed = cluster(&members);
            let planned = plan(&wanted, &observed);
            if let Some(step) = planned.step.clone()
                && let Ok(checked) = check(step, &observed)
            {
                members = after(&members, checked.step());
                let left = cluster(&members);
                prop_assert!(left.has_majority(), "{:?} led to {:?}", checked, members);
            }
            // Members fail and come back between the steps; in the end all are well and learn.
            match failures.next() {
                Some((number, is)) => members.iter_mut().filter(|(member, old)| {
                    *member == number && matches!(old, Is::Well | Is::Dead) == matches!(is, Is::Well | Is::Dead)
                }).for_each(|(_, old)| *old = is),
                None => members.iter_mut().for_each(|(_, is)| *is = match is {
                    Is::Dead | Is::Well => Is::Well,
                    _ => Is::Ready,
                }),
            }
            if round == 59 && !wanted.is_empty() && cluster(&members).voters() > 0 {
                let now: std::collections::BTreeSet<_> = members.iter().map(|(number, _)| *number).collect();
                prop_assert_eq!(&now, &managers);
                prop_assert!(plan(&wanted, &cluster(&members)).is_done());
            }
        }
    }
}
