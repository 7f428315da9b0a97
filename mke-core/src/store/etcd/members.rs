//! The members of etcd and which one is asked: one connection each, and whoever does not answer in time is left for the next.
//!
//! No balancing: a program stays with the member that answers, which is the first of its list as long as that one is well.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Error, Identity, TlsOptions};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::error::Failure;
use crate::secret::Secret;
use crate::store::StoreError;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(2);
/// Silence after which a connection that nobody uses is asked whether it is alive, so that it is not there when it is wanted again
/// and dead. Whether the one in use is, is seen sooner (`alive`).
const PING_AFTER: Duration = Duration::from_secs(30);
/// How long it may take to say so.
const PING_WITHIN: Duration = Duration::from_secs(3);
/// How often is looked whether the member that is asked lives.
const LOOK: Duration = Duration::from_secs(8);
/// Rest between attempts, so that refused connections do not become a busy loop.
const PAUSE: Duration = Duration::from_millis(100);

/// What a program shows to etcd, and whom it trusts; all in PEM.
#[derive(Debug, Clone)]
pub struct EtcdTls {
    /// The authority of the members' certificates, which is the cluster's.
    pub ca: String,
    /// The certificate of this program with its intermediates.
    pub cert: String,
    /// Its private key.
    pub key: Secret,
}

/// How a shared store is reached. [`EtcdOptions::new`] sets the times.
#[derive(Debug, Clone)]
pub struct EtcdOptions {
    /// Members as `https://host:port`, in the order in which they are tried: the one on this machine first.
    pub endpoints: Vec<String>,
    /// Certificates. Without, only members on the loopback interface are asked, without encryption.
    pub tls: Option<EtcdTls>,
    /// How long one member may take to answer before the next is asked.
    pub attempt: Duration,
    /// How long all attempts of one request may take together.
    pub patience: Duration,
    /// When to look next whether the member that is asked lives, while nothing is asked of it. It is left after such a moment and
    /// [`Self::attempt`].
    pub looks: fn() -> Instant,
}

impl EtcdOptions {
    /// A member has three seconds to answer, which is two elections; a request ten. Every eight seconds is looked whether it lives.
    pub fn new(endpoints: Vec<String>, tls: Option<EtcdTls>) -> Self {
        Self {
            endpoints,
            tls,
            attempt: Duration::from_secs(3),
            patience: Duration::from_secs(10),
            looks: || Instant::now() + LOOK,
        }
    }
}

/// A member and the connection to it, which is made when it is first used and made anew when it breaks.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) url: String,
    pub(super) client: Client,
}

/// At least one member.
pub(super) struct List {
    first: Member,
    others: Vec<Member>,
}

impl List {
    fn len(&self) -> usize {
        1 + self.others.len()
    }

    fn get(&self, index: usize) -> &Member {
        let other = index.checked_sub(1).and_then(|other| self.others.get(other));
        other.unwrap_or(&self.first)
    }

    /// Each member in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

/// All members, and the one that is asked now.
pub(super) struct Members {
    list: RwLock<Arc<List>>,
    current: watch::Sender<usize>,
    /// When one last answered.
    heard: Mutex<Option<Instant>>,
    attempt: Duration,
    pub(super) patience: Duration,
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls: Vec<_> = self.list().iter().map(|member| member.url.clone()).collect();
        f.debug_struct("Members")
            .field("urls", &urls)
            .finish_non_exhaustive()
    }
}

/// Makes the connections of a list; none is opened yet.
async fn members(options: &EtcdOptions, leader: bool) -> Result<Arc<List>, StoreError> {
    let invalid = |text: String| StoreError::Invalid(text);
    let mut connect = ConnectOptions::new()
        .with_connect_timeout(CONNECT)
        .with_keep_alive(PING_AFTER, PING_WITHIN)
        .with_keep_alive_while_idle(true)
        .with_require_leader(leader);
    if let Some(tls) = &options.tls {
        connect = connect.with_tls(
            TlsOptions::new()
                .ca_certificate(Certificate::from_pem(&tls.ca))
                .identity(Identity::from_pem(&tls.cert, tls.key.expose())),
        );
    }
    let mut list = Vec::new();
    for url in &options.endpoints {
        let plain = url.strip_prefix("http://");
        match (plain, &options.tls) {
            (None, Some(_)) if url.starts_with("https://") => {}
            (Some(host), None) if is_loopback(host) => {}
            (Some(_), None) => {
                return Err(invalid(format!(
                    "the endpoint {url} of etcd is not on this machine and not encrypted; use https:// and give certificates"
                )));
            }
            (None, None) if url.starts_with("https://") => {
                return Err(invalid(format!(
                    "the endpoint {url} of etcd needs the cluster's authority, a certificate and its key"
                )));
            }
            _ => {
                return Err(invalid(format!(
                    "`{url}` is no endpoint of etcd here, write https://host:port"
                )));
            }
        }
        let client = Client::connect([url.as_str()], Some(connect.clone()))
            .await
            .map_err(|error| Failure::of(&error, url).give_up(false))?;
        list.push(Member {
            url: url.clone(),
            client,
        });
    }
    let mut list = list.into_iter();
    let first = list
        .next()
        .ok_or_else(|| invalid("no endpoint of etcd is given".to_owned()))?;
    let others = list.collect();
    Ok(Arc::new(List { first, others }))
}

fn is_loopback(host: &str) -> bool {
    host.parse::<std::net::SocketAddr>()
        .is_ok_and(|address| address.ip().is_loopback())
        || host == "localhost"
        || host.starts_with("localhost:")
}

impl Members {
    /// Members that answer only while they know of a leader.
    pub(super) async fn new(options: &EtcdOptions) -> Result<Self, StoreError> {
        Self::of(options, true).await
    }

    /// Members that answer also when the cluster has no leader, for what each knows of itself.
    pub(super) async fn without_leader(options: &EtcdOptions) -> Result<Self, StoreError> {
        Self::of(options, false).await
    }

    async fn of(options: &EtcdOptions, leader: bool) -> Result<Self, StoreError> {
        Ok(Self {
            list: RwLock::new(members(options, leader).await?),
            current: watch::channel(0).0,
            heard: Mutex::default(),
            attempt: options.attempt,
            patience: options.patience,
        })
    }

    /// Takes other members or certificates from now on. What is under way ends on the old connections.
    pub(super) async fn replace(&self, options: &EtcdOptions) -> Result<(), StoreError> {
        let list = members(options, true).await?;
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = list;
        // Watches move too.
        self.current.send_replace(0);
        Ok(())
    }

    /// All members.
    pub(super) fn list(&self) -> Arc<List> {
        self.list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells when another member is asked, for those who hold a stream to one.
    pub(super) fn moved(&self) -> watch::Receiver<usize> {
        self.current.subscribe()
    }

    /// The member to ask now.
    pub(super) fn current(&self) -> (usize, Member) {
        let list = self.list();
        let index = *self.current.borrow() % list.len();
        (index, list.get(index).clone())
    }

    /// Leaves a member that did not answer, unless somebody did already.
    pub(super) fn leave(&self, index: usize) {
        let count = self.list().len();
        self.current.send_if_modified(|current| {
            let same = *current % count == index && count > 1;
            if same {
                *current = (index + 1) % count;
            }
            same
        });
    }

    /// Takes note that the current member answered.
    pub(super) fn hear(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether one has answered since then.
    pub(super) fn heard_since(&self, then: Instant) -> bool {
        let heard = *self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.is_some_and(|heard| heard >= then)
    }

    /// Asks the current member once.
    pub(super) async fn once<T, F>(&self, ask: impl FnOnce(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let (index, member) = self.current();
        let failure = match timeout(self.attempt, ask(member.client)).await {
            Ok(Ok(answer)) => {
                self.hear();
                return Ok(answer);
            }
            Ok(Err(error)) => Failure::of(&error, &member.url),
            Err(_) => Failure::Unknown(format!(
                "etcd at {}: no answer within {:?}",
                member.url, self.attempt
            )),
        };
        if failure.blames_the_member() {
            self.leave(index);
        }
        Err(failure)
    }

    /// Asks one member after the other until one answers or time is over; for what may be asked twice.
    pub(super) async fn ask<T, F>(&self, ask: impl Fn(Client) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let deadline = self.deadline();
        loop {
            match self.once(&ask).await {
                Err(failure) if failure.blames_the_member() && Instant::now() < deadline => pause().await,
                ended => return ended,
            }
        }
    }

    /// When a request that begins now is given up.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// How long one member may take.
    pub(super) fn attempt(&self) -> Duration {
        self.attempt
    }
}

/// The rest between two attempts.
pub(super) async fn pause() {
    sleep(PAUSE).await;
}
