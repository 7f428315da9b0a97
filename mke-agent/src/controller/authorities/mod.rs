//! The cluster's two authorities and the certificate of the API port.
//!
//! The server's certificate is made here, and made anew when its names change or its end comes near; an
//! administrator's own one is checked and used as it is. Changes take effect on the next connection; open ones
//! go on. Private keys lie in the store, sealed with a key that lies beside it (`vault`).

mod shared;
mod signer;
pub(crate) mod vault;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use mke_core::names::AccountName;
use mke_core::pki::chain::{ChainProblem, ServerIdentity, verify_server_bundle};
use mke_core::pki::{
    AuthorityKind, KeyPair, PkiError, SubjectAltName, TrustSet, TrustedRoot, certificate_to_pem,
    parse_certificates,
};
use mke_core::seal::{SealError, SealingKey};
use mke_core::secret::Secret;
use mke_core::store::{KeyRange, Store, StoreError, layout};
use mke_core::time::{Clock, Timestamp};

use super::files::{self, FileError};
use super::tls::ServerTls;
use crate::ca::CaError;
use crate::mtls::{Credentials, MtlsError};
use shared::ServerFiles;
use signer::RemoteSigner;
pub(in crate::controller) use signer::Signed;
pub use signer::{ClusterMode, Signer};
use vault::{Upload, Vault};

/// How long a server certificate lives.
const SERVER_VALIDITY: Duration = Duration::from_secs(365 * 24 * 3600);
/// It is made anew this long before its end.
const RENEW_BEFORE: Duration = Duration::from_secs(60 * 24 * 3600);

/// Why there is no certificate to serve with, or a new one was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A certificate or key is wrong.
    #[error("a certificate cannot be made or read")]
    Pki(#[from] PkiError),
    /// A private key in the store does not open.
    #[error("a private key in the store does not open, restore the sealing key of this data directory")]
    Seal(#[from] SealError),
    /// The administrator's own certificate cannot be used; all reasons.
    #[error("the given server certificate cannot be used: {}", problems(.0))]
    External(Vec<ChainProblem>),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The store.
    #[error("the store did not answer")]
    Store(#[from] StoreError),
    /// TLS does not take the certificate.
    #[error("TLS does not take the certificate")]
    Tls(#[from] rustls::Error),
    /// A record of a key is damaged.
    #[error("the record `{0}` is damaged")]
    Damaged(String),
    /// An authority of the cluster did not sign.
    #[error("no certificate was signed")]
    Signing(#[from] CaError),
    /// The certificate with which other components are called.
    #[error(transparent)]
    Mtls(#[from] MtlsError),
    /// The certificate comes from a directory that the start names.
    #[error("the server certificate comes from files that the controller was started with, replace those")]
    FromFiles,
}

fn problems(problems: &[ChainProblem]) -> String {
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}

/// What the port shows now.
#[derive(Debug)]
struct Served {
    ca_pem: String,
    chain_pem: String,
    not_after: Timestamp,
    /// Whether it was made here and is renewed here.
    own: bool,
}

impl Served {
    fn new(ca_pem: String, chain_pem: String, identity: &ServerIdentity, own: bool) -> Self {
        Self {
            ca_pem,
            chain_pem,
            not_after: identity.not_after(),
            own,
        }
    }
}

/// An administrator's own certificate as it was sent: PEM texts.
pub struct ServerUpload<'a> {
    /// The authority of the chain.
    pub ca: &'a str,
    /// The server's certificate, then intermediates.
    pub cert: &'a str,
    /// Its private key, not encrypted.
    pub key: &'a Secret,
    /// Further roots of client certificates; `None` keeps those that are trusted.
    pub client_cas: Option<&'a str>,
}

/// The authorities, and the certificate that is served.
pub struct Authorities {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    sealing: SealingKey,
    cluster: Signer,
    client: Signer,
    /// Names that the start asked for.
    fixed_names: Vec<SubjectAltName>,
    /// Names that the node's label adds (PKI-011).
    node_names: Mutex<Vec<SubjectAltName>>,
    /// What the configuration adds for all managers.
    shared_names: Mutex<Vec<SubjectAltName>>,
    from_files: bool,
    /// In a cluster of managers: what was read last of the directory that the reconciler writes.
    shared: Option<Mutex<SharedFiles>>,
    served: ArcSwap<Served>,
    tls: Arc<ServerTls>,
    /// One change of the served certificate at a time.
    changing: tokio::sync::Mutex<()>,
}

/// The directory of the certificate that is served, and what was last found there and in the store.
struct SharedFiles {
    dir: PathBuf,
    files: ServerFiles,
    uploaded: Option<String>,
    roots: Vec<TrustedRoot>,
}

impl Authorities {
    /// Takes part in a cluster of managers: certificates come from files, signatures from the authorities.
    ///
    /// # Errors
    /// [`AuthorityError`], when the reconciler has not written the files yet or they cannot be used.
    pub(super) async fn open_in_cluster(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        sealing: SealingKey,
        names: Vec<SubjectAltName>,
        mode: &ClusterMode,
    ) -> Result<Self, AuthorityError> {
        let now = clock.now();
        let credentials = Arc::new(Credentials::open_at(&mode.client_certs, clock.clone())?);
        let loaded = credentials.current();
        let cluster_pem: String = loaded
            .material
            .roots()
            .iter()
            .map(|der| certificate_to_pem(der))
            .collect();
        let files = ServerFiles::read(&mode.server_certs)?;
        let cluster = RemoteSigner::new(
            &cluster_pem,
            credentials.clone(),
            mode.cluster_authorities.clone(),
        )?;
        let client = RemoteSigner::new(&files.client_ca_pem, credentials, mode.client_authorities.clone())?;
        let vault = Vault {
            store: &*store,
            sealing: &sealing,
        };
        let uploaded = vault.uploaded().await?;
        let roots = vault.client_roots().await?;
        let (identity, served) = shared::choose(&files, uploaded.as_ref(), &cluster_pem, now)?;
        let trusted = cluster_client_roots(&files, roots.clone(), now)?;
        let tls = Arc::new(ServerTls::new(&identity, trusted, clock.clone())?);
        let shared = SharedFiles {
            dir: mode.server_certs.clone(),
            files,
            uploaded: uploaded.map(|uploaded| uploaded.chain_pem),
            roots,
        };
        Ok(Self {
            store,
            clock,
            sealing,
            cluster: Signer::Remote(cluster),
            client: Signer::Remote(client),
            fixed_names: names,
            node_names: Mutex::default(),
            shared_names: Mutex::default(),
            from_files: false,
            shared: Some(Mutex::new(shared)),
            served: ArcSwap::from_pointee(served),
            tls,
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// Reads what is there and makes what is missing.
    ///
    /// # Errors
    /// [`AuthorityError`]; nothing is half made.
    pub(super) async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        sealing: SealingKey,
        cluster_id: &str,
        names: Vec<SubjectAltName>,
        external: Option<&Path>,
    ) -> Result<Self, AuthorityError> {
        let vault = Vault {
            store: &*store,
            sealing: &sealing,
        };
        let now = clock.now();
        let cluster = vault.authority(AuthorityKind::Cluster, cluster_id, now).await?;
        let client = vault.authority(AuthorityKind::Client, cluster_id, now).await?;
        let (identity, served) = match external {
            Some(folder) => from_files(folder, &names, now)?,
            None => vault.server(&cluster, &names, now).await?,
        };
        let roots = client_roots(client.certificate_der(), vault.client_roots().await?, now)?;
        let tls = Arc::new(ServerTls::new(&identity, roots, clock.clone())?);
        Ok(Self {
            store,
            clock,
            sealing,
            cluster: Signer::Own(Box::new(cluster)),
            client: Signer::Own(Box::new(client)),
            fixed_names: names,
            node_names: Mutex::default(),
            shared_names: Mutex::default(),
            from_files: external.is_some(),
            shared: None,
            served: ArcSwap::from_pointee(served),
            tls,
            changing: tokio::sync::Mutex::default(),
        })
    }

    /// The authority of client certificates.
    pub fn client(&self) -> &Signer {
        &self.client
    }

    /// The authority of the cluster's own components, PEM.
    pub fn cluster_ca_pem(&self) -> String {
        self.cluster.certificate_pem()
    }

    /// A certificate of the cluster's authority for a key that signs tokens for registries, PEM.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub(super) async fn token_signer(
        &self,
        pair: &KeyPair,
        validity: Duration,
    ) -> Result<String, AuthorityError> {
        let signed = self
            .cluster
            .token_signer(pair, validity, self.clock.now())
            .await?;
        Ok(signed.pem)
    }

    /// A certificate of the client authority for a user's key.
    ///
    /// # Errors
    /// [`AuthorityError`].
    pub(super) async fn user(&self, pair: &KeyPair, user: &AccountName) -> Result<Signed, AuthorityError> {
        self.client.user(pair, user, self.clock.now()).await
    }

    /// The authority of the served certificate, PEM: what clients must trust.
    pub fn server_ca_pem(&self) -> String {
        self.served.load().ca_pem.clone()
    }

    /// The served certificate with its intermediates, PEM.
    pub fn server_chain_pem(&self) -> String {
        self.served.load().chain_pem.clone()
    }

    /// Until when the served certificate is valid.
    pub fn server_not_after(&self) -> Timestamp {
        self.served.load().not_after
    }

    pub(super) fn tls(&self) -> Arc<ServerTls> {
        self.tls.clone()
    }

    fn names(&self) -> Vec<SubjectAltName> {
        let mut names = self.fixed_names.clone();
        for more in [&self.node_names, &self.shared_names] {
            for name in more.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        names
    }

    fn vault(&self) -> Vault<'_> {
        Vault {
            store: &*self.store,
            sealing: &self.sealing,
        }
    }

    /// Serves a certificate for these names of the node as well (PKI-011). Returns whether one was made.
    ///
    /// # Errors
    /// [`AuthorityError`]; the old one is served on.
    pub(super) async fn set_node_names(&self, names: Vec<SubjectAltName>) -> Result<bool, AuthorityError> {
        self.replace_names(&self.node_names, names).await
    }

    /// Takes the names that the configuration adds on all managers (CFG-030). Says whether the certificate was made anew.
    ///
    /// # Errors
    /// As [`Self::set_node_names`].
    pub(super) async fn set_shared_names(&self, names: &[String]) -> Result<bool, AuthorityError> {
        // Reading the configuration checked them.
        let names = names.iter().filter_map(|name| name.parse().ok()).collect();
        self.replace_names(&self.shared_names, names).await
    }

    async fn replace_names(
        &self,
        place: &Mutex<Vec<SubjectAltName>>,
        names: Vec<SubjectAltName>,
    ) -> Result<bool, AuthorityError> {
        {
            let mut current = place.lock().unwrap_or_else(PoisonError::into_inner);
            if *current == names {
                return Ok(false);
            }
            *current = names;
        }
        self.renew(true).await
    }

    /// Makes the server's certificate anew when its end is near.
    ///
    /// # Errors
    /// [`AuthorityError`]; the old one is served on.
    pub(super) async fn renew_if_due(&self) -> Result<bool, AuthorityError> {
        if self.shared.is_some() {
            return self.look_again().await;
        }
        self.renew(self.clock.now() >= self.server_not_after().minus(RENEW_BEFORE))
            .await
    }

    async fn renew(&self, due: bool) -> Result<bool, AuthorityError> {
        let _one = self.changing.lock().await;
        if !due || !self.served.load().own {
            return Ok(false);
        }
        // Without the authority's key there is nothing to make it with; the reconciler does.
        let Some(authority) = self.cluster.own() else {
            return Ok(false);
        };
        let now = self.clock.now();
        let (identity, served) = self.vault().server(authority, &self.names(), now).await?;
        self.serve(&identity, served).await?;
        Ok(true)
    }

    /// Serves what the reconciler wrote since, or what was uploaded at another manager.
    async fn look_again(&self) -> Result<bool, AuthorityError> {
        let Some(shared) = &self.shared else {
            return Ok(false);
        };
        let _one = self.changing.lock().await;
        let uploaded = self.vault().uploaded().await?;
        let roots = self.vault().client_roots().await?;
        let (identity, served, trusted) = {
            let mut last = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let files = ServerFiles::read(&last.dir)?;
            let chain = uploaded.as_ref().map(|uploaded| uploaded.chain_pem.clone());
            if files == last.files && chain == last.uploaded && roots == last.roots {
                return Ok(false);
            }
            let now = self.clock.now();
            let cluster = self.cluster.certificate_pem();
            let (identity, served) = shared::choose(&files, uploaded.as_ref(), &cluster, now)?;
            let trusted = cluster_client_roots(&files, roots.clone(), now)?;
            last.files = files;
            last.uploaded = chain;
            last.roots = roots;
            (identity, served, trusted)
        };
        self.tls.replace(&identity, trusted, self.clock.clone())?;
        self.served.store(Arc::new(served));
        Ok(true)
    }

    /// Takes an administrator's own certificate (PKI-006): checked whole, kept sealed, served from the next
    /// connection on. Client roots are added to the cluster's own, never in its place (PKI-008).
    ///
    /// # Errors
    /// [`AuthorityError::External`] with every problem, [`AuthorityError::Pki`] for the client roots,
    /// [`AuthorityError::FromFiles`]; nothing is changed then.
    pub async fn upload(&self, upload: &ServerUpload<'_>) -> Result<(), AuthorityError> {
        if self.from_files {
            return Err(AuthorityError::FromFiles);
        }
        let _one = self.changing.lock().await;
        let now = self.clock.now();
        let identity = verify_server_bundle(upload.ca, upload.cert, upload.key, &self.names(), now)
            .map_err(AuthorityError::External)?;
        let roots = upload.client_cas.map(trusted_roots).transpose()?;
        if let Some(roots) = &roots {
            client_roots(self.client.certificate_der(), roots.clone(), now)?;
        }
        let kept = Upload {
            ca_pem: upload.ca,
            chain_pem: upload.cert,
            key: upload.key,
        };
        self.vault().keep_upload(&kept, roots).await?;
        if self.shared.is_some() {
            drop(_one);
            // What all managers do when they see it.
            return self.look_again().await.map(drop);
        }
        let served = Served::new(upload.ca.to_owned(), upload.cert.to_owned(), &identity, false);
        self.serve(&identity, served).await
    }

    async fn serve(&self, identity: &ServerIdentity, served: Served) -> Result<(), AuthorityError> {
        let added = self.vault().client_roots().await?;
        let roots = client_roots(self.client.certificate_der(), added, self.clock.now())?;
        self.tls.replace(identity, roots, self.clock.clone())?;
        self.served.store(Arc::new(served));
        Ok(())
    }
}

/// The roots of client certificates, in DER: the cluster's own first, then those that were added.
fn client_roots(own: &[u8], added: Vec<TrustedRoot>, now: Timestamp) -> Result<Vec<Vec<u8>>, AuthorityError> {
    let mut trusted = TrustSet::new(own)?;
    for root in added {
        for der in parse_certificates(&root.certificate)? {
            trusted.add(&der, root.until)?;
        }
    }
    Ok(trusted.roots(now))
}

/// In a cluster: all that the reconciler wrote, the cluster's own first, then those that were added.
fn cluster_client_roots(
    files: &ServerFiles,
    added: Vec<TrustedRoot>,
    now: Timestamp,
) -> Result<Vec<Vec<u8>>, AuthorityError> {
    let written = parse_certificates(&files.client_ca_pem)?;
    let Some((own, others)) = written.split_first() else {
        return Err(AuthorityError::Pki(PkiError::NoRoots));
    };
    let others = others.iter().map(|der| TrustedRoot {
        certificate: certificate_to_pem(der),
        until: None,
    });
    client_roots(own, others.chain(added).collect(), now)
}

fn trusted_roots(pem: &str) -> Result<Vec<TrustedRoot>, AuthorityError> {
    if pem.trim().is_empty() {
        return Ok(Vec::new());
    }
    let root = |der: &Vec<u8>| TrustedRoot {
        certificate: certificate_to_pem(der),
        until: None,
    };
    Ok(parse_certificates(pem)?.iter().map(root).collect())
}

/// Whether the store holds keys that need the sealing key.
pub(super) async fn has_sealed_keys(store: &dyn Store) -> Result<bool, StoreError> {
    for family in [layout::PKI, layout::SECOND_FACTORS] {
        if !store.range(KeyRange::prefix(family), 1).await?.entries.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The operator's own certificate in files (PKI-004).
fn from_files(
    folder: &Path,
    names: &[SubjectAltName],
    now: Timestamp,
) -> Result<(ServerIdentity, Served), AuthorityError> {
    let text = |name: &str| -> Result<String, AuthorityError> {
        let bytes = files::read("server certificate file", &folder.join(name))?;
        // A file that is missing or no text is reported with the other problems.
        Ok(bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .unwrap_or_default())
    };
    let (ca_pem, chain_pem, key) = (text("ca.pem")?, text("cert.pem")?, Secret::new(text("key.pem")?));
    let identity =
        verify_server_bundle(&ca_pem, &chain_pem, &key, names, now).map_err(AuthorityError::External)?;
    let served = Served::new(ca_pem, chain_pem, &identity, false);
    Ok((identity, served))
}
