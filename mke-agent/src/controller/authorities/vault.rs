//! Certificates and sealed private keys in the store.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mke_core::pki::chain::{ServerIdentity, verify_server_bundle};
use mke_core::pki::{
    Authority, AuthorityKind, CertificateRequest, KeyPair, Profile, SubjectAltName, TrustedRoot,
};
use mke_core::seal::SealingKey;
use mke_core::secret::Secret;
use mke_core::store::{Compare, KeyRange, Store, Txn, TxnOutcome, layout};
use mke_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuthorityError, RENEW_BEFORE, SERVER_VALIDITY, Served};
use crate::ca::keys::External;
use crate::controller::records::{decode, encode};
use crate::controller::rng;

/// How often two managers may get in each other's way while one of them makes a key.
const ATTEMPTS: usize = 8;

/// A certificate with its sealed key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct KeyRecord {
    certificate: String,
    /// The private key in PEM, sealed, base64.
    sealed_key: String,
    /// The names of a server certificate that was made here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    /// The authority of a server certificate that an administrator uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uploaded_ca: Option<String>,
}

/// Roots of client certificates besides the cluster's own.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ClientRootsRecord {
    roots: Vec<TrustedRoot>,
}

/// An administrator's own server certificate, checked.
pub(crate) struct Upload<'a> {
    pub(crate) ca_pem: &'a str,
    pub(crate) chain_pem: &'a str,
    pub(crate) key: &'a Secret,
}

/// The keys in the store, and the key that opens them.
pub(crate) struct Vault<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) sealing: &'a SealingKey,
}

fn server_key() -> String {
    format!("{}server", layout::PKI)
}

fn authority_key(kind: AuthorityKind) -> String {
    match kind {
        AuthorityKind::Cluster => format!("{}authority/cluster", layout::PKI),
        AuthorityKind::Client => format!("{}authority/client", layout::PKI),
    }
}

fn client_roots_key() -> String {
    format!("{}client-roots", layout::PKI)
}

impl Vault<'_> {
    /// Reads an authority, or makes it for a new cluster.
    pub(super) async fn authority(
        &self,
        kind: AuthorityKind,
        cluster_id: &str,
        now: Timestamp,
    ) -> Result<Authority, AuthorityError> {
        let key = authority_key(kind);
        for _ in 0..ATTEMPTS {
            if let Some((record, private)) = self.read(&key).await? {
                return Ok(Authority::from_pem(&record.certificate, &private)?);
            }
            let authority = Authority::create(kind, cluster_id, now, &mut rng())?;
            let record = self.record_of(&key, &authority)?;
            let txn = Txn::new()
                .when(Compare::Absent(key.clone()))
                .put(key.clone(), encode(&record)?);
            if let TxnOutcome::Committed(_) = self.store.txn(txn).await? {
                return Ok(authority);
            }
        }
        Err(AuthorityError::Damaged(key))
    }

    /// Reads an authority; nothing when there is none.
    pub(crate) async fn stored_authority(
        &self,
        kind: AuthorityKind,
    ) -> Result<Option<Authority>, AuthorityError> {
        match self.read(&authority_key(kind)).await? {
            Some((record, private)) => Ok(Some(Authority::from_pem(&record.certificate, &private)?)),
            None => Ok(None),
        }
    }

    /// Keeps an authority that was made elsewhere, in the place of any other one.
    pub(crate) async fn keep_authority(
        &self,
        kind: AuthorityKind,
        authority: &Authority,
    ) -> Result<(), AuthorityError> {
        let key = authority_key(kind);
        let record = self.record_of(&key, authority)?;
        self.put(key, encode(&record)?).await
    }

    fn record_of(&self, key: &str, authority: &Authority) -> Result<KeyRecord, AuthorityError> {
        Ok(KeyRecord {
            certificate: authority.certificate_pem(),
            sealed_key: self.seal(key, &authority.key_pem())?,
            names: Vec::new(),
            uploaded_ca: None,
        })
    }

    /// The server certificate that an administrator uploaded, as it is; nothing when it is one of ours.
    pub(crate) async fn uploaded(&self) -> Result<Option<External>, AuthorityError> {
        let stored = self.read(&server_key()).await?;
        Ok(stored.and_then(|(record, key)| {
            Some(External {
                ca_pem: record.uploaded_ca?,
                chain_pem: record.certificate,
                key,
            })
        }))
    }

    /// The stored server certificate if it still fits, else a new one. An uploaded one that can no longer be used is
    /// reported and left alone: clients that trust only its authority are cut off either way.
    pub(super) async fn server(
        &self,
        cluster: &Authority,
        names: &[SubjectAltName],
        now: Timestamp,
    ) -> Result<(ServerIdentity, Served), AuthorityError> {
        if let Some((record, private)) = self.read(&server_key()).await? {
            if let Some(ca_pem) = record.uploaded_ca {
                match verify_server_bundle(&ca_pem, &record.certificate, &private, &[], now) {
                    Ok(identity) => {
                        let served = Served::new(ca_pem, record.certificate, &identity, false);
                        return Ok((identity, served));
                    }
                    Err(problems) => {
                        let error = AuthorityError::External(problems);
                        tracing::error!(%error, "the uploaded certificate is not served, upload another one");
                        return self.issue(cluster, names, now, false).await;
                    }
                }
            }
            let ca_pem = cluster.certificate_pem();
            if record.names == texts(names)
                && let Ok(identity) = verify_server_bundle(&ca_pem, &record.certificate, &private, names, now)
                && now < identity.not_after().minus(RENEW_BEFORE)
            {
                let served = Served::new(ca_pem, record.certificate, &identity, true);
                return Ok((identity, served));
            }
        }
        self.issue(cluster, names, now, true).await
    }

    /// Makes a server certificate, and keeps it unless another one must stay in its place.
    pub(super) async fn issue(
        &self,
        cluster: &Authority,
        names: &[SubjectAltName],
        now: Timestamp,
        keep: bool,
    ) -> Result<(ServerIdentity, Served), AuthorityError> {
        let pair = KeyPair::generate(&mut rng())?;
        let request = CertificateRequest {
            profile: Profile::Server,
            common_name: "ucp-controller".to_owned(),
            organization: None,
            organizational_unit: None,
            names: names.to_vec(),
            public_key: pair.public_key().clone(),
            validity: SERVER_VALIDITY,
        };
        let ca_pem = cluster.certificate_pem();
        let chain_pem = cluster.issue(&request, now, &mut rng())?.pem();
        let private = pair.private_key_pem();
        let identity = verify_server_bundle(&ca_pem, &chain_pem, &private, names, now)
            .map_err(AuthorityError::External)?;
        if keep {
            let record = KeyRecord {
                certificate: chain_pem.clone(),
                sealed_key: self.seal(&server_key(), &private)?,
                names: texts(names),
                uploaded_ca: None,
            };
            self.put(server_key(), encode(&record)?).await?;
        }
        let served = Served::new(ca_pem, chain_pem, &identity, true);
        Ok((identity, served))
    }

    /// Keeps an uploaded certificate and, when some are given, the additional roots of client certificates: all of
    /// it or nothing.
    pub(crate) async fn keep_upload(
        &self,
        upload: &Upload<'_>,
        client_roots: Option<Vec<TrustedRoot>>,
    ) -> Result<(), AuthorityError> {
        let record = KeyRecord {
            certificate: upload.chain_pem.to_owned(),
            sealed_key: self.seal(&server_key(), upload.key)?,
            names: Vec::new(),
            uploaded_ca: Some(upload.ca_pem.to_owned()),
        };
        let mut txn = Txn::new().put(server_key(), encode(&record)?);
        if let Some(roots) = client_roots {
            txn = txn.put(client_roots_key(), encode(&ClientRootsRecord { roots })?);
        }
        self.store.txn(txn).await?;
        Ok(())
    }

    /// Roots of client certificates besides the cluster's own (PKI-008).
    pub(crate) async fn client_roots(&self) -> Result<Vec<TrustedRoot>, AuthorityError> {
        let page = self.store.range(KeyRange::key(client_roots_key()), 1).await?;
        let record: Option<ClientRootsRecord> = page.entries.first().map(decode).transpose()?;
        Ok(record.unwrap_or_default().roots)
    }

    async fn read(&self, key: &str) -> Result<Option<(KeyRecord, Secret)>, AuthorityError> {
        let page = self.store.range(KeyRange::key(key), 1).await?;
        let Some(entry) = page.entries.first() else {
            return Ok(None);
        };
        let damaged = || AuthorityError::Damaged(key.to_owned());
        let record: KeyRecord = decode(entry)?;
        let sealed = STANDARD.decode(&record.sealed_key).map_err(|_| damaged())?;
        let opened = self.sealing.open(key, &sealed)?;
        let private = std::str::from_utf8(&opened).map_err(|_| damaged())?;
        Ok(Some((record, Secret::new(private))))
    }

    async fn put(&self, key: String, value: Vec<u8>) -> Result<(), AuthorityError> {
        self.store.txn(Txn::new().put(key, value)).await?;
        Ok(())
    }

    fn seal(&self, key: &str, private: &Secret) -> Result<String, AuthorityError> {
        let sealed = self.sealing.seal(key, private.expose().as_bytes(), &mut rng())?;
        Ok(STANDARD.encode(sealed))
    }
}

fn texts(names: &[SubjectAltName]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
