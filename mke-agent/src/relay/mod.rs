//! Ports that only pass bytes on: TLS ends behind them, so access is decided in one place (decision 0026).
//!
//! `ucp-auth-api` (12385) and `ucp-swarm-manager` (2376) lead to the controller of the manager, and port 12378 of a manager
//! to its etcd. Of several targets the first that can be reached is taken, and asked first from then on.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::mtls::each_connection;
use crate::proxy::tunnel;

/// For reaching one target.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// How long nothing may move. Clients of etcd send a sign of life every few seconds, those of the API may hold an idle
/// terminal for half a day.
const IDLE_TIME: Duration = Duration::from_secs(12 * 60 * 60);
/// How long connections may go on when the program ends.
const STOP_TIME: Duration = Duration::from_secs(2);

/// Where bytes go: `host:port`, several in the order of preference.
#[derive(Debug, Clone)]
pub struct Targets(Vec<String>);

/// A target that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no target, write host:port")]
pub struct BadTarget(String);

impl Targets {
    /// Checks their form.
    ///
    /// # Errors
    /// [`BadTarget`] for the first that has none.
    pub fn new(targets: Vec<String>) -> Result<Self, BadTarget> {
        let good = |target: &String| {
            target.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
            })
        };
        match targets.iter().find(|target| !good(target)) {
            Some(bad) => Err(BadTarget(bad.clone())),
            None if targets.is_empty() => Err(BadTarget(String::new())),
            None => Ok(Self(targets)),
        }
    }
}

/// Passes connections on until told to stop.
pub async fn run(listener: TcpListener, targets: Targets, stopping: CancellationToken) {
    let tasks = TaskTracker::new();
    let (targets, first) = (Arc::new(targets), Arc::new(AtomicUsize::new(0)));
    each_connection(listener, &tasks, &stopping, |stream, address| {
        let (targets, first, stopping) = (targets.clone(), first.clone(), stopping.clone());
        async move {
            let _ = stream.set_nodelay(true);
            match reach(&targets, &first).await {
                Ok(target) => {
                    let ended = tunnel::carry(stream, target, IDLE_TIME, &stopping).await;
                    tracing::debug!(%address, ?ended, "a connection ended");
                }
                // Closing is the only thing that can be said without speaking the protocol.
                Err(error) => tracing::warn!(%address, %error, "nobody could be reached"),
            }
        }
    })
    .await;
    tasks.close();
    let _ = timeout(STOP_TIME, tasks.wait()).await;
}

async fn reach(targets: &Targets, first: &AtomicUsize) -> io::Result<TcpStream> {
    let count = targets.0.len();
    let start = first.load(Relaxed);
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for step in 0..count {
        let at = (start + step) % count;
        let Some(target) = targets.0.get(at) else { continue };
        match connect(target).await {
            Ok(stream) => {
                first.store(at, Relaxed);
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => {
                tracing::debug!(target, %error, "a target cannot be reached");
                last = error;
            }
        }
    }
    Err(last)
}

async fn connect(target: &str) -> io::Result<TcpStream> {
    let connecting = async {
        // Looked up each time: the container behind a name gets another address when it is made anew.
        let addresses: Vec<SocketAddr> = lookup_host(target).await?.collect();
        TcpStream::connect(addresses.as_slice()).await
    };
    timeout(CONNECT_TIME, connecting)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_a_form() {
        for good in ["ucp-controller:443", "10.0.0.1:12379", "[::1]:2379"] {
            assert!(Targets::new(vec![good.to_owned()]).is_ok(), "{good}");
        }
        for bad in ["", "ucp-controller", ":443", "host:0", "host:99999", "host:port"] {
            assert_eq!(
                Targets::new(vec![bad.to_owned()]).unwrap_err(),
                BadTarget(bad.to_owned())
            );
        }
        assert!(Targets::new(Vec::new()).is_err());
    }
}
