//! `ucp-agent auth-worker`: runs the jobs of the authentication service (service `ucp-auth-worker`, one task on each manager).
//! Which of them runs a job is settled by a lease in the store.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use mke_core::causes::chain;
use mke_core::time::SystemClock;
use serde_json::json;
use tokio::time::sleep;

use super::ports::{listen, until_asked};
use super::{ProgramError, asked_to_end};
use crate::agent::store;
use crate::controller::body::{self, Response};
use crate::controller::{Logs, work_on_jobs};
use crate::mtls::{self, CERT_FILE, Credentials, Handler, Verified};
use crate::node_proxy::{self, Gate, OwnProxy};
use crate::steps;

/// The port at which it says how it does. It works in the network of its node.
const PORT: u16 = 12386;
/// Rest before the store is tried again.
const RETRY: Duration = Duration::from_secs(3);
/// After how many steps is looked whether the certificate was renewed.
const REFRESH_STEPS: u32 = 16;

/// Arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Address to listen on.
    #[arg(long, default_value_t = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)))]
    listen: SocketAddr,
    /// Directory with what the port shows.
    #[arg(long, default_value = "/v/ucp-auth-worker-certs")]
    server_certs: PathBuf,
    /// Directory with the certificate of this node, which is shown to the store.
    #[arg(long, default_value = "/etc/ucp/node")]
    certs: PathBuf,
    /// Where the member of the store on this manager answers.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    store: IpAddr,
}

/// Works until it is asked to end.
///
/// # Errors
/// [`ProgramError`] when it cannot listen.
pub(super) async fn run(args: Args, logs: Logs) -> Result<(), ProgramError> {
    let (shown, own) = tokio::select! {
        both = async { (credentials(&args.server_certs).await, credentials(&args.certs).await) } => both,
        asked = asked_to_end() => return asked,
    };
    let listener = listen(args.listen).await?;
    let own = Arc::new(own);
    let proxy = OwnProxy::new(own.clone(), SocketAddr::from((args.store, node_proxy::PORT)));
    let health = Arc::new(Health {
        reached: AtomicBool::new(false),
        gate: Gate::new(own, proxy),
    });
    let worker = rustix::system::uname().nodename().to_string_lossy().into_owned();
    until_asked(|stopping| async move {
        let serving = mtls::serve(listener, Arc::new(shown), health.clone(), stopping);
        // A job that is dropped half-way is reported as such by whoever takes the lease next.
        tokio::select! {
            () = serving => {}
            () = work(&args, &logs, &worker, &health) => {}
        }
    })
    .await
}

/// Waits for what the port shows: on a new manager the reconciler writes it a moment later.
async fn credentials(dir: &Path) -> Credentials {
    loop {
        match Credentials::open(dir) {
            Ok(credentials) => return credentials,
            Err(error) => tracing::info!(
                "the certificate of this worker is not there yet: {}",
                chain(&error)
            ),
        }
        sleep(RETRY).await;
    }
}

/// Works for ever: with the store as long as it is reached with this certificate, then anew.
async fn work(args: &Args, logs: &Logs, worker: &str, health: &Health) {
    loop {
        let shown = certificate(&args.certs);
        let store = match store::open(&args.certs, [args.store]).await {
            Ok(store) => store,
            Err(error) => {
                tracing::warn!("the store is not reached yet: {}", chain(&error));
                sleep(RETRY).await;
                continue;
            }
        };
        let audit = Box::new(std::io::stdout());
        let working = work_on_jobs(
            store,
            Arc::new(SystemClock),
            logs.clone(),
            audit,
            worker.to_owned(),
        );
        let renewed = async {
            loop {
                steps::pass(REFRESH_STEPS).await;
                if certificate(&args.certs) != shown {
                    return;
                }
            }
        };
        health.reached.store(true, Ordering::Relaxed);
        tokio::select! {
            ended = working => if let Err(error) = ended {
                tracing::warn!("jobs cannot be run yet: {}", chain(&error));
            },
            () = renewed => tracing::info!("the certificate was renewed, the store is opened anew"),
        }
        health.reached.store(false, Ordering::Relaxed);
        sleep(RETRY).await;
    }
}

fn certificate(dir: &Path) -> Option<Vec<u8>> {
    std::fs::read(dir.join(CERT_FILE)).ok()
}

/// What is told at the port, and to whom.
struct Health {
    /// Whether the store is reached.
    reached: AtomicBool,
    gate: Gate<OwnProxy>,
}

impl Handler for Health {
    async fn answer(self: Arc<Self>, peer: Arc<Verified>, request: Request<Incoming>) -> Response {
        let refused = |status, text: &str| body::json(status, &json!({ "message": text }));
        if let Err(why) = self.gate.admit(&peer).await {
            return refused(StatusCode::FORBIDDEN, &why.to_string());
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/_ping") if self.reached.load(Ordering::Relaxed) => {
                body::bytes(StatusCode::OK, "text/plain", "OK")
            }
            (&Method::GET, "/_ping") => refused(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the store is not reached, its log says why",
            ),
            _ => refused(StatusCode::NOT_FOUND, "there is /_ping here"),
        }
    }
}
