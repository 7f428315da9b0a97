//! `/api/ucp/config-toml` and `/api/ucp/config/logging`.

use http::StatusCode;
use mke_core::config::{AuditLevel, Config};
use mke_core::store::{Compare, Entry, KeyRange, Txn, TxnOutcome, layout};
use serde_json::json;

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};
use crate::controller::records::{ConfigRecord, decode, encode};

/// How often a change is tried again when others change the configuration too.
const ATTEMPTS: usize = 8;

/// The whole configuration as text.
pub(super) async fn show_toml(call: Call) -> Result<Response, ApiError> {
    Ok(body::bytes(
        StatusCode::OK,
        "application/toml",
        call.snapshot.config.to_toml(),
    ))
}

/// Replaces the configuration. All problems are reported at once and nothing is changed then.
pub(super) async fn replace_toml(call: Call) -> Result<Response, ApiError> {
    let text = std::str::from_utf8(&call.body)
        .map_err(|_| ApiError::malformed("the configuration must be UTF-8 text"))?;
    if text.trim().is_empty() {
        return Err(ApiError::malformed(
            "the configuration is empty, send the whole file",
        ));
    }
    let config = Config::parse(text)?;
    if config.auth.backend != "managed" {
        return Err(ApiError::malformed(
            "`auth.backend`: this version checks passwords of accounts managed here only, use `managed`",
        ));
    }
    change(&call, |_| Ok(config.clone())).await?;
    Ok(done())
}

/// What is logged and audited.
pub(super) async fn show_logging(call: Call) -> Result<Response, ApiError> {
    let config = &call.snapshot.config;
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "logLevel": config.log.level,
            "auditLevel": config.audit_log.level.as_str(),
            "supportDumpIncludeAuditLogs": config.audit_log.support_dump_include_audit_logs,
        }),
    ))
}

/// Changes what is logged and audited; keys that are absent stay as they are.
pub(super) async fn change_logging(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let level = fields.text("auditLevel")?.map(|text| {
        AuditLevel::from_text(text)
            .ok_or_else(|| ApiError::malformed("`auditLevel` must be ``, `metadata` or `request`"))
    });
    let level = level.transpose()?;
    let include = fields.flag("supportDumpIncludeAuditLogs")?;
    let log_level = fields.text("logLevel")?.filter(|text| !text.is_empty());
    change(&call, |current| {
        let mut config = current.clone();
        if let Some(level) = level {
            config.audit_log.level = level;
        }
        if let Some(include) = include {
            config.audit_log.support_dump_include_audit_logs = include;
        }
        if let Some(log_level) = log_level {
            config.log.level = log_level.to_owned();
        }
        // Written and read again, the new level passes the same rules as in a file.
        Ok(Config::parse(&config.to_toml())?)
    })
    .await?;
    Ok(done())
}

fn done() -> Response {
    body::json(StatusCode::OK, &json!({ "message": "Configuration updated." }))
}

/// Applies a change to the stored configuration and waits until it is in force.
async fn change(call: &Call, next: impl Fn(&Config) -> Result<Config, ApiError>) -> Result<(), ApiError> {
    let store = &call.state.store;
    for _ in 0..ATTEMPTS {
        let page = store.range(KeyRange::key(layout::CONFIG), 1).await?;
        let entry: Option<&Entry> = page.entries.first();
        let current = entry.map(decode::<ConfigRecord>).transpose()?;
        let compare = match entry {
            Some(entry) => Compare::Modified(entry.key.clone(), entry.modified),
            None => Compare::Absent(layout::CONFIG.to_owned()),
        };
        let config = next(&current.map(|record| record.config).unwrap_or_default())?;
        let txn = Txn::new()
            .when(compare)
            .put(layout::CONFIG, encode(&ConfigRecord { config })?);
        if let TxnOutcome::Committed(revision) = store.txn(txn).await? {
            return call.state.wait_for(revision).await;
        }
    }
    Err(ApiError::new(
        Kind::Conflict,
        "others are changing the configuration, try again",
    ))
}
