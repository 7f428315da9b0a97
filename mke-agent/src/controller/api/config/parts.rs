//! `/api/ucp/config/…`: parts of the configuration as JSON. Keys that a body does not name stay as they are.

use http::StatusCode;
use mke_core::config::AuditLevel;
use serde_json::json;

use super::{Call, applied};
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;

/// What is logged and audited.
pub(in super::super) async fn show_logging(call: Call) -> Result<Response, ApiError> {
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

/// Changes what is logged and audited.
pub(in super::super) async fn change_logging(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let level = fields.text("auditLevel")?.map(|text| {
        AuditLevel::from_text(text)
            .ok_or_else(|| ApiError::malformed("`auditLevel` must be ``, `metadata` or `request`"))
    });
    let level = level.transpose()?;
    let include = fields.flag("supportDumpIncludeAuditLogs")?;
    let log_level = fields.text("logLevel")?.filter(|text| !text.is_empty());
    let request = call.change_request("the logging settings were changed")?;
    let done = call
        .state
        .configuration
        .change(&request, |config| {
            if let Some(level) = level {
                config.audit_log.level = level;
            }
            if let Some(include) = include {
                config.audit_log.support_dump_include_audit_logs = include;
            }
            if let Some(log_level) = log_level {
                config.log.level = log_level.to_owned();
            }
            Ok(())
        })
        .await?;
    applied(&call, &done, "Configuration updated.")
}
