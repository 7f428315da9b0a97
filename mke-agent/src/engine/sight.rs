//! From where the objects of a call are looked up: the node that the call goes to, and a manager for what belongs to the
//! swarm. Where there is one engine both are the same.

use mke_rbac::demand::ObjectKind;

use super::client::EngineClient;
use super::error::EngineError;

/// The engines that are asked about the objects of one call.
#[derive(Debug, Clone)]
pub struct Sight {
    home: EngineClient,
    home_name: Option<String>,
    manager: EngineClient,
}

impl Sight {
    /// One engine for everything.
    pub fn single(engine: EngineClient) -> Self {
        Self {
            home: engine.clone(),
            home_name: None,
            manager: engine,
        }
    }

    /// What lies on a node is looked up there, what belongs to the swarm at a manager.
    pub fn of_node(home: EngineClient, name: String, manager: EngineClient) -> Self {
        Self {
            home,
            home_name: Some(name),
            manager,
        }
    }

    /// The engine of the node.
    pub const fn home(&self) -> &EngineClient {
        &self.home
    }

    /// The engine that knows the swarm.
    pub const fn manager(&self) -> &EngineClient {
        &self.manager
    }

    /// Who knows objects of a kind, in the order in which they are asked. A worker learns of a network of the swarm when
    /// something on it uses it, so a manager is asked as well.
    pub(super) fn knows(&self, kind: ObjectKind) -> Vec<&EngineClient> {
        match kind {
            ObjectKind::Container | ObjectKind::Exec | ObjectKind::Image | ObjectKind::Volume => {
                vec![&self.home]
            }
            ObjectKind::Network if self.home_name.is_some() => vec![&self.home, &self.manager],
            ObjectKind::Network => vec![&self.home],
            ObjectKind::Config
            | ObjectKind::Node
            | ObjectKind::Secret
            | ObjectKind::Service
            | ObjectKind::Task => vec![&self.manager],
        }
    }

    /// How the node is called, as it stands before the names of its objects.
    pub(super) async fn home_name(&self) -> Result<&str, EngineError> {
        match &self.home_name {
            Some(name) => Ok(name),
            None => self.home.node_name().await,
        }
    }
}
