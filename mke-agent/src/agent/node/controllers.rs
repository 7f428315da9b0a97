//! How a worker's agent reaches the managers: by the controller of any of them, with the certificate of its node, which is read
//! again when it was replaced.
//!
//! It calls every few seconds for as long as the node lives, so connections are kept, and the engine is asked for the managers
//! only now and then and when one does not answer.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use mke_core::causes::chain;
use tokio::time::Instant;

use super::access::KNOWN_FOR;
use super::engine_info::EngineInfo;
use super::world::Failure;
use crate::engine::EngineClient;
use crate::mtls::{Answer, CERT_FILE, Caller, EXCHANGE_TIME, Line, MANAGER, Material, MtlsError};

/// Connections kept: one for reports, one for what is wanted.
const MAX_LINES: usize = 2;
/// How long a connection is used. The certificates of both ends are looked at when it is opened.
const LINE_AGE: Duration = Duration::from_secs(10 * 60);

/// The controllers as a worker's agent reaches them.
pub struct ControllerAccess {
    engine: EngineClient,
    certs: PathBuf,
    known: Mutex<Known>,
}

/// What is remembered from one call to the next.
#[derive(Default)]
struct Known {
    managers: Vec<IpAddr>,
    asked: Option<Instant>,
    /// The one that answered last.
    favourite: Option<IpAddr>,
    /// The certificate that the caller shows, as it was in its file.
    certificate: Vec<u8>,
    caller: Option<Caller>,
    lines: Vec<Line>,
}

impl ControllerAccess {
    /// Reaches them with the certificate in `certs`.
    pub fn new(engine: EngineClient, certs: impl Into<PathBuf>) -> Self {
        Self {
            engine,
            certs: certs.into(),
            known: Mutex::default(),
        }
    }

    /// Asks one manager after the other until one answers. `port` is that of the controllers. A manager that is connected
    /// already and does not answer within `limit` is left for the next one: its machine may be gone without a sound.
    ///
    /// # Errors
    /// When none answers; what each said.
    pub async fn ask(
        &self,
        port: u16,
        method: Method,
        path: &str,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<(StatusCode, bytes::Bytes), Failure> {
        let caller = self.caller()?;
        let mut said = Vec::new();
        for manager in self.managers().await? {
            let address = SocketAddr::from((manager, port));
            let ask = Ask {
                caller: &caller,
                address,
                limit,
            };
            let line = self.line(address);
            match ask.exchange(line, &method, path, &body).await {
                Ok((answer, _)) if answer.status.is_server_error() => {
                    said.push(format!("{address}: {}", answer.status));
                }
                Ok((answer, line)) => {
                    self.answered(manager, line);
                    return Ok((answer.status, answer.body));
                }
                Err(error) => said.push(format!("{address}: {}", chain(&error))),
            }
            self.known().asked = None;
        }
        match said.is_empty() {
            true => Err("the engine knows no manager of its swarm".into()),
            false => Err(said.join("; ").into()),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls with the certificate as it is now. With another one than before nothing that is open is used any more.
    fn caller(&self) -> Result<Caller, Failure> {
        let certificate = std::fs::read(self.certs.join(CERT_FILE))?;
        let mut known = self.known();
        if let Some(caller) = &known.caller
            && known.certificate == certificate
        {
            return Ok(caller.clone());
        }
        let caller = Caller::new(&Material::from_dir(&self.certs)?)?;
        known.certificate = certificate;
        known.lines.clear();
        known.caller = Some(caller.clone());
        Ok(caller)
    }

    /// The managers, the one that answered last first.
    async fn managers(&self) -> Result<Vec<IpAddr>, Failure> {
        let is_fresh = |known: &Known| known.asked.is_some_and(|asked| asked.elapsed() < KNOWN_FOR);
        if !is_fresh(&self.known()) {
            let managers = EngineInfo::of(&self.engine).await?.managers;
            let mut known = self.known();
            known.asked = Some(Instant::now());
            known.lines.retain(|line| managers.contains(&line.address().ip()));
            known.managers = managers;
        }
        let known = self.known();
        let mut managers = known.managers.clone();
        managers.sort_by_key(|manager| Some(*manager) != known.favourite);
        Ok(managers)
    }

    fn line(&self, address: SocketAddr) -> Option<Line> {
        let mut known = self.known();
        known.lines.retain(|line| line.age() < LINE_AGE);
        let place = known.lines.iter().position(|line| line.address() == address)?;
        Some(known.lines.swap_remove(place))
    }

    fn answered(&self, manager: IpAddr, line: Line) {
        let mut known = self.known();
        known.favourite = Some(manager);
        // Who had to go elsewhere does not come back for the others.
        known.lines.retain(|line| line.address().ip() == manager);
        if known.lines.len() < MAX_LINES {
            known.lines.push(line);
        }
    }
}

/// One manager that is asked.
struct Ask<'a> {
    caller: &'a Caller,
    address: SocketAddr,
    limit: Duration,
}

impl Ask<'_> {
    /// Asks on the connection that is open, or on a new one. What is asked may be asked twice.
    async fn exchange(
        &self,
        line: Option<Line>,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Result<(Answer, Line), MtlsError> {
        if let Some(mut line) = line {
            match line
                .exchange(method.clone(), path, body.to_vec(), self.limit)
                .await
            {
                Ok(answer) => return Ok((answer, line)),
                Err(error @ MtlsError::Slow { .. }) => return Err(error),
                // It was closed while it waited.
                Err(_) => {}
            }
        }
        let mut line = self.caller.open(self.address, MANAGER).await?;
        let answer = line
            .exchange(method.clone(), path, body.to_vec(), EXCHANGE_TIME)
            .await?;
        Ok((answer, line))
    }
}
