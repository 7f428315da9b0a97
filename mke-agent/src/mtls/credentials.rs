//! A certificate directory that is current at every connection: files are looked at when somebody connects, not by a
//! timer, so that an idle component does not wake up.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mke_core::time::{Clock, SystemClock};
use rustls::pki_types::CertificateDer;
use rustls::server::NoServerSessionStorage;
use rustls::{ClientConfig, ServerConfig};

use super::material::{Material, provider};
use super::verified::{CallerRoots, CallerVerifier, Trust};
use super::{CA_FILE, CERT_FILE, KEY_FILE, MtlsError};

/// What TLS needs at both ends, as it was read once.
pub struct Loaded {
    /// For accepting: callers must show a certificate.
    pub server: Arc<ServerConfig>,
    /// For calling.
    pub client: Arc<ClientConfig>,
    /// What it was made of.
    pub material: Material,
    roots: CallerRoots,
    clock: Arc<dyn Clock>,
}

impl Loaded {
    /// Whose certificate a caller showed; nothing when it may not call.
    pub(crate) fn caller(&self, chain: &[CertificateDer<'_>]) -> Option<(Trust, mke_core::pki::Holder)> {
        let (leaf, rest) = chain.split_first()?;
        self.roots.check(leaf, rest, &*self.clock)
    }
}

/// Where a component's certificate lies.
pub struct Credentials {
    dir: PathBuf,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    stamp: Vec<Option<Stamp>>,
    swarm: Vec<Vec<u8>>,
    loaded: Arc<Loaded>,
}

/// What tells a replaced file from the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    changed: (i64, i64),
    bytes: u64,
}

impl Credentials {
    /// Reads `ca.pem`, `cert.pem` and `key.pem` of a directory.
    ///
    /// # Errors
    /// [`MtlsError`] when they cannot be used.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, MtlsError> {
        Self::open_at(dir, Arc::new(SystemClock))
    }

    /// The same with another clock.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_at(dir: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self, MtlsError> {
        let dir = dir.into();
        let stamp = stamps(&dir);
        let loaded = Arc::new(load(&dir, Vec::new(), clock.clone())?);
        Ok(Self {
            dir,
            clock,
            state: Mutex::new(State {
                stamp,
                swarm: Vec::new(),
                loaded,
            }),
        })
    }

    /// What the next connection uses. Files that were replaced are read again; when the new ones cannot be used the
    /// former stay in use and the log says why.
    pub fn current(&self) -> Arc<Loaded> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = stamps(&self.dir);
        if stamp != state.stamp {
            match load(&self.dir, state.swarm.clone(), self.clock.clone()) {
                Ok(loaded) => {
                    tracing::info!(
                        dir = %self.dir.display(),
                        serial = loaded.material.holder().serial,
                        "the certificate was replaced"
                    );
                    state.loaded = Arc::new(loaded);
                    state.stamp = stamp;
                }
                // Half of the files may be written: the next connection looks again.
                Err(error) => {
                    tracing::warn!(%error, dir = %self.dir.display(), "the new certificate is not used yet");
                }
            }
        }
        state.loaded.clone()
    }

    /// Lets nodes call that show the certificate of the swarm; `roots` are its authorities now, DER.
    ///
    /// # Errors
    /// [`MtlsError`]; the former ones stay.
    pub fn trust_swarm(&self, roots: &[Vec<u8>]) -> Result<(), MtlsError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.swarm != roots {
            state.loaded = Arc::new(load(&self.dir, roots.to_vec(), self.clock.clone())?);
            state.swarm = roots.to_vec();
        }
        Ok(())
    }
}

fn load(dir: &Path, swarm: Vec<Vec<u8>>, clock: Arc<dyn Clock>) -> Result<Loaded, MtlsError> {
    let material = Material::from_dir(dir)?;
    let wrong = |source| MtlsError::Tls {
        place: material.place().to_owned(),
        source,
    };
    let roots = CallerRoots {
        cluster: material.roots().to_vec(),
        swarm,
    };
    let provider = provider();
    let verifier = CallerVerifier {
        roots: roots.clone(),
        algorithms: provider.signature_verification_algorithms,
        clock: clock.clone(),
    };
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(wrong)?
        .with_client_cert_verifier(Arc::new(verifier))
        .with_single_cert(material.chain(), material.key())
        .map_err(wrong)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Loaded {
        server: Arc::new(server),
        client: material.client_config()?,
        material,
        roots,
        clock,
    })
}

fn stamps(dir: &Path) -> Vec<Option<Stamp>> {
    [CA_FILE, CERT_FILE, KEY_FILE]
        .iter()
        .map(|name| {
            let metadata = std::fs::metadata(dir.join(name)).ok()?;
            Some(Stamp {
                inode: metadata.ino(),
                changed: (metadata.ctime(), metadata.ctime_nsec()),
                bytes: metadata.len(),
            })
        })
        .collect()
}
