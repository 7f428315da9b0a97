//! Who signs for this controller: an authority in its own store, or the cluster's authorities on the managers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mke_auth::bundle;
use mke_core::names::AccountName;
use mke_core::pki::{
    Authority, CertificateRequest, Holder, KeyPair, Profile, SigningRequest, parse_certificates,
};
use mke_core::time::Timestamp;

use super::AuthorityError;
use crate::ca::{Asked, CaClient, Wanted};
use crate::controller::rng;
use crate::mtls::{Caller, Credentials};

/// How a controller takes part in a cluster of managers: it has no key of an authority, and its certificates are written by
/// the reconciler of its node.
#[derive(Debug, Clone)]
pub struct ClusterMode {
    /// Directory with `ca.pem`, `cert.pem` and `key.pem` to serve, and `client_ca.pem` with the authorities of users, that of
    /// the cluster first.
    pub server_certs: PathBuf,
    /// Directory with the certificate that is shown to other components.
    pub client_certs: PathBuf,
    /// The cluster authorities of the managers, this one's first.
    pub cluster_authorities: Vec<SocketAddr>,
    /// The client authorities.
    pub client_authorities: Vec<SocketAddr>,
    /// The port at which users reach this controller, which is not the one that it listens on in its container.
    pub port: u16,
}

/// Signs.
pub enum Signer {
    /// With a key at hand.
    Own(Box<Authority>),
    /// By asking a manager's authority.
    Remote(RemoteSigner),
}

/// An authority that is asked.
pub struct RemoteSigner {
    der: Vec<u8>,
    pem: String,
    not_after: Timestamp,
    credentials: Arc<Credentials>,
    addresses: Vec<SocketAddr>,
}

/// A certificate, PEM, and its end.
pub(in crate::controller) struct Signed {
    pub(in crate::controller) pem: String,
    pub(in crate::controller) not_after: Timestamp,
}

impl RemoteSigner {
    /// An authority whose certificate is the first of `pem`.
    pub(super) fn new(
        pem: &str,
        credentials: Arc<Credentials>,
        addresses: Vec<SocketAddr>,
    ) -> Result<Self, AuthorityError> {
        let der = parse_certificates(pem)?.swap_remove(0);
        let not_after = Holder::of(&der)?.not_after;
        Ok(Self {
            pem: mke_core::pki::certificate_to_pem(&der),
            der,
            not_after,
            credentials,
            addresses,
        })
    }

    async fn sign(&self, pair: &KeyPair, asked: &Asked) -> Result<Signed, AuthorityError> {
        // Taken anew each time: the certificate may have been renewed.
        let caller = Caller::with_config(self.credentials.current().client.clone());
        let client = CaClient::with_caller(caller, self.addresses.clone());
        let csr = SigningRequest::create(pair, asked.wanted.map_or("", Wanted::word))?;
        let pem = client.sign(&csr, asked).await?;
        let leaf = parse_certificates(&pem)?.swap_remove(0);
        Ok(Signed {
            not_after: Holder::of(&leaf)?.not_after,
            pem,
        })
    }
}

impl Signer {
    /// The authority's certificate, PEM.
    pub fn certificate_pem(&self) -> String {
        match self {
            Self::Own(authority) => authority.certificate_pem(),
            Self::Remote(remote) => remote.pem.clone(),
        }
    }

    /// The same in DER.
    pub fn certificate_der(&self) -> &[u8] {
        match self {
            Self::Own(authority) => authority.certificate_der(),
            Self::Remote(remote) => &remote.der,
        }
    }

    /// Until when the authority is valid.
    pub fn not_after(&self) -> Timestamp {
        match self {
            Self::Own(authority) => authority.not_after(),
            Self::Remote(remote) => remote.not_after,
        }
    }

    /// The authority itself, where its key is at hand.
    pub fn own(&self) -> Option<&Authority> {
        match self {
            Self::Own(authority) => Some(authority),
            Self::Remote(_) => None,
        }
    }

    /// A certificate for a user's key.
    pub(in crate::controller) async fn user(
        &self,
        pair: &KeyPair,
        user: &AccountName,
        now: Timestamp,
    ) -> Result<Signed, AuthorityError> {
        match self {
            Self::Own(authority) => issue(authority, &bundle::certificate_request(pair, user), now),
            Self::Remote(remote) => {
                let asked = Asked {
                    wanted: Some(Wanted::User),
                    common_name: Some(user.to_string()),
                    ..Asked::default()
                };
                remote.sign(pair, &asked).await
            }
        }
    }

    /// A certificate for a key that signs tokens for registries.
    pub(in crate::controller) async fn token_signer(
        &self,
        pair: &KeyPair,
        validity: Duration,
        now: Timestamp,
    ) -> Result<Signed, AuthorityError> {
        match self {
            Self::Own(authority) => {
                let request = CertificateRequest {
                    profile: Profile::TokenSigner,
                    common_name: "tokens for registries".to_owned(),
                    organization: None,
                    organizational_unit: None,
                    names: Vec::new(),
                    public_key: pair.public_key().clone(),
                    validity,
                };
                issue(authority, &request, now)
            }
            Self::Remote(remote) => {
                let asked = Asked {
                    wanted: Some(Wanted::TokenSigner),
                    validity: Some(validity),
                    ..Asked::default()
                };
                remote.sign(pair, &asked).await
            }
        }
    }
}

fn issue(
    authority: &Authority,
    request: &CertificateRequest,
    now: Timestamp,
) -> Result<Signed, AuthorityError> {
    let issued = authority.issue(request, now, &mut rng())?;
    Ok(Signed {
        pem: issued.pem(),
        not_after: issued.not_after(),
    })
}
