//! How an agent reaches the managers: managers' agents the replicated store, workers' agents the controller of any manager.
//! Both show the certificate of their node, which is read again when it was replaced.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, StatusCode};
use mke_core::causes::chain;
use mke_core::pki::Holder;
use mke_core::product::Role;
use mke_core::store::Store;
use tokio::time::Instant;

use super::engine_info::EngineInfo;
use super::world::Failure;
use crate::agent::store;
use crate::engine::EngineClient;
use crate::mtls::{CERT_FILE, Caller, MANAGER, Material};

/// The store as a manager's agent reaches it, opened anew when managers or the certificate are others.
pub struct StoreAccess {
    engine: EngineClient,
    certs: PathBuf,
    last: tokio::sync::Mutex<Attempt>,
}

/// What became of the last attempt to open it.
#[derive(Default)]
struct Attempt {
    open: Option<Open>,
    /// When nobody answered, and what was said.
    failed: Option<(Instant, String)>,
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
            last: tokio::sync::Mutex::default(),
        }
    }

    /// The store.
    ///
    /// # Errors
    /// When no member answers, or the node has no certificate.
    pub async fn get(&self) -> Result<Arc<dyn Store>, Failure> {
        // Members refuse to talk to workers, which would look like a store that is away.
        if !is_enrolled(&self.certs, Role::Manager) {
            return Err("the node has no certificate of a manager yet".into());
        }
        let info = EngineInfo::of(&self.engine).await?;
        let mut addresses: Vec<IpAddr> = info.address.into_iter().collect();
        for manager in info.managers {
            if !addresses.contains(&manager) {
                addresses.push(manager);
            }
        }
        let certificate = std::fs::read(self.certs.join(CERT_FILE))?;
        let begun = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(known) = &last.open
            && known.addresses.iter().collect::<BTreeSet<_>>() == addresses.iter().collect()
            && known.certificate == certificate
        {
            return Ok(known.store.clone());
        }
        // Who waited for somebody else's attempt shares its outcome: several in a row would take half a minute.
        if let Some((at, why)) = &last.failed
            && *at >= begun
        {
            return Err(why.clone().into());
        }
        let store = match store::open(&self.certs, addresses.iter().copied()).await {
            Ok(store) => store,
            Err(error) => {
                last.failed = Some((Instant::now(), chain(&error)));
                return Err(error.into());
            }
        };
        last.open = Some(Open {
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
