//! Services that the earlier version did not have, made as an installation of this version makes them.

use mke_core::product::objects;
use serde_json::Value;

use super::super::error::InstallError;
use super::super::inventory::{Inventory, Kind};
use super::super::own::Own;
use super::super::services::{Context, Mounted};
use super::{Examined, Run};

impl Run<'_> {
    /// Makes one of them.
    ///
    /// # Errors
    /// [`InstallError`]: it is none that can be made alone, or what it would see is not there, or the engine's.
    pub(super) async fn create(&self, name: &str) -> Result<(), InstallError> {
        let context = context(self.examined, self.own, &self.options.run)?;
        let spec = spec(name, &context).ok_or_else(|| {
            InstallError::Swarm(format!(
                "service `{name}` is missing and an upgrade does not make it; install the cluster again"
            ))
        })?;
        let doing = format!("cannot create service `{name}`");
        let credentials = self.options.credentials.as_deref();
        self.daemon
            .post_with(&doing, "/services/create", &spec, credentials)
            .await
            .map(drop)
    }
}

/// What a service is like, of those that came later than others.
fn spec(name: &str, context: &Context) -> Option<Value> {
    match name {
        "ucp-auth-api" => Some(context.auth_api()),
        "ucp-auth-worker" => Some(context.auth_worker()),
        _ => None,
    }
}

/// What services share, from what is there.
fn context(examined: &Examined, own: &Own, run: &str) -> Result<Context, InstallError> {
    let object = |kind, stem: &str| {
        newest(&examined.inventory, &examined.instance, kind, stem).ok_or_else(|| {
            let (word, _) = kind.words();
            InstallError::Swarm(format!(
                "the cluster has no {word} `{stem}`, which its services see"
            ))
        })
    };
    Ok(Context {
        cluster_id: examined.instance.clone(),
        organisation: own.organisation.clone(),
        version: own.version,
        run: run.to_owned(),
        config: object(Kind::Config, objects::CONFIG)?,
        cluster_ca: object(Kind::Config, objects::CLUSTER_CA_CONFIG)?,
        auth_key: object(Kind::Secret, objects::AUTH_KEY_SECRET)?,
        controller_port: examined.port,
    })
}

/// The object of the installation with the highest number behind its name.
fn newest(inventory: &Inventory, instance: &str, kind: Kind, stem: &str) -> Option<Mounted> {
    inventory
        .of_kind(kind)
        .filter(|object| object.is_of(instance))
        .filter_map(|object| Some((objects::version_of(stem, &object.name)?, object)))
        .max_by_key(|(number, _)| *number)
        .map(|(_, object)| Mounted {
            id: object.id.clone(),
            name: object.name.clone(),
        })
}

#[cfg(test)]
mod tests {
    use super::super::super::inventory::examples::object;
    use super::*;

    /// The newest object of this installation counts, and nobody else's.
    #[test]
    fn what_services_see() {
        let inventory = Inventory {
            objects: vec![
                object(Kind::Config, "com.docker.ucp.config-9", "c"),
                object(Kind::Config, "com.docker.ucp.config-10", "c"),
                object(Kind::Config, "com.docker.ucp.config-11", "other"),
                object(Kind::Secret, "ucp-auth-key", "c"),
            ],
            nodes: Vec::new(),
        };
        let name = |kind, stem| newest(&inventory, "c", kind, stem).map(|found| found.name);
        assert_eq!(
            name(Kind::Config, objects::CONFIG).as_deref(),
            Some("com.docker.ucp.config-10")
        );
        assert_eq!(
            name(Kind::Secret, objects::AUTH_KEY_SECRET).as_deref(),
            Some("ucp-auth-key")
        );
        assert_eq!(name(Kind::Config, objects::CLUSTER_CA_CONFIG), None);
    }
}
