//! `ucp passwd`: a new password for an account of this machine's control plane, without logging in (AUTH-009).
//!
//! Whoever may read the sealing key may do it, which is the owner of the data directory, usually root. A store that
//! nobody has open is changed directly. A controller that runs has it open alone, so it is asked over a socket in the
//! data directory, which only the same owner can open, and does the same through the same service.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mke_auth::accounts::{AccountError, Accounts, Recovered, Recovery};
use mke_auth::password::{HashLimits, PasswordError, PasswordHasher};
use mke_core::ids::random_uuid;
use mke_core::secret::Secret;
use mke_core::store::sqlite::{SqliteOptions, SqliteStore};
use mke_core::store::{Revision, Store, StoreError};
use mke_core::time::SystemClock;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use super::audit::{Arrival, Asker, Moment, Notes, Recording, Stage};
use super::files::{self, FileError};
use super::rng;
use super::setup::SEALING_KEY;
use super::start::STORE_FILE;
use super::state::State;

/// The socket in the data directory.
const SOCKET: &str = "recovery.sock";
/// Most bytes of a question or an answer: a password has at most 4 KiB.
const MAX_LINE: u64 = 64 * 1024;
/// How long one exchange may take; a controller under load hashes for a while.
const PATIENCE: Duration = Duration::from_secs(60);
/// What audit records call it.
const PATH: &str = "/recovery";

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// No control plane keeps its data there.
    #[error("no control plane has run on `{}`; name its directory with --data-dir", .0.display())]
    NoDataDir(PathBuf),
    /// The caller is not the owner of the data.
    #[error(
        "only who may read the sealing key may do this, run it as the user of the control plane, such as root"
    )]
    NotAllowed(#[source] FileError),
    /// The store.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// The account or the password.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Hashing.
    #[error("the password cannot be hashed")]
    Password(#[from] PasswordError),
    /// The running controller said no.
    #[error("the running control plane refused: {0}")]
    Refused(String),
    /// The running controller did not answer as it should.
    #[error("the running control plane did not answer on `{}`: {why}", path.display())]
    Unanswered {
        /// The socket.
        path: PathBuf,
        /// What happened.
        why: String,
    },
}

/// What was done, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was done.
    pub recovered: Recovered,
    /// Whether the running controller did it; otherwise the store was changed directly.
    pub by_controller: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Question {
    name: String,
    password: String,
    admin: bool,
    disable_second_factor: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Done {
    account: String,
    reactivated: bool,
    promoted: bool,
    is_admin: bool,
    second_factor_removed: bool,
    second_factor_left: bool,
    unlocked: bool,
    revision: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Answer {
    Done(Done),
    Error(String),
}

/// Gives an account of this machine's control plane a new password.
///
/// # Errors
/// [`RecoveryError`]; nothing was changed then, unless the running controller was cut off while it answered.
pub async fn recover(data_dir: &Path, name: &str, recovery: &Recovery) -> Result<Report, RecoveryError> {
    match files::read("sealing key", &data_dir.join(SEALING_KEY)) {
        Ok(Some(_)) => {}
        Ok(None) => return Err(RecoveryError::NoDataDir(data_dir.to_owned())),
        Err(error) => return Err(RecoveryError::NotAllowed(error)),
    }
    let socket = data_dir.join(SOCKET);
    match UnixStream::connect(&socket).await {
        Ok(stream) => ask(&socket, stream, name, recovery).await,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            directly(data_dir, name, recovery).await
        }
        Err(error) => Err(RecoveryError::Unanswered {
            path: socket,
            why: error.to_string(),
        }),
    }
}

async fn directly(data_dir: &Path, name: &str, recovery: &Recovery) -> Result<Report, RecoveryError> {
    let path = data_dir.join(STORE_FILE);
    if !path.exists() {
        return Err(RecoveryError::NoDataDir(data_dir.to_owned()));
    }
    let store = Arc::new(SqliteStore::open(path, SqliteOptions::default())?);
    let hasher = PasswordHasher::new(HashLimits::for_processors(std::num::NonZeroUsize::MIN))?;
    let accounts = Accounts::new(store as Arc<dyn Store>, Arc::new(SystemClock), Arc::new(hasher));
    Ok(Report {
        recovered: accounts.recover(name, recovery, &mut rng()).await?,
        by_controller: false,
    })
}

async fn ask(
    path: &Path,
    mut stream: UnixStream,
    name: &str,
    recovery: &Recovery,
) -> Result<Report, RecoveryError> {
    let unanswered = |why: String| RecoveryError::Unanswered {
        path: path.to_owned(),
        why,
    };
    let question = Question {
        name: name.to_owned(),
        password: recovery.password.expose().to_owned(),
        admin: recovery.admin,
        disable_second_factor: recovery.disable_second_factor,
    };
    let exchange = async {
        let mut line = serde_json::to_vec(&question)?;
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = String::new();
        BufReader::new(stream.take(MAX_LINE))
            .read_line(&mut answer)
            .await?;
        Ok::<Answer, io::Error>(serde_json::from_str(&answer)?)
    };
    match timeout(PATIENCE, exchange).await {
        Ok(Ok(Answer::Done(done))) => Ok(Report {
            recovered: Recovered {
                account: done.account.into(),
                reactivated: done.reactivated,
                promoted: done.promoted,
                is_admin: done.is_admin,
                second_factor_removed: done.second_factor_removed,
                second_factor_left: done.second_factor_left,
                unlocked: done.unlocked,
                revision: Revision(done.revision),
            },
            by_controller: true,
        }),
        Ok(Ok(Answer::Error(text))) => Err(RecoveryError::Refused(text)),
        Ok(Err(error)) => Err(unanswered(error.to_string())),
        Err(_) => Err(unanswered(format!("no answer in {} s", PATIENCE.as_secs()))),
    }
}

/// The socket; its file goes when it is dropped.
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // One that stays is replaced at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Listens for `ucp passwd`. The caller has the store, so a socket that is left over belongs to nobody.
///
/// # Errors
/// When the socket cannot be made; `ucp passwd` then works only while the controller is stopped.
pub(super) fn listen(data_dir: &Path) -> Result<Socket, FileError> {
    let path = data_dir.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(FileError::at("recovery socket", &path)(error));
        }
        _ => {}
    }
    let listener = UnixListener::bind(&path).map_err(FileError::at("recovery socket", &path))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(files::PRIVATE))
        .map_err(FileError::at("recovery socket", &path))?;
    Ok(Socket { listener, path })
}

/// Answers `ucp passwd` until it is dropped, one question at a time.
pub(super) async fn serve(socket: Socket, state: Arc<State>) {
    loop {
        match socket.listener.accept().await {
            Ok((stream, _)) => {
                if timeout(PATIENCE, answer(stream, &state)).await.is_err() {
                    tracing::warn!("a question on the recovery socket was not finished in time");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the recovery socket cannot be answered");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn answer(mut stream: UnixStream, state: &State) {
    // Between the making of the socket and its mode somebody else might have come in.
    let asker = stream.peer_cred().map(|peer| peer.uid());
    let own = rustix::process::geteuid().as_raw();
    let answer = match asker {
        Ok(uid) if uid == 0 || uid == own => match read(&mut stream).await {
            Ok(question) => done(state, question).await.unwrap_or_else(Answer::Error),
            Err(error) => Answer::Error(format!("the question cannot be read: {error}")),
        },
        Ok(_) | Err(_) => Answer::Error("only root and the user of the control plane may ask".to_owned()),
    };
    let written = async {
        let mut line = serde_json::to_vec(&answer)?;
        line.push(b'\n');
        stream.write_all(&line).await
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, "the answer on the recovery socket was not taken");
    }
}

async fn read(stream: &mut UnixStream) -> io::Result<Question> {
    let mut line = String::new();
    BufReader::new(stream.take(MAX_LINE)).read_line(&mut line).await?;
    Ok(serde_json::from_str(&line)?)
}

async fn done(state: &State, question: Question) -> Result<Answer, String> {
    let recovery = Recovery {
        password: Secret::new(question.password),
        admin: question.admin,
        disable_second_factor: question.disable_second_factor,
    };
    let notes = Notes::default();
    notes.set_recording(Recording::NoBody);
    notes.asker(question.name.as_str(), "");
    let received = state.clock.now();
    let arrival = Arrival {
        id: random_uuid(&mut rng()),
        received,
        method: http::Method::POST,
        path: PATH.to_owned(),
        query: None,
        // It comes from a shell of this machine, not from the network.
        peer: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
    };
    let level = state.snapshot().config.audit_log.level;
    let record = |stage: Stage, status| {
        let moment = Moment {
            stage,
            now: state.clock.now(),
            status,
        };
        state
            .audit
            .record(level, moment, &arrival, &Asker::default(), &notes)
    };
    // Without the record nothing is changed (audit-05).
    record(Stage::RequestReceived, None)
        .map_err(|error| format!("the audit record cannot be written ({error}); nothing was changed"))?;
    let outcome = state
        .accounts
        .recover(&question.name, &recovery, &mut rng())
        .await;
    let status = if outcome.is_ok() {
        http::StatusCode::OK
    } else {
        http::StatusCode::BAD_REQUEST
    };
    if let Ok(recovered) = &outcome {
        notes.object_id(recovered.account.as_str());
        tracing::warn!(
            name = question.name,
            ?recovered,
            "a password was set from the shell of this machine"
        );
    }
    if let Err(error) = record(Stage::ResponseComplete, Some(status)) {
        tracing::error!(%error, "an audit record could not be written");
    }
    let recovered = outcome.map_err(|error| error.to_string())?;
    state
        .wait_for(recovered.revision)
        .await
        .map_err(|_| "the change is stored but not in force yet".to_owned())?;
    Ok(Answer::Done(Done {
        account: recovered.account.to_string(),
        reactivated: recovered.reactivated,
        promoted: recovered.promoted,
        is_admin: recovered.is_admin,
        second_factor_removed: recovered.second_factor_removed,
        second_factor_left: recovered.second_factor_left,
        unlocked: recovered.unlocked,
        revision: recovered.revision.0,
    }))
}
