//! What the parameters are now. A module that is not loaded, a parameter that this kernel does not have, one that belongs
//! to the whole machine and one that cannot be read are states of their own, and none of them is an error.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::catalogue::parameters;
use super::error::KernelError;
use super::key::Key;
use super::place::Place;
use super::settings::Settings;

/// The state of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It has this value.
    Value(String),
    /// Its module is not loaded.
    ModuleAbsent(String),
    /// This kernel does not have it.
    Absent,
    /// It is one of the whole machine, and a namespace was looked at.
    HostWide,
    /// It is there and cannot be read.
    Unreadable(String),
}

/// Everything that a plan is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observation {
    /// The network namespace; `None` for the machine.
    pub namespace: Option<String>,
    /// Parameters of the catalogue, those that change with them, and those that were asked for.
    pub states: BTreeMap<Key, State>,
    /// What is asked for at the next start; empty for a namespace, which has none.
    pub settings: Settings,
}

/// The parameter that keeps programs from taking ports by chance; outside of the catalogue, wanted by NET-015.
pub(super) const RESERVED_PORTS: &str = "net.ipv4.ip_local_reserved_ports";

/// Looks at a place. `named` are parameters outside of the catalogue that the caller means to change.
///
/// # Errors
/// [`KernelError::NoNamespace`] when the namespace is gone.
pub fn observe(place: &Place, named: &[Key]) -> Result<Observation, KernelError> {
    place.inside(|| Ok(inside(place, named)))
}

/// As [`observe`], in the namespace already.
pub(super) fn inside(place: &Place, named: &[Key]) -> Observation {
    let mut found: BTreeMap<Key, (Option<&str>, io::Result<String>)> = BTreeMap::new();
    let in_namespace = place.namespace_name().is_some();
    let mut states = BTreeMap::new();
    for parameter in parameters() {
        // Every name of the table is one; a test says so.
        let Ok(key) = parameter.name.parse::<Key>() else {
            continue;
        };
        if in_namespace && !key.is_net() {
            states.insert(key, State::HostWide);
            continue;
        }
        let value = place.read(&key);
        if in_namespace && !parameter.per_namespace && value.is_err() {
            states.insert(key, State::HostWide);
            continue;
        }
        found.insert(key, (parameter.module, value));
    }
    let others = RESERVED_PORTS
        .parse()
        .into_iter()
        .chain(place.forwarding_keys())
        .chain(named.iter().cloned());
    for key in others {
        if in_namespace && !key.is_net() {
            states.insert(key, State::HostWide);
        } else {
            let value = place.read(&key);
            found.entry(key).or_insert((None, value));
        }
    }
    // A module is there when anything of it is.
    let loaded: Vec<&str> = found
        .values()
        .filter(|(_, value)| value.is_ok())
        .filter_map(|(module, _)| *module)
        .collect();
    let is_loaded =
        |module: &str| loaded.contains(&module) || place.root().join("sys/module").join(module).is_dir();
    for (key, (module, value)) in &found {
        let state = match (value, module) {
            (Ok(value), _) => State::Value(value.clone()),
            (Err(error), module) if error.kind() == io::ErrorKind::NotFound => match module {
                Some(module) if !is_loaded(module) => State::ModuleAbsent((*module).to_owned()),
                _ => State::Absent,
            },
            (Err(error), _) => State::Unreadable(error.to_string()),
        };
        states.insert(key.clone(), state);
    }
    Observation {
        namespace: place.namespace_name().map(str::to_owned),
        states,
        settings: if in_namespace {
            Settings::default()
        } else {
            Settings::observe(place.root())
        },
    }
}
