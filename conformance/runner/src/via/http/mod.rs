//! Asking over HTTP: for each world `ucp serve` is started on an empty data directory, the world is built through
//! the ordinary API, and every case is asked at `POST /api/ucp/authz/can-i` as administrator.
//!
//! Accounts, collections, roles and grants come from the server. Nodes, other objects, Kubernetes rules and the
//! licence go with each question, because no engine stands behind the server. Ids that the server made are
//! translated back before an answer is compared.

mod build;
mod client;
mod server;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mke_rbac::question::{Answer, Inventory};
use mke_rbac::state::{World, WorldRecord};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{AskError, Via};
use crate::case::{Case, CaseFile};
use client::Client;
use server::Server;

/// The administrator in worlds that have none who logged in.
const SPARE_ADMINISTRATOR: &str = "conformance-administrator";

/// `ucp serve`, one after the other for each world.
#[derive(Debug)]
pub struct Http {
    program: PathBuf,
    runtime: Runtime,
    current: Option<Standing>,
}

/// A server with a world in it.
#[derive(Debug)]
struct Standing {
    file: PathBuf,
    world: String,
    client: Client,
    /// Paths of collections by the ids that the server gave them.
    paths: BTreeMap<String, String>,
    _server: Server,
}

impl Http {
    /// Uses this program.
    pub fn new(program: PathBuf) -> Result<Self, AskError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| AskError::Own {
                what: "the runner cannot start its runtime",
                source,
            })?;
        Ok(Self {
            program,
            runtime,
            current: None,
        })
    }
}

impl Via for Http {
    fn name(&self) -> &'static str {
        "http"
    }

    fn ask(&mut self, file: &CaseFile, case: &Case) -> Result<Answer, AskError> {
        let (Some(record), Some(world)) = (file.records.get(&case.world), file.worlds.get(&case.world))
        else {
            return Ok(Answer::error("unknown-world", "the file has no such world"));
        };
        let stands = self
            .current
            .as_ref()
            .is_some_and(|standing| standing.file == file.path && standing.world == case.world);
        if !stands {
            // The old server ends before the new one starts.
            self.current = None;
            let standing = self
                .runtime
                .block_on(stand_up(&self.program, &file.path, &case.world, record))?;
            self.current = Some(standing);
        }
        let Some(standing) = &self.current else {
            return Ok(Answer::error("no-server", "the server did not start"));
        };
        let body = question(case, record, world)?;
        let request = standing.client.json(Method::POST, "/api/ucp/authz/can-i", &body);
        let answer = self.runtime.block_on(request)?;
        let mut answer: Answer = serde_json::from_value(answer).map_err(|source| AskError::BadAnswer {
            path: "/api/ucp/authz/can-i".to_owned(),
            source,
        })?;
        translate(&mut answer, standing, world);
        Ok(answer)
    }
}

async fn stand_up(
    program: &Path,
    file: &Path,
    world: &str,
    record: &WorldRecord,
) -> Result<Standing, AskError> {
    let administrator = administrator(record);
    let server = Server::start(program, administrator).await?;
    let mut client = Client::new(server.url(), server.authority())?;
    build::build(&mut client, record, administrator).await?;
    let paths = build::collection_paths(&client).await?;
    Ok(Standing {
        file: file.to_owned(),
        world: world.to_owned(),
        client,
        paths,
        _server: server,
    })
}

/// The user as whom everything is built and asked: one of the world if possible, so that the server holds nobody
/// whom the world does not.
fn administrator(record: &WorldRecord) -> &str {
    record
        .users
        .iter()
        .find(|(_, user)| user.admin && user.active && user.logged_in)
        .map_or(SPARE_ADMINISTRATOR, |(name, _)| name)
}

fn question(case: &Case, record: &WorldRecord, world: &World) -> Result<Value, AskError> {
    let own = |source| AskError::BadAnswer {
        path: "the question".to_owned(),
        source,
    };
    let inventory = Inventory {
        license: Some(record.settings.license),
        ..world.inventory().clone()
    };
    let mut body = serde_json::to_value(&case.question).map_err(own)?;
    if let Value::Object(fields) = &mut body {
        // Without a user the server would take the caller; nobody is written as null.
        fields.entry("user").or_insert(Value::Null);
        fields.insert("inventory".to_owned(), json!(inventory));
    }
    Ok(body)
}

/// Constraints name collections by id: those of the server become those of the case file.
fn translate(answer: &mut Answer, standing: &Standing, world: &World) {
    if let Some(constraint) = &mut answer.constraint {
        for (id, path) in &standing.paths {
            let known = path.parse().ok();
            let known = known.and_then(|path| world.policy().collection_by_path(&path));
            if let Some(known) = known {
                let (from, to) = (format!(".{id}"), format!(".{}", known.id));
                for comparison in ["==", "!="] {
                    *constraint =
                        constraint.replace(&format!("{from}{comparison}"), &format!("{to}{comparison}"));
                }
            }
        }
    }
    if let Some(visible) = &mut answer.visible {
        let spare = format!("/Shared/Private/{SPARE_ADMINISTRATOR}");
        visible.retain(|path| *path != spare);
    }
}
