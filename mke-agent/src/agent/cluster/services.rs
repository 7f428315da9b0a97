//! What is to be done about the services of the agents: the configuration that they see, and the generations of worker
//! agents during an upgrade (ARCH-009, UPG-010). Pure.
//!
//! A service is never described anew here: what the installation made is taken as it is, and only what must change is
//! changed.

use std::collections::BTreeMap;

use mke_core::product::labels::UPGRADE_HOLD;
use mke_core::product::{ImageRef, ProductVersion, labels, objects};
use serde_json::{Value, json};

/// The services of agents, which see the configuration.
const AGENTS: [&str; 6] = [
    "ucp-manager-agent",
    "ucp-cluster-agent",
    "ucp-worker-agent-x",
    "ucp-worker-agent-y",
    "ucp-worker-agent-win-x",
    "ucp-worker-agent-win-y",
];
/// The two generations of worker agents, for each operating system.
const GENERATIONS: [(&str, &str); 2] = [
    ("ucp-worker-agent-x", "ucp-worker-agent-y"),
    ("ucp-worker-agent-win-x", "ucp-worker-agent-win-y"),
];

/// A service of the swarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its id.
    pub id: String,
    /// How often it was changed.
    pub version: u64,
    /// Its specification.
    pub spec: Value,
}

impl Service {
    /// Reads one element of `GET /services`, when it belongs to this installation.
    pub fn read(value: &Value, cluster_id: &str) -> Option<Self> {
        let spec = value.get("Spec")?.clone();
        let instance = spec.pointer("/Labels")?.get(labels::INSTANCE_ID)?.as_str()?;
        if instance != cluster_id {
            return None;
        }
        Some(Self {
            id: value.get("ID")?.as_str()?.to_owned(),
            version: value.pointer("/Version/Index")?.as_u64()?,
            spec,
        })
    }

    fn name(&self) -> &str {
        self.spec["Name"].as_str().unwrap_or_default()
    }

    fn image(&self) -> Option<ImageRef> {
        let image = self.spec.pointer("/TaskTemplate/ContainerSpec/Image")?.as_str()?;
        // The engine may have added the digest that it found.
        image.split('@').next()?.parse().ok()
    }

    fn keeps_held(&self) -> bool {
        constraints(&self.spec).any(|constraint| constraint == hold(true))
    }
}

/// One thing to do about a service.
#[derive(Debug, Clone, PartialEq)]
pub enum ServiceChange {
    /// Make it.
    Create(Value),
    /// Change it.
    Update {
        /// Its id.
        id: String,
        /// The version that the change is based on.
        version: u64,
        /// What it shall be.
        spec: Value,
    },
    /// Remove it.
    Remove(String),
}

/// What agents shall be like.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Their version.
    pub version: ProductVersion,
    /// Id and name of the object with the configuration; nothing while it is being made.
    pub config: Option<(String, String)>,
    /// Whether any worker has the label that holds it back.
    pub any_held: bool,
}

/// What is to be done. Doing it and asking again gives nothing.
///
/// Normally one generation serves all workers. While some are held back and the version rises, the other generation takes
/// those that are not, and the old one keeps the held ones with its version; once nobody is held, the old one goes. Workers
/// that are held back outside of an upgrade keep an agent of the version that they have.
pub fn plan(services: &[Service], wanted: &Wanted) -> Vec<ServiceChange> {
    let mut specs: BTreeMap<String, Value> = BTreeMap::new();
    let mut gone = Vec::new();
    for service in services.iter().filter(|service| AGENTS.contains(&service.name())) {
        specs.insert(service.name().to_owned(), service.spec.clone());
    }
    for (x, y) in GENERATIONS {
        let of = |name: &str| services.iter().find(|service| service.name() == name);
        generations(of(x), of(y), (x, y), wanted, &mut specs, &mut gone);
    }
    for spec in specs.values_mut() {
        if let Some((id, name)) = &wanted.config {
            see_config(spec, id, name);
        }
    }
    let mut changes = Vec::new();
    // What makes room comes first, so that no node has two agents.
    for name in gone {
        specs.remove(name);
        let service = services.iter().find(|service| service.name() == name);
        changes.extend(service.map(|service| ServiceChange::Remove(service.id.clone())));
    }
    let mut created = Vec::new();
    for (name, spec) in specs {
        match services.iter().find(|service| service.name() == name) {
            Some(service) if service.spec == spec => {}
            Some(service) => changes.push(ServiceChange::Update {
                id: service.id.clone(),
                version: service.version,
                spec,
            }),
            None => created.push(ServiceChange::Create(spec)),
        }
    }
    changes.extend(created);
    changes
}

/// Decides on the two generations of one operating system.
fn generations(
    x: Option<&Service>,
    y: Option<&Service>,
    (x_name, y_name): (&'static str, &'static str),
    wanted: &Wanted,
    specs: &mut BTreeMap<String, Value>,
    gone: &mut Vec<&'static str>,
) {
    // Which serves everybody who is not held, and which those who are.
    let (serving, other, other_name) = match (x, y) {
        (Some(x), Some(y)) if x.keeps_held() => (y, Some(x), x_name),
        (Some(x), y) => (x, y, y_name),
        (None, Some(y)) => (y, None, x_name),
        // No agents for this system: the installation did not make any.
        (None, None) => return,
    };
    let Some(image) = serving.image() else {
        return;
    };
    let current = image.version();
    let new_image = ImageRef::new(&image.organisation, &image.name, wanted.version);
    let serving_name = serving.name().to_owned();
    if !wanted.any_held {
        if other.is_some() {
            gone.push(other_name);
        }
        let mut spec = serving.spec.clone();
        set_hold(&mut spec, Some(false));
        if current.is_some_and(|current| current < wanted.version) {
            set_image(&mut spec, &new_image);
        }
        specs.insert(serving_name, spec);
        return;
    }
    let rises = current.is_some_and(|current| current < wanted.version);
    let mut serving_spec = serving.spec.clone();
    match (other, rises) {
        // The old one keeps the held nodes, the new one takes all others.
        (None, true) => {
            let mut next = serving.spec.clone();
            next["Name"] = json!(other_name);
            set_image(&mut next, &new_image);
            set_hold(&mut next, Some(false));
            specs.insert(other_name.to_owned(), next);
            set_hold(&mut serving_spec, Some(true));
        }
        // Held outside of an upgrade.
        (None, false) => {
            let mut held = serving.spec.clone();
            held["Name"] = json!(other_name);
            set_hold(&mut held, Some(true));
            specs.insert(other_name.to_owned(), held);
            set_hold(&mut serving_spec, Some(false));
        }
        (Some(other), _) => {
            if rises {
                set_image(&mut serving_spec, &new_image);
            }
            set_hold(&mut serving_spec, Some(false));
            let mut held = other.spec.clone();
            set_hold(&mut held, Some(true));
            specs.insert(other_name.to_owned(), held);
        }
    }
    specs.insert(serving_name, serving_spec);
}

/// The constraint that lets a service run on held nodes only, or on all others.
fn hold(held: bool) -> String {
    let equal = if held { "==" } else { "!=" };
    format!("node.labels.{UPGRADE_HOLD}{equal}true")
}

fn constraints(spec: &Value) -> impl Iterator<Item = &str> {
    spec.pointer("/TaskTemplate/Placement/Constraints")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn set_hold(spec: &mut Value, held: Option<bool>) {
    let label = format!("node.labels.{UPGRADE_HOLD}");
    let mut kept: Vec<Value> = constraints(spec)
        .filter(|constraint| !constraint.starts_with(&label))
        .map(|constraint| json!(constraint))
        .collect();
    kept.extend(held.map(|held| json!(hold(held))));
    spec["TaskTemplate"]["Placement"]["Constraints"] = Value::Array(kept);
}

fn set_image(spec: &mut Value, image: &ImageRef) {
    let version = json!(image.tag);
    let container = &mut spec["TaskTemplate"]["ContainerSpec"];
    container["Image"] = json!(image.to_string());
    if container["Labels"].is_object() {
        container["Labels"][labels::VERSION] = version.clone();
    }
    if let Some(variables) = container.get_mut("Env").and_then(Value::as_array_mut) {
        for variable in variables {
            if variable
                .as_str()
                .is_some_and(|text| text.starts_with("UCP_VERSION="))
            {
                *variable = json!(format!("UCP_VERSION={}", image.tag));
            }
        }
    }
    if spec["Labels"].is_object() {
        spec["Labels"][labels::VERSION] = version;
    }
}

/// Lets a service see another object where it sees the configuration.
fn see_config(spec: &mut Value, id: &str, name: &str) {
    let configs = spec.pointer_mut("/TaskTemplate/ContainerSpec/Configs");
    for config in configs.and_then(Value::as_array_mut).into_iter().flatten() {
        let current = config["ConfigName"].as_str().unwrap_or_default();
        if objects::version_of(objects::CONFIG, current).is_some() {
            config["ConfigID"] = json!(id);
            config["ConfigName"] = json!(name);
        }
    }
}

#[cfg(test)]
mod tests;
