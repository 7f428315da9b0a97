//! Which config objects there must be, so that the newest always holds the configuration in force, and which may go.
//! Pure.
//!
//! Objects of a swarm cannot be changed, so each version of the configuration is an object of its own:
//! `com.docker.ucp.config-<n>` with rising `n`. They hold the file as it is exported: secrets are masked.

use mke_core::product::objects;

/// Objects of the configuration that are kept besides the newest, for people who look back.
const KEPT: usize = 2;

/// A config object of the swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigObject {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, content: &str) -> ConfigObject {
        ConfigObject {
            id: format!("id:{name}"),
            name: name.to_owned(),
            content: content.as_bytes().to_vec(),
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
