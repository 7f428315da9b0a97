//! Asking an authority for a certificate: over the network at any manager, or with the authority's own key while a
//! cluster is being made.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Method, StatusCode};
use mke_core::causes::chain;
use mke_core::pki::{
    Authority, AuthorityKind, Holder, KeyPair, PkiError, SigningRequest, SubjectAltName, parse_certificates,
};
use mke_core::render::NodeRole;
use mke_core::secret::Secret;
use mke_core::time::Clock;

use super::inventory::Cluster;
use super::peer::Peer;
use super::rules::{Asked, Refusal, Wanted, may_sign};
use super::wire::{Envelope, INFO, Info, SIGN, SignRequest, Signed, Subject};
use crate::controller::rng;
use crate::mtls::{Caller, MANAGER, Material, MtlsError};

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// No manager could be asked; what each said.
    #[error("no authority could be asked: {}", .0.join("; "))]
    NoneAnswered(Vec<String>),
    /// There is nobody to ask.
    #[error("no address of a manager is known")]
    NoManagers,
    /// The authority said no.
    #[error("{address} does not sign: {message}")]
    Refused {
        /// Who.
        address: SocketAddr,
        /// Why.
        message: String,
    },
    /// The rules say no, where the authority is at hand.
    #[error(transparent)]
    NotGranted(#[from] Refusal),
    /// A key or certificate.
    #[error("a certificate cannot be made or read")]
    Pki(#[from] PkiError),
    /// The own certificate.
    #[error(transparent)]
    Mtls(#[from] MtlsError),
    /// An answer that is none, or a certificate over another key.
    #[error("{address} gave no usable answer: {fault}")]
    Odd {
        /// Who.
        address: SocketAddr,
        /// What is wrong with it.
        fault: String,
    },
}

/// A certificate with its key, as files want it.
pub struct Issued {
    /// The certificate with its intermediates, PEM.
    pub chain_pem: String,
    /// The private key, PEM.
    pub key: Secret,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued")
            .field("chain_pem", &self.chain_pem)
            .finish_non_exhaustive()
    }
}

/// Asks for certificates.
#[derive(Clone)]
pub struct CaClient {
    way: Way,
}

#[derive(Clone)]
enum Way {
    Network {
        caller: Caller,
        authorities: Vec<SocketAddr>,
    },
    AtHand {
        authority: Arc<Authority>,
        node: String,
        cluster: Arc<Cluster>,
        clock: Arc<dyn Clock>,
    },
}

impl CaClient {
    /// Asks these authorities, one after the other until one answers, and shows them `identity`. Managers are known by
    /// their certificate, so the addresses need no proof of their own.
    ///
    /// # Errors
    /// [`MtlsError::Tls`].
    pub fn new(identity: &Material, authorities: Vec<SocketAddr>) -> Result<Self, MtlsError> {
        Ok(Self::with_caller(Caller::new(identity)?, authorities))
    }

    /// The same with a certificate that is configured already.
    pub fn with_caller(caller: Caller, authorities: Vec<SocketAddr>) -> Self {
        Self {
            way: Way::Network { caller, authorities },
        }
    }

    /// Signs with the cluster authority itself, for the manager `node`, by the same rules. For the first manager of a
    /// cluster, which can ask nobody yet.
    pub fn at_hand(
        authority: Arc<Authority>,
        node: String,
        cluster: Arc<Cluster>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            way: Way::AtHand {
                authority,
                node,
                cluster,
                clock,
            },
        }
    }

    /// Makes a key and gets a certificate over it.
    ///
    /// # Errors
    /// [`CaError`].
    pub async fn issue(&self, wanted: Wanted, hosts: Vec<SubjectAltName>) -> Result<Issued, CaError> {
        let pair = KeyPair::generate(&mut rng())?;
        let csr = SigningRequest::create(&pair, wanted.word())?;
        let asked = Asked {
            wanted: Some(wanted),
            hosts,
            ..Asked::default()
        };
        Ok(Issued {
            chain_pem: self.sign(&csr, &asked).await?,
            key: pair.private_key_pem(),
        })
    }

    /// Gets a certificate over the key of a request; PEM.
    ///
    /// # Errors
    /// [`CaError`]. The first refusal counts: all managers decide alike.
    pub async fn sign(&self, csr: &SigningRequest, asked: &Asked) -> Result<String, CaError> {
        match &self.way {
            Way::Network { caller, authorities } => over_network(caller, authorities, csr, asked).await,
            Way::AtHand {
                authority,
                node,
                cluster,
                clock,
            } => {
                let peer = Peer::Node {
                    node: node.clone(),
                    role: NodeRole::Manager,
                };
                let validity = mke_auth::bundle::CERTIFICATE_VALIDITY;
                let granted = may_sign(AuthorityKind::Cluster, &peer, asked, cluster, validity)?;
                let request = granted.request(csr.public_key().clone());
                Ok(authority.issue(&request, clock.now(), &mut rng())?.pem())
            }
        }
    }

    /// The certificate of the authority itself, PEM.
    ///
    /// # Errors
    /// [`CaError`].
    pub async fn certificate_pem(&self) -> Result<String, CaError> {
        match &self.way {
            Way::AtHand { authority, .. } => Ok(authority.certificate_pem()),
            Way::Network { caller, authorities } => {
                let (_, info): (_, Info) = ask(caller, authorities, Method::GET, INFO, Vec::new()).await?;
                Ok(info.certificate)
            }
        }
    }
}

async fn over_network(
    caller: &Caller,
    authorities: &[SocketAddr],
    csr: &SigningRequest,
    asked: &Asked,
) -> Result<String, CaError> {
    let request = SignRequest {
        certificate_request: csr.pem(),
        profile: asked.wanted.map_or("", Wanted::word).to_owned(),
        hosts: asked.hosts.iter().map(ToString::to_string).collect(),
        subject: asked
            .common_name
            .clone()
            .map(|common_name| Subject { common_name }),
        expiry_seconds: asked.validity.map(|validity| validity.as_secs()),
    };
    let body = serde_json::to_vec(&request).map_err(|error| PkiError::Encode {
        fault: error.to_string(),
    })?;
    let (address, signed): (_, Signed) = ask(caller, authorities, Method::POST, SIGN, body).await?;
    let leaf = parse_certificates(&signed.certificate)?.swap_remove(0);
    if Holder::of(&leaf)?.public_key != *csr.public_key() {
        return Err(CaError::Odd {
            address,
            fault: "the certificate is over another key".to_owned(),
        });
    }
    Ok(signed.certificate)
}

/// Asks one after the other. Those that do not answer, or cannot decide now, are passed over.
async fn ask<T: serde::de::DeserializeOwned>(
    caller: &Caller,
    authorities: &[SocketAddr],
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<(SocketAddr, T), CaError> {
    let mut silent = Vec::new();
    for address in authorities {
        let answer = match caller
            .exchange(*address, MANAGER, method.clone(), path, body.clone())
            .await
        {
            Ok(answer) => answer,
            Err(error) => {
                silent.push(chain(&error));
                continue;
            }
        };
        let odd = |fault: String| CaError::Odd {
            address: *address,
            fault,
        };
        let envelope: Envelope<T> =
            serde_json::from_slice(&answer.body).map_err(|error| odd(error.to_string()))?;
        if let (true, Some(result)) = (envelope.success && answer.status.is_success(), envelope.result) {
            return Ok((*address, result));
        }
        let message = envelope.errors.into_iter().next().map(|error| error.message);
        let message = message.unwrap_or_else(|| format!("status {}", answer.status));
        match answer.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                silent.push(format!("{address}: {message}"));
            }
            _ => {
                return Err(CaError::Refused {
                    address: *address,
                    message,
                });
            }
        }
    }
    if silent.is_empty() {
        return Err(CaError::NoManagers);
    }
    Err(CaError::NoneAnswered(silent))
}
