//! How a manager's agent reaches the managers: by the replicated store, with the certificate of its node, which is read again
//! when it was replaced. How a worker's agent does is in `controllers.rs`.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mke_core::causes::chain;
use mke_core::pki::Holder;
use mke_core::product::Role;
use mke_core::store::Store;
use tokio::time::Instant;

use super::engine_info::EngineInfo;
use super::world::Failure;
use crate::agent::store;
use crate::engine::EngineClient;
use crate::mtls::{CERT_FILE, Material};

/// How long the managers that an engine named are believed to be the managers. Everything that talks to one finds out sooner
/// when it is gone.
pub(super) const KNOWN_FOR: Duration = Duration::from_secs(30);

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
    /// When the engine last named the same managers.
    asked: Instant,
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
        let certificate = std::fs::read(self.certs.join(CERT_FILE))?;
        if let Some(known) = &self.last.lock().await.open
            && known.asked.elapsed() < KNOWN_FOR
            && known.certificate == certificate
        {
            return Ok(known.store.clone());
        }
        let info = EngineInfo::of(&self.engine).await?;
        let mut addresses: Vec<IpAddr> = info.address.into_iter().collect();
        for manager in info.managers {
            if !addresses.contains(&manager) {
                addresses.push(manager);
            }
        }
        let begun = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(known) = &mut last.open
            && known.addresses.iter().collect::<BTreeSet<_>>() == addresses.iter().collect()
            && known.certificate == certificate
        {
            known.asked = begun;
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
            asked: begun,
            certificate,
            store: store.clone(),
        });
        Ok(store)
    }

    /// The store failed: the engine is asked for its managers before it is used again.
    pub async fn doubt(&self) {
        if let Some(open) = &mut self.last.lock().await.open
            && let Some(past) = open.asked.checked_sub(KNOWN_FOR)
        {
            open.asked = past;
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
