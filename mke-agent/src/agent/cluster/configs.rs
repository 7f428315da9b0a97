//! Which config objects there must be, so that the newest always holds the configuration in force, and which may go; licences
//! that a newer one has replaced go too. Pure.
//!
//! Objects of a swarm cannot be changed, so each version of the configuration is an object of its own:
//! `com.docker.ucp.config-<n>` with rising `n`. They hold the file as it is exported: secrets are masked.

use mke_core::product::objects;

use crate::controller::configuration::license::License;

/// Objects of the configuration that are kept besides the newest, for people who look back.
const KEPT: usize = 2;

/// A config object of the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigObject {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The installation that its label names.
    pub instance: Option<String>,
    /// Its content.
    pub content: Vec<u8>,
}

/// What is to be done about the objects of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigPlan {
    /// The object to make: its name.
    pub create: Option<String>,
    /// The object that agents should see now; nothing when it must be made first.
    pub current: Option<(String, String)>,
    /// Objects that may go, by id. The swarm refuses those that a service still uses.
    pub remove: Vec<String>,
}

/// Compares the objects with the configuration in force. The object without a number is the operator's and stays.
pub fn plan(objects: &[ConfigObject], export: &str) -> ConfigPlan {
    let mut own: Vec<(u64, &ConfigObject)> = objects
        .iter()
        .filter_map(|object| {
            let number = objects::version_of(objects::CONFIG, &object.name)?;
            (number > 0).then_some((number, object))
        })
        .collect();
    own.sort_by_key(|(number, _)| *number);
    let newest = own.last().copied();
    match newest {
        Some((_, object)) if object.content == export.as_bytes() => ConfigPlan {
            create: None,
            current: Some((object.id.clone(), object.name.clone())),
            remove: own
                .iter()
                .rev()
                .skip(1 + KEPT)
                .map(|(_, object)| object.id.clone())
                .collect(),
        },
        _ => {
            let next = newest.map_or(1, |(number, _)| number.saturating_add(1));
            ConfigPlan {
                create: Some(objects::versioned(objects::CONFIG, next)),
                ..ConfigPlan::default()
            }
        }
    }
}

/// Licences that may go, by id: those of this installation below the newest that can be read. The object without a number, and
/// those of others, stay. Nothing goes before there is a newer one that is a licence.
pub fn old_licenses(objects: &[ConfigObject], cluster_id: &str) -> Vec<String> {
    let number = |object: &ConfigObject| objects::version_of(objects::LICENSE, &object.name);
    let readable = objects
        .iter()
        .filter(|object| License::parse(&object.content).is_ok());
    let Some(newest) = readable.filter_map(number).max() else {
        return Vec::new();
    };
    let is_old = |object: &&ConfigObject| {
        number(object).is_some_and(|number| (1..newest).contains(&number))
            && object.instance.as_deref() == Some(cluster_id)
    };
    let old = objects.iter().filter(is_old);
    old.map(|object| object.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn object(name: &str, content: &str) -> ConfigObject {
        ConfigObject {
            id: format!("id:{name}"),
            name: name.to_owned(),
            instance: Some("c".to_owned()),
            content: content.as_bytes().to_vec(),
        }
    }

    /// The object without a number, those of others and of another kind stay, and so does everything until there is a newer one that
    /// is a licence; numbers count as numbers.
    #[test]
    fn licences_that_were_replaced_go() {
        let said = URL_SAFE_NO_PAD.encode(r#"{"exp": 4102444800}"#);
        let valid = format!("eyJhbGciOiJub25lIn0.{said}.c2ln");
        let named = |number: &str, content: &str| object(&format!("com.docker.license{number}"), content);
        let foreign = ConfigObject {
            instance: Some("other".to_owned()),
            ..named("-2", &valid)
        };
        let unmarked = ConfigObject {
            instance: None,
            ..named("-1", &valid)
        };
        for (objects, gone) in [
            (vec![], vec![]),
            (vec![named("-1", &valid)], vec![]),
            (vec![named("-1", &valid), named("-2", &valid)], vec!["-1"]),
            (
                vec![named("-9", &valid), named("-10", &valid), named("-2", "odd")],
                vec!["-9", "-2"],
            ),
            (vec![named("-1", &valid), named("-2", "odd")], vec![]),
            (
                vec![named("-1", &valid), named("-2", &valid), named("-3", "odd")],
                vec!["-1"],
            ),
            (vec![named("", &valid), named("-1", &valid)], vec![]),
            (vec![foreign, unmarked, named("-3", &valid)], vec![]),
            (
                vec![object("com.docker.ucp.config-1", &valid), named("-3", &valid)],
                vec![],
            ),
        ] {
            let gone: Vec<String> = gone
                .into_iter()
                .map(|number| format!("id:com.docker.license{number}"))
                .collect();
            assert_eq!(old_licenses(&objects, "c"), gone, "{objects:?}");
            assert_eq!(old_licenses(&objects, "another"), Vec::<String>::new());
        }
    }

    /// CFG-004: the newest by number counts, not by text; a new version gets the next number.
    #[test]
    fn versions() {
        let nothing = plan(&[], "a");
        assert_eq!(nothing.create.as_deref(), Some("com.docker.ucp.config-1"));
        let mut objects = vec![
            object("com.docker.ucp.config", "a"),
            object("com.docker.ucp.config-10", "a"),
            object("com.docker.ucp.config-9", "b"),
            object("com.docker.ucp.config-x", "c"),
            object("com.docker.license-11", "d"),
        ];
        let same = plan(&objects, "a");
        assert_eq!(same.create, None);
        assert_eq!(
            same.current,
            Some((
                "id:com.docker.ucp.config-10".to_owned(),
                "com.docker.ucp.config-10".to_owned()
            ))
        );
        assert_eq!(same.remove, Vec::<String>::new());
        // Back to what an older object holds is a new version all the same.
        assert_eq!(
            plan(&objects, "b").create.as_deref(),
            Some("com.docker.ucp.config-11")
        );
        for number in 11..14 {
            objects.push(object(&format!("com.docker.ucp.config-{number}"), "z"));
        }
        assert_eq!(
            plan(&objects, "z").remove,
            ["id:com.docker.ucp.config-10", "id:com.docker.ucp.config-9"]
        );
    }
}
