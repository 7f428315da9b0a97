//! The calls to the Docker Engine that the bootstrapper makes, each with a name for error messages. What is called for is
//! decided elsewhere.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::error::InstallError;
use crate::controller::body::{empty, full};
use crate::engine::{EngineClient, EngineError, client};

/// Largest archive that is read from a container.
const MAX_ARCHIVE: usize = 16 * 1024 * 1024;
/// Largest log that is read.
const MAX_LOG: usize = 4 * 1024 * 1024;
/// For calls that may do much before they answer: swarm init, creating a container from a large image.
const LONG: Duration = Duration::from_secs(120);

/// One engine.
#[derive(Debug, Clone)]
pub struct Daemon {
    client: EngineClient,
}

impl Daemon {
    /// The engine behind a client.
    pub fn new(client: EngineClient) -> Self {
        Self { client }
    }

    /// The client, for libraries that want it.
    pub fn client(&self) -> &EngineClient {
        &self.client
    }

    /// Opens a socket and asks whether an engine answers.
    ///
    /// # Errors
    /// [`InstallError::SocketDenied`] and [`InstallError::NoSocket`] with the remedy, or the engine's refusal.
    pub async fn open(socket: &Path) -> Result<Self, InstallError> {
        let daemon = Self::new(EngineClient::new(socket));
        let shown = || socket.display().to_string();
        match daemon.client.get_bytes("/_ping").await {
            Ok(_) => Ok(daemon),
            Err(EngineError::Unreachable { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Err(InstallError::SocketDenied { socket: shown() })
            }
            Err(EngineError::Unreachable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(InstallError::NoSocket { socket: shown() })
            }
            Err(source) => Err(InstallError::Engine {
                doing: "unable to get valid Docker client".to_owned(),
                source,
            }),
        }
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// The engine's.
    pub async fn get(&self, path: &str) -> Result<Value, InstallError> {
        self.client
            .get_json(path)
            .await
            .map_err(InstallError::engine(format!(
                "cannot read `{path}` from the engine"
            )))
    }

    /// As [`Self::get`]; `None` when there is no such object.
    ///
    /// # Errors
    /// The engine's.
    pub async fn find(&self, path: &str) -> Result<Option<Value>, InstallError> {
        match self.client.get_json(path).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(source) => Err(InstallError::Engine {
                doing: format!("cannot read `{path}` from the engine"),
                source,
            }),
        }
    }

    /// A list of objects; an absent list is an empty one.
    ///
    /// # Errors
    /// The engine's.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>, InstallError> {
        Ok(match self.get(path).await? {
            Value::Array(items) => items,
            _ => Vec::new(),
        })
    }

    /// Sends JSON; what comes back may be nothing.
    ///
    /// # Errors
    /// The engine's.
    pub async fn post(&self, doing: &str, path: &str, body: &Value) -> Result<Value, InstallError> {
        self.post_with(doing, path, body, None).await
    }

    /// As [`Self::post`], with credentials for a registry (`X-Registry-Auth`).
    ///
    /// # Errors
    /// The engine's.
    pub async fn post_with(
        &self,
        doing: &str,
        path: &str,
        body: &Value,
        credentials: Option<&str>,
    ) -> Result<Value, InstallError> {
        let mut request = Request::post(path);
        let body = if body.is_null() {
            empty()
        } else {
            request = request.header(header::CONTENT_TYPE, "application/json");
            full(body.to_string())
        };
        if let Some(credentials) = credentials {
            request = request.header("X-Registry-Auth", credentials);
        }
        let bytes = self
            .answered(doing, path, request.body(body), MAX_ARCHIVE)
            .await?;
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// Removes something. Whether it was there.
    ///
    /// # Errors
    /// The engine's.
    pub async fn delete(&self, doing: &str, path: &str) -> Result<bool, InstallError> {
        let request = Request::delete(path).body(empty());
        match self.answered(doing, path, request, MAX_LOG).await {
            Ok(_) => Ok(true),
            Err(InstallError::Engine { source, .. }) if source.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts one file into a container, also into a volume that it mounts and before it was started.
    ///
    /// # Errors
    /// The engine's.
    pub async fn put_file(
        &self,
        container: &str,
        file: &str,
        mode: u32,
        content: &[u8],
    ) -> Result<(), InstallError> {
        let archive = packed(file.trim_start_matches('/'), mode, content)
            .map_err(|error| InstallError::System(format!("cannot pack `{file}`: {error}")))?;
        let path = format!("/containers/{container}/archive?path=/&noOverwriteDirNonDir=true");
        let request = Request::put(&path)
            .header(header::CONTENT_TYPE, "application/x-tar")
            .body(full(archive));
        self.answered(
            &format!("cannot put `{file}` into container `{container}`"),
            &path,
            request,
            MAX_LOG,
        )
        .await
        .map(drop)
    }

    /// Reads one file from a container; `None` when there is none.
    ///
    /// # Errors
    /// The engine's, and archives that hold no file.
    pub async fn read_file(&self, container: &str, file: &str) -> Result<Option<Vec<u8>>, InstallError> {
        self.read_large_file(container, file, MAX_ARCHIVE).await
    }

    /// As [`Self::read_file`] for files of up to about `max` bytes.
    ///
    /// # Errors
    /// The engine's, and archives that hold no file.
    pub async fn read_large_file(
        &self,
        container: &str,
        file: &str,
        max: usize,
    ) -> Result<Option<Vec<u8>>, InstallError> {
        let path = format!("/containers/{container}/archive?path={file}");
        let doing = format!("cannot read `{file}` from container `{container}`");
        match self
            .answered(&doing, &path, Request::get(&path).body(empty()), max)
            .await
        {
            Ok(archive) => unpacked(&archive)
                .map(Some)
                .map_err(|error| InstallError::System(format!("{doing}: {error}"))),
            Err(InstallError::Engine { source, .. }) if source.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a path is there in a container, also in a volume that it mounts and before it was started.
    ///
    /// # Errors
    /// The engine's.
    pub async fn has_path(&self, container: &str, path: &str) -> Result<bool, InstallError> {
        let doing = format!("cannot look for `{path}` in container `{container}`");
        let path = format!("/containers/{container}/archive?path={path}");
        match self
            .answered(&doing, &path, Request::head(&path).body(empty()), MAX_LOG)
            .await
        {
            Ok(_) => Ok(true),
            Err(InstallError::Engine { source, .. }) if source.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits until a container ended and gives its exit code.
    ///
    /// # Errors
    /// The engine's, and [`InstallError::TookTooLong`].
    pub async fn wait(&self, container: &str, limit: Duration) -> Result<i64, InstallError> {
        let path = format!("/containers/{container}/wait");
        let doing = format!("cannot wait for container `{container}`");
        let request = Request::post(&path).body(empty());
        let answer = timeout(
            limit,
            self.answered_within(&doing, &path, request, MAX_LOG, limit),
        )
        .await
        .map_err(|_| InstallError::TookTooLong {
            what: format!("container `{container}`"),
            seconds: limit.as_secs(),
            detail: String::new(),
        })??;
        let answer: Value = serde_json::from_slice(&answer).unwrap_or(Value::Null);
        Ok(answer.get("StatusCode").and_then(Value::as_i64).unwrap_or(-1))
    }

    /// Runs a program in a container that runs, and waits for its end: its exit code and what it wrote, both streams.
    ///
    /// # Errors
    /// The engine's.
    pub async fn exec(&self, container: &str, program: &[&str]) -> Result<(i64, String), InstallError> {
        let doing = format!("cannot run `{}` in container `{container}`", program.join(" "));
        let body = json!({ "AttachStdout": true, "AttachStderr": true, "Cmd": program });
        let made = self
            .post(&doing, &format!("/containers/{container}/exec"), &body)
            .await?;
        let id = made.get("Id").and_then(Value::as_str).unwrap_or_default();
        let path = format!("/exec/{id}/start");
        let request = Request::post(&path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(full(json!({ "Detach": false, "Tty": false }).to_string()));
        let said = self.answered(&doing, &path, request, MAX_LOG).await?;
        let ended = self.get(&format!("/exec/{id}/json")).await?;
        let code = ended.get("ExitCode").and_then(Value::as_i64).unwrap_or(-1);
        Ok((code, demultiplexed(&said)))
    }

    /// The log of a container or service as text, both streams, at most its last `lines`.
    ///
    /// # Errors
    /// The engine's.
    pub async fn log(&self, kind: &str, id: &str, lines: usize) -> Result<String, InstallError> {
        let path = format!("/{kind}/{id}/logs?stdout=1&stderr=1&tail={lines}");
        let doing = format!("cannot read the log of `{id}`");
        let bytes = self
            .answered(&doing, &path, Request::get(&path).body(empty()), MAX_LOG)
            .await?;
        Ok(demultiplexed(&bytes))
    }

    /// Pulls an image, or finds that it cannot be had.
    ///
    /// # Errors
    /// The engine's, also when it breaks off in the middle.
    pub async fn pull(&self, image: &str, credentials: Option<&str>) -> Result<(), InstallError> {
        let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
        let path = format!("/images/create?fromImage={name}&tag={tag}");
        let mut request = Request::post(&path);
        if let Some(credentials) = credentials {
            request = request.header("X-Registry-Auth", credentials);
        }
        let doing = format!("cannot pull `{image}`");
        let limit = Duration::from_secs(30 * 60);
        let bytes = self
            .answered_within(&doing, &path, request.body(empty()), 64 * 1024 * 1024, limit)
            .await?;
        // The engine has answered 200 when it finds out that the registry refuses.
        let failure = bytes
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .find_map(|line| line.get("error").and_then(Value::as_str).map(str::to_owned));
        match failure {
            None => Ok(()),
            Some(message) => Err(InstallError::Engine {
                doing,
                source: EngineError::Refused {
                    status: StatusCode::BAD_GATEWAY,
                    message,
                },
            }),
        }
    }

    /// Loads an archive of images from a stream.
    ///
    /// # Errors
    /// The engine's.
    pub async fn load(&self, archive: crate::controller::body::Body) -> Result<String, InstallError> {
        let doing = "cannot load images";
        let request = Request::post("/images/load?quiet=1")
            .header(header::CONTENT_TYPE, "application/x-tar")
            .body(archive)
            .map_err(|error| InstallError::System(error.to_string()))?;
        let response = self
            .client
            .send_stream(request)
            .await
            .map_err(InstallError::engine(doing))?;
        let status = response.status();
        let body = client::whole("/images/load", response.into_body(), MAX_LOG)
            .await
            .map_err(InstallError::engine(doing))?;
        if !status.is_success() {
            let message = client::message_of(&body);
            return Err(InstallError::engine(doing)(EngineError::Refused {
                status,
                message,
            }));
        }
        let mut loaded = String::new();
        for line in body.split(|byte| *byte == b'\n') {
            let Ok(line) = serde_json::from_slice::<Value>(line) else {
                continue;
            };
            if let Some(error) = line.get("error").and_then(Value::as_str) {
                return Err(InstallError::System(format!("{doing}: {error}")));
            }
            loaded.push_str(line.get("stream").and_then(Value::as_str).unwrap_or_default());
        }
        Ok(loaded)
    }

    async fn answered(
        &self,
        doing: &str,
        path: &str,
        request: Result<Request<crate::controller::body::Body>, http::Error>,
        max: usize,
    ) -> Result<Bytes, InstallError> {
        self.answered_within(doing, path, request, max, LONG).await
    }

    async fn answered_within(
        &self,
        doing: &str,
        path: &str,
        request: Result<Request<crate::controller::body::Body>, http::Error>,
        max: usize,
        limit: Duration,
    ) -> Result<Bytes, InstallError> {
        let request = request.map_err(|error| InstallError::System(format!("{doing}: {error}")))?;
        let slow = || EngineError::Slow {
            path: path.to_owned(),
            limit,
        };
        let exchange = async {
            let response = self.client.send(request).await?;
            let status = response.status();
            let bytes = client::whole(path, response.into_body().boxed_unsync(), max).await?;
            if status.is_success() || status == StatusCode::NOT_MODIFIED {
                return Ok(bytes);
            }
            Err(EngineError::Refused {
                status,
                message: client::message_of(&bytes),
            })
        };
        let answer = timeout(limit, exchange).await.unwrap_or_else(|_| Err(slow()));
        answer.map_err(InstallError::engine(doing))
    }
}

/// Filters as the Engine API wants them in a query.
pub fn filters(filters: &Value) -> String {
    let text = filters.to_string();
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// `X-Registry-Auth` for a name and a password.
pub fn registry_credentials(username: &str, password: &str) -> String {
    use base64::Engine as _;
    let text = json!({ "username": username, "password": password }).to_string();
    base64::engine::general_purpose::URL_SAFE.encode(text)
}

/// The streams of a container without a terminal, one after the other as they came: frames of eight bytes and a length.
pub(crate) fn demultiplexed(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((head, behind)) = rest.split_first_chunk::<8>() {
        let [stream, 0, 0, 0, length @ ..] = head else {
            break;
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if *stream > 2 {
            break;
        }
        let (frame, behind) = behind.split_at(length.min(behind.len()));
        text.extend_from_slice(frame);
        rest = behind;
    }
    if text.is_empty() {
        // A container with a terminal has no frames.
        text.extend_from_slice(bytes);
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn packed(name: &str, mode: u32, content: &[u8]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
    header.set_mode(mode);
    header.set_entry_type(tar::EntryType::Regular);
    archive.append_data(&mut header, name, content)?;
    archive.into_inner()
}

fn unpacked(archive: &[u8]) -> io::Result<Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let mut content = Vec::new();
            io::Read::read_to_end(&mut entry, &mut content)?;
            return Ok(content);
        }
    }
    Err(io::Error::other("it is no file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_become_text() {
        let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 3];
        bytes.extend_from_slice(b"ab\n");
        bytes.extend_from_slice(&[2, 0, 0, 0, 0, 0, 0, 2]);
        bytes.extend_from_slice(b"c\n");
        assert_eq!(demultiplexed(&bytes), "ab\nc\n");
        assert_eq!(
            demultiplexed(b"plain text of a terminal"),
            "plain text of a terminal"
        );
        // A frame that breaks off gives what came.
        assert_eq!(demultiplexed(&[1, 0, 0, 0, 0, 0, 0, 9, b'x']), "x");
        assert_eq!(demultiplexed(b""), "");
    }

    #[test]
    fn archives_hold_one_file() {
        let archive = packed("v/ucp-kv/x.pem", 0o600, b"content").unwrap();
        assert_eq!(unpacked(&archive).unwrap(), b"content");
        assert!(unpacked(b"").is_err());
    }

    #[test]
    fn filters_are_one_word_of_a_query() {
        assert_eq!(
            filters(&json!({ "name": ["a b"] })),
            "%7B%22name%22%3A%5B%22a%20b%22%5D%7D"
        );
    }
}
