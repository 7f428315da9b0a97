//! What is written down, and who is wanted.

use mke_core::store::etcd::MemberInfo;

use super::*;
use crate::kv::SeenMember;

fn manager(id: &str, last: Option<u8>) -> Manager {
    Manager {
        id: id.to_owned(),
        address: last.map(|last| [10, 0, 0, last].into()),
        present: true,
        lost: None,
    }
}

fn seen(name: &str, url: &str) -> SeenMember {
    SeenMember {
        info: MemberInfo {
            id: 1,
            name: name.to_owned(),
            peer_urls: vec![url.to_owned()],
            client_urls: Vec::new(),
            learner: name.is_empty(),
        },
        health: Err("it does not answer".to_owned()),
    }
}

fn observed(members: &[(&str, &str)]) -> Observed {
    Observed {
        members: members.iter().map(|(name, url)| seen(name, url)).collect(),
        out_of_space: Vec::new(),
    }
}

/// Test table: members by their names; one that was never started by the manager at its address; one that nobody will start
/// is left out; those of former managers stay.
#[test]
fn what_is_written_down() {
    let managers = [manager("A", Some(1)), manager("b", Some(2)), manager("c", None)];
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [(&'a str, u8)]);
    let table: [Row<'_>; 5] = [
        (&[], &[]),
        (&[("a", "https://10.0.0.1:12380")], &[("A", 1)]),
        (
            &[("a", "https://10.0.0.1:12380"), ("", "https://10.0.0.2:12380")],
            &[("A", 1), ("b", 2)],
        ),
        (
            &[("a", "https://10.0.0.1:12380"), ("", "https://10.0.0.9:12380")],
            &[("A", 1)],
        ),
        (
            &[
                ("gone", "https://10.0.0.9:12380"),
                ("c", "https://10.0.0.3:12380"),
            ],
            &[("c", 3), ("gone", 9)],
        ),
    ];
    for (members, expected) in table {
        let expected: Vec<_> = expected
            .iter()
            .map(|(id, last)| StoreMember {
                id: (*id).to_owned(),
                address: [10, 0, 0, *last].into(),
                member: Some("1".to_owned()),
            })
            .collect();
        assert_eq!(
            described(&observed(members), &managers).unwrap(),
            expected,
            "{members:?}"
        );
    }
    for foreign in [
        "http://10.0.0.1:12380",
        "https://10.0.0.1:2380",
        "https://kv:12380",
    ] {
        let error = described(&observed(&[("x", foreign)]), &managers).unwrap_err();
        assert!(
            error.to_string().contains(foreign) && error.to_string().contains("remove it"),
            "{error}"
        );
    }
}

/// A manager whose address nobody knows stays where its member is, and is not taken in before its address is known.
#[test]
fn who_is_wanted() {
    let there = observed(&[("a", "https://10.0.0.1:12380"), ("c", "https://[fd00::3]:12380")]);
    let managers = [manager("A", Some(1)), manager("c", None), manager("d", None)];
    let wanted: Vec<_> = wanted(&managers, &there)
        .into_iter()
        .map(|member| (member.name, member.peer_url))
        .collect();
    let expected = [
        ("a".to_owned(), "https://10.0.0.1:12380".to_owned()),
        ("c".to_owned(), "https://[fd00::3]:12380".to_owned()),
    ];
    assert_eq!(wanted, expected);
}

/// Ids of members are kept beside them, so that agents of older versions read the rest, and what those wrote is read too.
#[test]
fn ids_beside_members() {
    let member = |id: &str, number: Option<&str>| StoreMember {
        id: id.to_owned(),
        address: [10, 0, 0, 1].into(),
        member: number.map(str::to_owned),
    };
    let members = [member("A", Some("8e9e05c52164694d")), member("b", None)];
    let record = Record::of(&members);
    let text = serde_json::to_string(&record).unwrap();
    assert_eq!(
        text,
        r#"{"members":[{"id":"A","address":"10.0.0.1"},{"id":"b","address":"10.0.0.1"}],"ids":{"A":"8e9e05c52164694d"}}"#
    );
    let read: Record = serde_json::from_str(&text).unwrap();
    assert_eq!(read.into_members(), members);
    let old: Record = serde_json::from_str(r#"{"members":[{"id":"A","address":"10.0.0.1"}]}"#).unwrap();
    assert_eq!(old.into_members(), [member("A", None)]);
}
