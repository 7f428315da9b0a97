//! How an agent reaches the managers: managers' agents the replicated store, workers' agents the controller of any manager.
//! Both show the certificate of their node, which is read again when it was replaced.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, StatusCode};
use mke_core::causes::chain;
use mke_core::pki::Holder;
use mke_core::product::Role;
use mke_core::store::Store;

use super::engine_info::EngineInfo;
use super::world::Failure;
use crate::agent::store;
use crate::engine::EngineClient;
use crate::mtls::{CERT_FILE, Caller, MANAGER, Material};

/// The store as a manager's agent reaches it, opened anew when managers or the certificate are others.
pub struct StoreAccess {
    engine: EngineClient,
    certs: PathBuf,
    open: tokio::sync::Mutex<Option<Open>>,
}

/// An open store, and what it was opened with.
struct Open {
    addresses: Vec<IpAddr>,
    certificate: Vec<u8>,
    store: Arc<dyn Store>,
}

impl StoreAccess {
    /// Reaches it with the certificate in `certs`.
    pub fn new(engine: EngineClient, certs: impl Into<PathBuf>) -> Self {
        Self {
            engine,
            certs: certs.into(),
            open: tokio::sync::Mutex::default(),
        }
    }

    /// The store.
    ///
    /// # Errors
    /// When no member answers, or the node has no certificate.
    pub async fn get(&self) -> Result<Arc<dyn Store>, Failure> {
        let info = EngineInfo::of(&self.engine).await?;
        let mut addresses: Vec<IpAddr> = info.address.into_iter().collect();
        for manager in info.managers {
            if !addresses.contains(&manager) {
                addresses.push(manager);
            }
        }
        let certificate = std::fs::read(self.certs.join(CERT_FILE))?;
        let mut open = self.open.lock().await;
        if let Some(known) = &*open
            && known.addresses == addresses
            && known.certificate == certificate
        {
            return Ok(known.store.clone());
        }
        let store = store::open(&self.certs, addresses.iter().copied()).await?;
        *open = Some(Open {
            addresses,
            certificate,
            store: store.clone(),
        });
        Ok(store)
    }
}

/// The controllers as a worker's agent reaches them.
pub struct ControllerAccess {
    engine: EngineClient,
    certs: PathBuf,
    /// The one that answered last.
    favourite: Mutex<Option<IpAddr>>,
}

impl ControllerAccess {
    /// Reaches them with the certificate in `certs`.
    pub fn new(engine: EngineClient, certs: impl Into<PathBuf>) -> Self {
        Self {
            engine,
            certs: certs.into(),
            favourite: Mutex::default(),
        }
    }

    /// Asks one manager after the other until one answers. `port` is that of the controllers.
    ///
    /// # Errors
    /// When none answers; what each said.
    pub async fn ask(
        &self,
        port: u16,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<(StatusCode, bytes::Bytes), Failure> {
        let caller = Caller::new(&Material::from_dir(&self.certs)?)?;
        let mut managers = EngineInfo::of(&self.engine).await?.managers;
        let favourite = *self.favourite.lock().unwrap_or_else(PoisonError::into_inner);
        managers.sort_by_key(|manager| Some(*manager) != favourite);
        let mut said = Vec::new();
        for manager in managers {
            let address = SocketAddr::from((manager, port));
            match caller
                .exchange(address, MANAGER, method.clone(), path, body.clone())
                .await
            {
                Ok(answer) if answer.status.is_server_error() => {
                    said.push(format!("{address}: {}", answer.status));
                }
                Ok(answer) => {
                    *self.favourite.lock().unwrap_or_else(PoisonError::into_inner) = Some(manager);
                    return Ok((answer.status, answer.body));
                }
                Err(error) => said.push(format!("{address}: {}", chain(&error))),
            }
        }
        match said.is_empty() {
            true => Err("the engine knows no manager of its swarm".into()),
            false => Err(said.join("; ").into()),
        }
    }
}

/// Whether the certificate in `certs` is one for a node with this role.
pub fn is_enrolled(certs: &Path, role: Role) -> bool {
    holder(certs).is_some_and(|holder| is_of(&holder, role))
}

/// Whether the certificate in `certs` is one for this node with this role. A machine that left the swarm and joined again is
/// another node, and finds the certificate of the former one.
pub fn is_enrolled_as(certs: &Path, node_id: &str, role: Role) -> bool {
    holder(certs).is_some_and(|holder| holder.common_name == node_id && is_of(&holder, role))
}

fn holder(certs: &Path) -> Option<Holder> {
    Some(Material::from_dir(certs).ok()?.holder().clone())
}

fn is_of(holder: &Holder, role: Role) -> bool {
    let unit = match role {
        Role::Manager => crate::mtls::MANAGER,
        Role::Worker => crate::mtls::WORKER,
    };
    holder.organizational_unit.as_deref() == Some(unit)
}
