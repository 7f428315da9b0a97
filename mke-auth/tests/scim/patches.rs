//! Changes and filters on resources at hand: tables of exact results, and properties against slow, obvious
//! evaluators.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use mke_auth::scim::{ResourceType, ScimType, matches, patched};
use proptest::prelude::*;
use serde_json::{Value, json};

fn group_of(members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({ "displayName": "dev", "members": members })
}

fn changed(kind: ResourceType, resource: &Value, operations: &Value) -> Result<Value, ScimType> {
    let body = json!({ "Operations": operations }).to_string();
    patched(kind, resource.to_string().as_bytes(), body.as_bytes())
        .map_err(|error| error.scim_type.expect("a keyword"))
}

/// scim-10: exact results of RFC 7644, section 3.5.2, for members.
#[test]
fn sec_scim_10_members() {
    let before = group_of(&["a", "b", "c"]);
    for (operation, expected) in [
        (
            json!({ "op": "remove", "path": "members[value eq \"b\"]" }),
            Ok(&["a", "c"][..]),
        ),
        (
            json!({ "op": "remove", "path": "members[value eq \"B\"]" }),
            Ok(&["a", "b", "c"]),
        ),
        (
            json!({ "op": "remove", "path": "members[value eq \"x\"]" }),
            Ok(&["a", "b", "c"]),
        ),
        (
            json!({ "op": "remove", "path": "members[value eq \"a\" or value eq \"c\"]" }),
            Ok(&["b"]),
        ),
        (
            json!({ "op": "remove", "path": "members[not (value eq \"a\")]" }),
            Ok(&["a"]),
        ),
        (json!({ "op": "remove", "path": "members" }), Ok(&[])),
        (
            json!({ "op": "remove", "path": "members", "value": [{ "value": "a" }] }),
            Ok(&["b", "c"]),
        ),
        (
            json!({ "op": "remove", "path": "members", "value": [] }),
            Ok(&["a", "b", "c"]),
        ),
        (json!({ "op": "remove" }), Err(ScimType::NoTarget)),
        (
            json!({ "op": "remove", "value": [{ "value": "a" }] }),
            Err(ScimType::NoTarget),
        ),
        (json!({ "op": "remove", "path": "" }), Err(ScimType::InvalidPath)),
        (
            json!({ "op": "add", "path": "members", "value": [{ "value": "a" }] }),
            Ok(&["a", "b", "c"]),
        ),
        (
            json!({ "op": "add", "path": "members", "value": [{ "value": "d" }, { "value": "d", "type": "User" }] }),
            Ok(&["a", "b", "c", "d"]),
        ),
        (
            json!({ "op": "add", "path": "members", "value": { "value": "d" } }),
            Ok(&["a", "b", "c", "d"]),
        ),
        (
            json!({ "op": "replace", "path": "members", "value": [{ "value": "d" }] }),
            Ok(&["d"]),
        ),
        (
            json!({ "op": "replace", "path": "members", "value": [] }),
            Ok(&[]),
        ),
        (
            json!({ "op": "replace", "path": "members[value eq \"a\"].value", "value": "d" }),
            Err(ScimType::Mutability),
        ),
        (
            json!({ "op": "replace", "path": "members[value eq \"a\"]", "value": { "value": "d" } }),
            Err(ScimType::Mutability),
        ),
        (
            json!({ "op": "replace", "path": "members[value eq \"x\"]", "value": { "value": "d" } }),
            Err(ScimType::NoTarget),
        ),
        (
            json!({ "op": "add", "path": "members", "value": ["d"] }),
            Ok(&["a", "b", "c", "d"]),
        ),
        (
            json!({ "op": "add", "path": "members", "value": [7] }),
            Err(ScimType::InvalidValue),
        ),
        (
            json!({ "op": "remove", "path": "members[value eq \"a\"] or x" }),
            Err(ScimType::InvalidPath),
        ),
        (
            json!({ "op": "remove", "path": "members[value eq \"a\"" }),
            Err(ScimType::InvalidFilter),
        ),
        (
            json!({ "op": "remove", "path": "displayName[value eq \"a\"]" }),
            Err(ScimType::InvalidPath),
        ),
    ] {
        let after = changed(ResourceType::Group, &before, &json!([operation]));
        let expected = expected.map(|ids| {
            let mut group = group_of(ids);
            if ids.is_empty() {
                group.as_object_mut().unwrap().remove("members");
            }
            group
        });
        let plain = after.map(|mut group| {
            for member in group
                .get_mut("members")
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                member.as_object_mut().unwrap().retain(|name, _| name == "value");
            }
            group
        });
        assert_eq!(plain, expected, "{operation}");
    }
}

/// The other attributes: single, complex and multi-valued, with and without a path.
#[test]
fn attributes_of_users() {
    let before = json!({
        "userName": "jane", "active": true, "name": { "formatted": "Jane Doe", "familyName": "Doe" },
        "emails": [{ "value": "w@x", "type": "work", "primary": true }, { "value": "h@x", "type": "home" }],
    });
    let with = |path: &str, value: Value| {
        let mut after = before.clone();
        *after.pointer_mut(path).unwrap() = value;
        after
    };
    for (operation, expected) in [
        (
            json!({ "op": "replace", "path": "userName", "value": "janet" }),
            Ok(with("/userName", json!("janet"))),
        ),
        (
            json!({ "op": "add", "path": "name.familyName", "value": "Roe" }),
            Ok(with("/name/familyName", json!("Roe"))),
        ),
        (
            json!({ "op": "remove", "path": "name.familyName" }),
            Ok(with("/name", json!({ "formatted": "Jane Doe" }))),
        ),
        (
            json!({ "op": "replace", "path": "name", "value": { "familyName": "Roe" } }),
            Ok(with(
                "/name",
                json!({ "formatted": "Jane Doe", "familyName": "Roe" }),
            )),
        ),
        (
            json!({ "op": "replace", "value": { "name.formatted": "J", "active": "false", "id": "x", "nothing": 1 } }),
            Ok(
                json!({ "userName": "jane", "active": false, "name": { "formatted": "J", "familyName": "Doe" },
                "emails": before["emails"] }),
            ),
        ),
        (
            json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "new@x" }),
            Ok(with("/emails/0/value", json!("new@x"))),
        ),
        (
            json!({ "op": "replace", "path": "emails[type eq \"home\"]", "value": { "value": "n@x", "primary": true } }),
            Ok(with(
                "/emails",
                json!([{ "value": "w@x", "type": "work", "primary": false }, { "value": "n@x", "primary": true }]),
            )),
        ),
        (
            json!({ "op": "add", "path": "emails[type eq \"other\"].value", "value": "o@x" }),
            Ok(with(
                "/emails",
                json!([{ "value": "w@x", "type": "work", "primary": true },
                { "value": "h@x", "type": "home" }, { "value": "o@x", "type": "other" }]),
            )),
        ),
        (
            json!({ "op": "add", "path": "emails", "value": [{ "value": "p@x", "primary": true }] }),
            Ok(with(
                "/emails",
                json!([{ "value": "w@x", "type": "work", "primary": false },
                { "value": "h@x", "type": "home" }, { "value": "p@x", "primary": true }]),
            )),
        ),
        (
            json!({ "op": "remove", "path": "emails[primary eq true].primary" }),
            Ok(with("/emails/0", json!({ "value": "w@x", "type": "work" }))),
        ),
        (
            json!({ "op": "remove", "path": "emails[type eq \"home\"].value" }),
            Err(ScimType::InvalidValue),
        ),
        (
            json!({ "op": "add", "path": "emails", "value": [{ "value": "a", "primary": true }, { "value": "b", "primary": true }] }),
            Err(ScimType::InvalidValue),
        ),
        (
            json!({ "op": "replace", "path": "emails[type sw \"\"].primary", "value": true }),
            Ok(with(
                "/emails",
                json!([{ "value": "w@x", "type": "work", "primary": false }, { "value": "h@x", "type": "home", "primary": true }]),
            )),
        ),
        (
            json!({ "op": "replace", "path": "emails.value", "value": "x" }),
            Err(ScimType::InvalidPath),
        ),
        (
            json!({ "op": "add", "path": "emails[type ne \"work\" and type ne \"home\"].value", "value": "x" }),
            Err(ScimType::NoTarget),
        ),
        (
            json!({ "op": "replace", "path": "active", "value": "maybe" }),
            Err(ScimType::InvalidValue),
        ),
        (
            json!({ "op": "replace", "path": "name", "value": "Jane" }),
            Err(ScimType::InvalidValue),
        ),
        (
            json!({ "op": "replace", "path": "schemas", "value": [] }),
            Err(ScimType::Mutability),
        ),
    ] {
        let after = changed(ResourceType::User, &before, &json!([operation]));
        let sorted = |value: &Value| value.to_string().len();
        match (&after, &expected) {
            (Ok(after), Ok(expected)) => {
                // Members of objects may stand in another order.
                assert_eq!(sorted(after), sorted(expected), "{operation}");
                assert_eq!(after, expected, "{operation}");
            }
            _ => assert_eq!(after, expected, "{operation}"),
        }
    }
}

const JANE: &str = r#"{"userName":"Jane","externalId":"Ext","active":true,"displayName":"J \"D\" \\ ü",
    "emails":[{"value":"w@x","type":"work"},{"value":"h@x","type":"home"}]}"#;

fn passes(filter: &str) -> Result<bool, ScimType> {
    matches(ResourceType::User, filter, JANE.as_bytes()).map_err(|error| error.scim_type.unwrap())
}

/// scim-11: precedence, negation, brackets, quotation marks and escapes; bounds from both sides.
#[test]
fn sec_scim_11_filters() {
    let depth = |levels: usize| format!("{}active eq true{}", "(".repeat(levels), ")".repeat(levels));
    let terms = |count: usize| vec!["active eq true"; count].join(" or ");
    let long = |bytes: usize| {
        let fixed = "userName eq \"\"".len();
        format!("userName eq \"{}\"", "x".repeat(bytes - fixed))
    };
    let yes = Ok(true);
    let no = Ok(false);
    let bad = Err(ScimType::InvalidFilter);
    for (filter, expected) in [
        ("active eq true or active eq false and active eq false", yes),
        ("(active eq true or active eq false) and active eq false", no),
        ("not (active eq true) or active eq true", yes),
        ("not (active eq true or active eq true)", no),
        ("NOT(active EQ true)", no),
        ("active eq false OR active eq true AND active eq true", yes),
        ("not active eq true", bad),
        (r#"displayName eq "j \"d\" \\ Ü""#, yes),
        (r#"displayName eq "J \u0022D\u0022 \\ \u00fc""#, yes),
        (r#"displayName eq "J \x""#, bad),
        (r#"displayName eq "J""#, no),
        (r#"externalId eq "Ext""#, yes),
        (r#"externalId eq "ext""#, no),
        (
            r#"externalId co "x" and externalId sw "E" and externalId ew "t""#,
            yes,
        ),
        (
            r#"userName gt "jan" and userName le "JANE" and not (userName lt "jane")"#,
            yes,
        ),
        ("displayName pr and not (name pr)", yes),
        ("name.formatted eq null", yes),
        ("userName ne null", yes),
        (r#"emails[type eq "work" and value eq "w@x"]"#, yes),
        (r#"emails[type eq "work" and value eq "h@x"]"#, no),
        (r#"emails.type eq "work" and emails.value eq "h@x""#, yes),
        (r#"emails[type eq "work"].value eq "x""#, bad),
        (r#"emails[emails[type eq "x"]]"#, bad),
        (r#"userName[value eq "x"]"#, bad),
        (r#"userName eq "x"or active eq true"#, bad),
        (r#"userName eq"x""#, bad),
        (r#"userName eq "x"; drop table accounts"#, bad),
        (r#"userName eq "' or 1=1 --""#, no),
        (r#"userName eq "/mke/accounts/""#, no),
        (r"userName eq 'jane'", bad),
        ("userName eq", bad),
        ("eq", bad),
        ("()", bad),
        ("", bad),
        ("active eq true active eq true", bad),
        ("active eq TRUE", bad),
        ("active gt true", bad),
        ("userName eq 1", bad),
        ("userName eq \"a\0b\"", bad),
        ("userName\u{a0}eq \"jane\"", bad),
        (&depth(64), yes),
        (&depth(65), bad),
        (&depth(4000), bad),
        (&terms(256), yes),
        (&terms(257), bad),
        (&long(8 * 1024), no),
        (&long(8 * 1024 + 1), bad),
        (&long(64 * 1024), bad),
    ] {
        assert_eq!(passes(filter), expected, "{filter:.200}");
    }
}

/// A filter as a tree.
#[derive(Debug, Clone)]
enum Tree {
    Leaf(&'static str, bool),
    And(Box<Tree>, Box<Tree>),
    Or(Box<Tree>, Box<Tree>),
    Not(Box<Tree>),
}

impl Tree {
    fn holds(&self) -> bool {
        match self {
            Self::Leaf(_, holds) => *holds,
            Self::And(a, b) => a.holds() && b.holds(),
            Self::Or(a, b) => a.holds() || b.holds(),
            Self::Not(a) => !a.holds(),
        }
    }

    /// Its text, with no more brackets than precedence needs.
    fn write(&self, text: &mut String, inside_and: bool) {
        match self {
            Self::Leaf(leaf, _) => text.push_str(leaf),
            Self::And(a, b) => {
                a.write(text, true);
                text.push_str(" and ");
                b.write(text, true);
            }
            Self::Or(a, b) => {
                text.push_str(if inside_and { "(" } else { "" });
                a.write(text, false);
                text.push_str(" or ");
                b.write(text, false);
                text.push_str(if inside_and { ")" } else { "" });
            }
            Self::Not(a) => {
                text.push_str("not (");
                a.write(text, false);
                let _ = write!(text, ")");
            }
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Leaf("userName eq \"jane\"", true)),
        Just(Tree::Leaf("userName eq \"x or y\"", false)),
        Just(Tree::Leaf(
            "emails[type eq \"work\" and not (value eq \"h@x\")]",
            true
        )),
        Just(Tree::Leaf(
            "emails[type eq \"work\" and value eq \"h@x\" or type eq \"none\"]",
            false
        )),
        Just(Tree::Leaf("active eq true", true)),
        Just(Tree::Leaf("name pr", false)),
    ];
    leaf.prop_recursive(6, 40, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Tree::And(Box::new(a), Box::new(b))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Tree::Or(Box::new(a), Box::new(b))),
            inner.prop_map(|a| Tree::Not(Box::new(a))),
        ]
    })
}

/// A change of members, as a person would say it.
#[derive(Debug, Clone)]
enum Change {
    Add(BTreeSet<u8>),
    AddBare(BTreeSet<u8>),
    Remove(u8),
    RemoveListed(BTreeSet<u8>),
    Delete(BTreeSet<u8>),
    Replace(BTreeSet<u8>),
    RemoveAll,
    KeepOnly(u8),
}

impl Change {
    fn to_operation(&self) -> Value {
        let list = |ids: &BTreeSet<u8>| {
            ids.iter()
                .map(|id| json!({ "value": id.to_string() }))
                .collect::<Vec<_>>()
        };
        match self {
            Self::Add(ids) => json!({ "op": "add", "path": "members", "value": list(ids) }),
            Self::AddBare(ids) => json!({ "value": { "Members": list(ids) } }),
            Self::Remove(id) => json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }),
            Self::RemoveListed(ids) => json!({ "op": "Remove", "path": "members", "value": list(ids) }),
            Self::Delete(ids) => {
                let ids: Vec<Value> = ids
                    .iter()
                    .map(|id| json!({ "value": id.to_string(), "operation": "delete" }))
                    .collect();
                json!({ "op": "add", "path": "members", "value": ids })
            }
            Self::Replace(ids) => json!({ "op": "replace", "path": "members", "value": list(ids) }),
            Self::RemoveAll => json!({ "op": "remove", "path": "members" }),
            Self::KeepOnly(id) => json!({ "op": "remove", "path": format!("members[value ne \"{id}\"]") }),
        }
    }

    fn apply(&self, members: &mut BTreeSet<u8>) {
        match self {
            Self::Add(ids) | Self::AddBare(ids) => members.extend(ids),
            Self::Remove(id) => {
                members.remove(id);
            }
            Self::RemoveListed(ids) | Self::Delete(ids) => members.retain(|id| !ids.contains(id)),
            Self::Replace(ids) => members.clone_from(ids),
            Self::RemoveAll => members.clear(),
            Self::KeepOnly(id) => members.retain(|found| found == id),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let ids = || proptest::collection::btree_set(0..8_u8, 0..5);
    prop_oneof![
        ids().prop_map(Change::Add),
        ids().prop_map(Change::AddBare),
        (0..8_u8).prop_map(Change::Remove),
        ids().prop_map(Change::RemoveListed),
        ids().prop_map(Change::Delete),
        ids().prop_map(Change::Replace),
        Just(Change::RemoveAll),
        (0..8_u8).prop_map(Change::KeepOnly),
    ]
}

proptest! {
    /// Whatever the brackets and the precedence, a filter means its tree.
    #[test]
    fn filters_mean_their_tree(tree in tree()) {
        let mut text = String::new();
        tree.write(&mut text, false);
        prop_assert_eq!(passes(&text), Ok(tree.holds()), "{}", text);
    }

    /// Any text is a filter or refused as one, and any bytes are a body or refused.
    #[test]
    fn anything_is_answered(text in "[a-zA-Z\"\\\\()\\[\\] .:0-9]{0,60}", body in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Err(keyword) = passes(&text) {
            prop_assert_eq!(keyword, ScimType::InvalidFilter);
        }
        let _ = patched(ResourceType::User, JANE.as_bytes(), &body);
    }

    /// Operations on members do to the group what they do to a set.
    #[test]
    fn members_are_a_set(begin in proptest::collection::btree_set(0..8_u8, 0..6), changes in proptest::collection::vec(change(), 1..8)) {
        let texts: Vec<String> = begin.iter().map(ToString::to_string).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let operations: Vec<Value> = changes.iter().map(Change::to_operation).collect();
        let after = changed(ResourceType::Group, &group_of(&texts), &json!(operations)).unwrap();
        let mut expected = begin;
        changes.iter().for_each(|change| change.apply(&mut expected));
        let members = after.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
        let found: Vec<u8> = members.iter().map(|member| member["value"].as_str().unwrap().parse().unwrap()).collect();
        prop_assert_eq!(found.len(), expected.len(), "no member twice");
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected);
    }

    /// One after the other or all at once comes to the same.
    #[test]
    fn together_or_apart(changes in proptest::collection::vec(change(), 1..6)) {
        let operations: Vec<Value> = changes.iter().map(Change::to_operation).collect();
        let begin = group_of(&["1", "2"]);
        let together = changed(ResourceType::Group, &begin, &json!(operations)).unwrap();
        let mut apart = begin;
        for operation in operations {
            apart = changed(ResourceType::Group, &apart, &json!([operation])).unwrap();
        }
        prop_assert_eq!(together, apart);
    }
}
