//! One authority as a service: reads a request, asks [`may_sign`], signs, and logs what it did. Every answer has the
//! shape of the CFSSL API.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use mke_auth::bundle::CERTIFICATE_VALIDITY;
use mke_core::causes::chain;
use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, SigningRequest};
use mke_core::time::{Clock, Timestamp};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::inventory::{Cluster, Inventory};
use super::pace::Pace;
use super::peer::Peer;
use super::rules::{COMPONENT_VALIDITY, Granted, NODE_VALIDITY, may_sign};
use super::wire::{Envelope, INFO, Info, MAX_REQUEST, SIGN, SignRequest, Signed};
use crate::controller::body::{self, Response};
use crate::controller::rng;
use crate::mtls::{self, Credentials, Handler, Verified};

/// For a body: the caller is a program on the same network.
const BODY_TIME: Duration = Duration::from_secs(10);
/// How long the authorities of the swarm may be remembered between two handshakes. Short enough that a change of them
/// is seen by the next try of a node, long enough that somebody who only knocks does not keep the engine busy.
const ROOTS_AGE: Duration = Duration::from_secs(5);
/// Whom every refusal and every certificate is told.
const LOG: &str = "mke_agent::ca::log";

/// One of the two authorities, serving.
pub struct CaServer {
    kind: AuthorityKind,
    authority: Authority,
    inventory: Arc<dyn Inventory>,
    clock: Arc<dyn Clock>,
    nodes: Pace,
    controllers: Pace,
    credentials: Arc<Credentials>,
    roots_at: Mutex<Option<Timestamp>>,
}

/// An answer that is no certificate.
struct Failed {
    status: StatusCode,
    message: String,
    retry_after: Option<Duration>,
}

impl Failed {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            retry_after: None,
        }
    }
}

impl CaServer {
    /// An authority that signs with `authority` and shows `credentials` to its callers.
    pub fn new(
        kind: AuthorityKind,
        authority: Authority,
        credentials: Arc<Credentials>,
        inventory: Arc<dyn Inventory>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            kind,
            authority,
            inventory,
            clock,
            nodes: Pace::for_nodes(),
            controllers: Pace::for_controllers(),
            credentials,
            roots_at: Mutex::default(),
        }
    }

    /// Serves until told to stop.
    pub async fn run(self: Arc<Self>, listener: TcpListener, stopping: CancellationToken) {
        let credentials = self.credentials.clone();
        mtls::serve(listener, credentials, self, stopping).await;
    }

    async fn travel(&self, peer: &Verified, request: Request<Incoming>) -> Result<Response, Failed> {
        match (request.method(), request.uri().path()) {
            (&Method::POST, SIGN) => self.sign(peer, request).await,
            (&Method::GET | &Method::POST, INFO) => Ok(self.info()),
            (_, SIGN | INFO) => Err(Failed::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "certificates are asked for with POST",
            )),
            _ => Err(Failed::new(
                StatusCode::NOT_FOUND,
                format!("there is {SIGN} and {INFO} here"),
            )),
        }
    }

    async fn sign(&self, peer: &Verified, request: Request<Incoming>) -> Result<Response, Failed> {
        let cluster = self.cluster().await?;
        let who = Peer::of(peer.trust, &peer.holder, &cluster.id).map_err(|error| {
            let unit = peer.holder.organizational_unit.as_deref().unwrap_or_default();
            tracing::warn!(target: LOG, address = %peer.address, unit, %error, "a request is refused");
            Failed::new(StatusCode::FORBIDDEN, error.to_string())
        })?;
        self.paced(&who)?;
        let bytes = timeout(
            BODY_TIME,
            Limited::new(request.into_body(), MAX_REQUEST).collect(),
        )
        .await
        .map_err(|_| Failed::new(StatusCode::REQUEST_TIMEOUT, "the request did not come in time"))?
        .map_err(|_| {
            Failed::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request is larger than 256 KiB or broke off",
            )
        })?
        .to_bytes();
        let bad = |error: &dyn std::error::Error| Failed::new(StatusCode::BAD_REQUEST, chain(error));
        let wanted: SignRequest = serde_json::from_slice(&bytes).map_err(|error| bad(&error))?;
        let csr = SigningRequest::from_pem(&wanted.certificate_request).map_err(|error| bad(&error))?;
        let asked = wanted.asked().map_err(|error| bad(&error))?;
        let decision = may_sign(self.kind, &who, &asked, &cluster, CERTIFICATE_VALIDITY);
        let granted = decision.map_err(|refusal| {
            tracing::warn!(
                target: LOG, peer = %who, address = %peer.address, profile = wanted.profile, %refusal,
                "a request is refused"
            );
            Failed::new(StatusCode::FORBIDDEN, refusal.to_string())
        })?;
        let certificate = self.issue(&who, peer.address, &wanted.profile, &csr, granted)?;
        Ok(body::json(
            StatusCode::OK,
            &Envelope::done(Signed { certificate }),
        ))
    }

    fn issue(
        &self,
        who: &Peer,
        address: SocketAddr,
        profile: &str,
        csr: &SigningRequest,
        granted: Granted,
    ) -> Result<String, Failed> {
        let issued = self
            .authority
            .issue(&granted.request(csr.public_key().clone()), self.clock.now(), &mut rng())
            .map_err(|error| {
                tracing::error!(target: LOG, peer = %who, profile, %error, "a certificate could not be signed");
                Failed::new(StatusCode::UNPROCESSABLE_ENTITY, chain(&error))
            })?;
        let names: Vec<String> = granted.names.iter().map(ToString::to_string).collect();
        tracing::info!(
            target: LOG, peer = %who, %address, profile, serial = issued.serial(), common_name = granted.common_name,
            names = names.join(","), until = %issued.not_after(), "a certificate was issued"
        );
        Ok(issued.pem())
    }

    fn info(&self) -> Response {
        let (usages, validity) = match self.kind {
            AuthorityKind::Cluster => (
                vec!["server auth", "client auth"],
                NODE_VALIDITY.max(COMPONENT_VALIDITY),
            ),
            AuthorityKind::Client => (vec!["client auth"], CERTIFICATE_VALIDITY),
        };
        let info = Info {
            certificate: self.authority.certificate_pem(),
            usages: usages.into_iter().map(str::to_owned).collect(),
            expiry: format!("{}h", validity.as_secs() / 3600),
        };
        body::json(StatusCode::OK, &Envelope::done(info))
    }

    fn paced(&self, who: &Peer) -> Result<(), Failed> {
        let pace = match who {
            Peer::Controller { .. } => &self.controllers,
            Peer::SwarmNode { .. } | Peer::Node { .. } => &self.nodes,
        };
        pace.take(who.node(), &*self.clock).map_err(|wait| {
            tracing::warn!(target: LOG, peer = %who, "asks for too many certificates");
            Failed {
                status: StatusCode::TOO_MANY_REQUESTS,
                message: format!("too many certificates were asked for, wait {} s", wait.as_secs()),
                retry_after: Some(wait),
            }
        })
    }

    async fn cluster(&self) -> Result<Cluster, Failed> {
        self.inventory.cluster().await.map_err(|error| {
            tracing::warn!(error = chain(&error), "nothing can be signed");
            Failed::new(StatusCode::SERVICE_UNAVAILABLE, chain(&error))
        })
    }

    fn roots_are_old(&self) -> bool {
        let now = self.clock.now();
        let mut at = self.roots_at.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = at.is_some_and(|at| at <= now && now < at.plus(ROOTS_AGE));
        if !fresh {
            *at = Some(now);
        }
        !fresh
    }
}

impl Handler for CaServer {
    async fn answer(self: Arc<Self>, peer: Arc<Verified>, request: Request<Incoming>) -> Response {
        match self.travel(&peer, request).await {
            Ok(response) => response,
            Err(failed) => {
                let code = u32::from(failed.status.as_u16());
                let envelope = Envelope::<()>::refused(code, failed.message);
                let mut response = body::json(failed.status, &envelope);
                if let Some(wait) = failed.retry_after {
                    let seconds = HeaderValue::from(wait.as_secs().max(1));
                    response.headers_mut().insert(header::RETRY_AFTER, seconds);
                }
                response
            }
        }
    }

    /// Nodes that are about to join show the swarm's certificate, so its authorities must be known before the handshake.
    /// Users are signed for controllers alone, which have ours.
    async fn before_handshake(&self) {
        if self.kind != AuthorityKind::Cluster || !self.roots_are_old() {
            return;
        }
        let trusted = match self.inventory.cluster().await {
            Ok(cluster) => self
                .credentials
                .trust_swarm(&cluster.trust_roots)
                .map_err(|error| chain(&error)),
            Err(error) => Err(chain(&error)),
        };
        if let Err(error) = trusted {
            tracing::warn!(
                error,
                "the authorities of the swarm are not known, new nodes have to wait"
            );
        }
    }
}

impl Granted {
    /// The certificate over this key.
    pub(super) fn request(&self, public_key: mke_core::pki::PublicKey) -> CertificateRequest {
        CertificateRequest {
            profile: self.profile,
            common_name: self.common_name.clone(),
            organization: self.organization.clone(),
            organizational_unit: self.organizational_unit.clone(),
            names: self.names.clone(),
            public_key,
            validity: self.validity,
        }
    }
}
