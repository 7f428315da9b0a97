//! An engine that a test plays: it answers what the test says, and keeps what it was asked.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;

use super::Daemon;
use crate::engine::EngineClient;

/// What it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Method and path.
    pub what: String,
    /// `X-Registry-Auth`.
    pub credentials: Option<String>,
}

/// Says what is answered to a call, with a status before it when that is not 200; without one the caller waits.
type Answers = fn(&Asked) -> Option<&'static str>;

/// The engine.
pub(crate) struct Played {
    /// Speaks to it.
    pub daemon: Daemon,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Told when a call gets no answer.
    pub silent: Arc<Notify>,
    _dir: tempfile::TempDir,
}

impl Played {
    pub(crate) fn start(answers: Answers) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let (asked, silent) = (Arc::default(), Arc::new(Notify::new()));
        tokio::spawn(serve(listener, answers, Arc::clone(&asked), silent.clone()));
        Self {
            daemon: Daemon::new(EngineClient::new(&socket)),
            asked,
            silent,
            _dir: dir,
        }
    }

    /// What it was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

async fn serve(listener: UnixListener, answers: Answers, asked: Arc<Mutex<Vec<Asked>>>, silent: Arc<Notify>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (asked, silent) = (asked.clone(), silent.clone());
        tokio::spawn(async move { one(stream, answers, &asked, &silent).await });
    }
}

/// One call on its connection.
async fn one(stream: UnixStream, answers: Answers, asked: &Mutex<Vec<Asked>>, silent: &Notify) {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        match stream.read_line(&mut line).await {
            Ok(count) if count > 0 && !line.trim().is_empty() => head.push(line.trim().to_owned()),
            _ => break,
        }
    }
    let Some((what, _)) = head.first().and_then(|first| first.rsplit_once(' ')) else {
        return;
    };
    let credentials = head.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("x-registry-auth")
            .then(|| value.to_owned())
    });
    let call = Asked {
        what: what.to_owned(),
        credentials,
    };
    let answer = answers(&call);
    asked.lock().unwrap().push(call);
    let Some(body) = answer else {
        silent.notify_one();
        return std::future::pending().await;
    };
    let (status, body) = match body.split_once(' ') {
        Some((status, body)) if status.parse::<u16>().is_ok() => (status, body),
        _ => ("200", body),
    };
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let _ = stream.get_mut().write_all(answer.as_bytes()).await;
}
