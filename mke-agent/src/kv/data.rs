//! Whether a member of the store may be started with the data that its node has. Pure.
//!
//! A member that lost its data must not go on under its old id: it has promised to remember what the others count on. One
//! that was taken out must not come with its old data: it never gets in again. What the cluster says counts only when a
//! majority stands behind it; as long as nobody knows better, data that is there is started, because it may be what a
//! majority lacks, and etcd itself refuses a member that was taken out.

use mke_core::store::etcd::MemberInfo;

/// What the data directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// Nothing.
    Empty,
    /// The data of a member.
    Of {
        /// Its id.
        member: u64,
        /// Whether this node's agent saw it begin, or begin again, with this data.
        known: bool,
    },
    /// Something that cannot be read.
    Unreadable,
}

/// What is known when a member is to be started.
#[derive(Debug, Clone, Copy)]
pub struct Case<'c> {
    /// The name of the member: the id of its node, in small letters.
    pub name: &'c str,
    /// Where other members reach it.
    pub peer_url: &'c str,
    /// What there is.
    pub data: Data,
    /// Whether a cluster is made here, which has no data before.
    pub founding: bool,
    /// Whether the member was started with this data and ended by itself again and again.
    pub ends: bool,
    /// The member that was found to have lost its data when this was looked at before.
    pub lost: Option<u64>,
    /// Whether the store has no other members that could be asked.
    pub only: bool,
    /// The members, with the assent of a majority; `None` when nobody who has it was reached.
    pub members: Option<&'c [MemberInfo]>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Start it as it is.
    Start,
    /// Keep the data aside and start it with none: the data is that of a member that was taken out.
    SetAside,
    /// Do not start it: this member lost its data and is to be replaced by a new one.
    Lost(u64),
    /// Do not start it; why, and what helps.
    Hold(String),
}

/// Decides.
pub fn judge(case: &Case<'_>) -> Judgement {
    match (case.data, case.members) {
        // Etcd says itself what is wrong with it.
        (Data::Unreadable, _) => Judgement::Start,
        (Data::Of { member, known }, Some(members)) => of_member(case, member, known, members),
        (Data::Of { member, .. }, None) if case.lost == Some(member) => Judgement::Hold(
            "the member of the store on this node lost its data, and no majority of the others answers that could replace it: \
             bring managers back"
                .to_owned(),
        ),
        (Data::Of { .. }, None) => Judgement::Start,
        (Data::Empty, _) if case.founding => Judgement::Start,
        (Data::Empty, Some(members)) => empty(case, members),
        (Data::Empty, None) if case.only => Judgement::Hold(
            "the data of the only member of the store is gone from volume ucp-kv: put a copy of the volume back".to_owned(),
        ),
        (Data::Empty, None) => Judgement::Hold(
            "there is no data of the store in volume ucp-kv, and no majority of the other members answers that could take this \
             node in: bring managers back, or let one of them go on without the others with `ucp-agent kv recover \
             --emergency-repair`"
                .to_owned(),
        ),
    }
}

fn of_member(case: &Case<'_>, id: u64, known: bool, members: &[MemberInfo]) -> Judgement {
    match members.iter().find(|member| member.id == id) {
        Some(member) if !member.name.is_empty() && member.name != case.name => Judgement::Hold(format!(
            "volume ucp-kv holds the data of the member of node {}: give it back its own, or empty it",
            member.name
        )),
        // It was started with nothing, without anybody who looked first: it has forgotten what it promised.
        Some(_) if case.lost == Some(id) => Judgement::Lost(id),
        Some(member) if case.ends && !known && !member.name.is_empty() => Judgement::Lost(id),
        Some(_) => Judgement::Start,
        None if members.iter().any(|member| case.is_own(member)) => Judgement::SetAside,
        None => not_taken_in(),
    }
}

fn empty(case: &Case<'_>, members: &[MemberInfo]) -> Judgement {
    match members.iter().find(|member| case.is_own(member)) {
        Some(member) if member.name.is_empty() => Judgement::Start,
        Some(member) => Judgement::Lost(member.id),
        None => not_taken_in(),
    }
}

fn not_taken_in() -> Judgement {
    Judgement::Hold("the store has not taken this node in yet: the cluster agent does that, wait".to_owned())
}

impl Case<'_> {
    /// Whether a member is the one of this node. One that was never started has no name yet.
    fn is_own(&self, member: &MemberInfo) -> bool {
        match member.name.as_str() {
            "" => member.peer_urls.iter().any(|url| url == self.peer_url),
            name => name == self.name,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const URL: &str = "https://10.0.0.3:12380";

    fn member(id: u64, name: &str, last: u8) -> MemberInfo {
        MemberInfo {
            id,
            name: name.to_owned(),
            peer_urls: vec![format!("https://10.0.0.{last}:12380")],
            client_urls: Vec::new(),
            learner: name.is_empty(),
        }
    }

    fn case<'c>(data: Data, members: Option<&'c [MemberInfo]>) -> Case<'c> {
        Case {
            name: "n3",
            peer_url: URL,
            data,
            founding: false,
            ends: false,
            lost: None,
            only: false,
            members,
        }
    }

    /// Test table: who is started, who is held and why, whose data is set aside, and who is lost.
    #[test]
    fn who_starts_with_what() {
        let of = |member| Data::Of { member, known: true };
        let unseen = |member| Data::Of { member, known: false };
        let others = [member(1, "n1", 1), member(2, "n2", 2)];
        let with = |own: MemberInfo| {
            let mut members = others.to_vec();
            members.push(own);
            members
        };
        let (there, added) = (with(member(3, "n3", 3)), with(member(9, "", 3)));
        let moved = with(member(3, "n4", 3));
        let start = |case: Case<'_>| assert_eq!(judge(&case), Judgement::Start, "{case:?}");
        let lost = |case: Case<'_>| assert_eq!(judge(&case), Judgement::Lost(3), "{case:?}");
        let held = |case: Case<'_>, why: &str| match judge(&case) {
            Judgement::Hold(said) => assert!(said.contains(why), "{said}"),
            other => panic!("{case:?}: {other:?}"),
        };
        // As it was, also when nobody can say more, and when it ends for another reason.
        start(case(of(3), Some(&there)));
        start(case(of(3), None));
        start(case(unseen(3), Some(&there)));
        start(Case {
            ends: true,
            ..case(of(3), Some(&there))
        });
        start(Case {
            ends: true,
            ..case(unseen(3), None)
        });
        start(case(Data::Unreadable, Some(&there)));
        start(case(Data::Unreadable, None));
        // It began and did not get to say its name.
        start(case(of(9), Some(&added)));
        start(Case {
            ends: true,
            ..case(unseen(9), Some(&added))
        });
        // New: in a cluster, and as the first of one.
        start(case(Data::Empty, Some(&added)));
        start(Case {
            founding: true,
            only: true,
            ..case(Data::Empty, None)
        });
        // Without data, found before it was started and after.
        lost(case(Data::Empty, Some(&there)));
        lost(Case {
            ends: true,
            ..case(unseen(3), Some(&there))
        });
        // Once found, it stays so until another member is in its place.
        lost(Case {
            lost: Some(3),
            ..case(of(3), Some(&there))
        });
        lost(Case {
            lost: Some(3),
            ..case(unseen(3), Some(&there))
        });
        start(Case {
            lost: Some(2),
            ..case(unseen(3), Some(&there))
        });
        held(
            Case {
                lost: Some(3),
                ..case(unseen(3), None)
            },
            "lost its data, and no majority",
        );
        let replaced = Case {
            lost: Some(3),
            ..case(unseen(3), Some(&added))
        };
        assert_eq!(judge(&replaced), Judgement::SetAside);
        // The data of a former member, once there is a new one in its place.
        assert_eq!(judge(&case(of(3), Some(&added))), Judgement::SetAside);
        assert_eq!(judge(&case(of(7), Some(&there))), Judgement::SetAside);
        // Not yet, and not at all.
        held(case(of(3), Some(&others)), "has not taken this node in yet");
        held(case(Data::Empty, Some(&others)), "has not taken this node in yet");
        held(case(of(3), Some(&moved)), "the data of the member of node n4");
        held(case(Data::Empty, None), "no majority of the other members");
        held(
            Case {
                only: true,
                ..case(Data::Empty, None)
            },
            "put a copy of the volume back",
        );
    }

    proptest! {
        /// Data is set aside only when a majority says that it is nobody's, and a member is called lost only when a
        /// majority counts on it. Nothing is started empty where others count on what it had.
        #[test]
        fn never_on_hearsay(
            data in prop_oneof![
                Just(Data::Empty), Just(Data::Unreadable),
                (1..6_u64, any::<bool>()).prop_map(|(member, known)| Data::Of { member, known }),
            ],
            list in prop::option::of(prop::collection::vec((1..6_u64, 1..5_u8, any::<bool>()), 0..5)),
            founding: bool, ends: bool, only: bool, lost in prop::option::of(1..6_u64),
        ) {
            let members: Option<Vec<MemberInfo>> = list.map(|list| list.into_iter()
                .map(|(id, last, named)| member(id, if named { ["n1", "n2", "n3", "n4"][usize::from(last) - 1] } else { "" }, last))
                .collect());
            let case = Case { founding, ends, only, lost, ..case(data, members.as_deref()) };
            let is_member = |id: u64| members.iter().flatten().any(|member| member.id == id);
            match judge(&case) {
                Judgement::SetAside => {
                    let Data::Of { member, .. } = data else { panic!("there is nothing to set aside") };
                    prop_assert!(members.is_some() && !is_member(member));
                }
                Judgement::Lost(id) => prop_assert!(is_member(id)),
                Judgement::Start if data == Data::Empty && !founding => {
                    prop_assert!(members.iter().flatten().any(|member| member.name.is_empty()));
                }
                Judgement::Start | Judgement::Hold(_) => {}
            }
        }
    }
}
