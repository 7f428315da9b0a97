//! The configuration over HTTP: the whole file, its parts and its history, for administrators.
//!
//! Every change goes through [`Configuration`](crate::controller::configuration::Configuration) and is answered alike:
//! `message`, the version in force, what became different with its effect, and warnings. All take `why`, a reason for
//! the history, `dry-run=true`, which tells what would happen and changes nothing, and `If-Match`.

mod directory;
mod file;
mod history;
mod license;
mod parts;

pub(super) use directory::{replace as replace_ldap, show as show_ldap};
pub(super) use file::{replace as replace_toml, show as show_toml};
pub(super) use history::{drift, list as list_history, roll_back, show as show_version};
pub(super) use license::{show as show_license, store as store_license};
pub(super) use parts::{
    change_kubernetes, change_logging, change_registries, change_scheduling, show_kubernetes, show_logging,
    show_registries, show_scheduling,
};

use http::{HeaderValue, StatusCode, header};
use mke_core::config::{Config, Impact, without_effect};
use serde_json::{Value, json};

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::configuration::{Applied, Author, ChangeError, ChangeRequest, Expected, Version};
use crate::controller::error::ApiError;

impl Call {
    /// Who wants a change of the configuration, why, and on which base: query parameters `why` and `dry-run`, header
    /// `If-Match`. `why` says what is written into the history when the caller gives no reason.
    pub(super) fn change_request(&self, why: &str) -> Result<ChangeRequest, ApiError> {
        let expected = match self.headers.get(header::IF_MATCH) {
            Some(value) => if_match(value)?,
            None => Expected::Any,
        };
        Ok(ChangeRequest {
            by: Author::from(self.identity()?),
            why: self.query("why")?.unwrap_or(why).to_owned(),
            expected,
            dry_run: self.flag("dry-run")?,
        })
    }

    /// As [`Self::change_request`], for a change that replaces everything: of two that overlap one wins.
    fn replacement(&self, why: &str) -> Result<ChangeRequest, ApiError> {
        let mut request = self.change_request(why)?;
        if request.expected == Expected::Any && !self.headers.contains_key(header::IF_MATCH) {
            request.expected = Expected::AsAtBegin {
                version: self.snapshot.in_force.version,
                begun: self.received,
            };
        }
        Ok(request)
    }

    /// A query parameter that is true or false; absent is false.
    fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.query(name)? {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(ApiError::malformed(format!(
                "query parameter `{name}` must be `true` or `false`"
            ))),
        }
    }
}

/// `If-Match` (RFC 9110, section 13.1.1): a version as `ETag` gave it, or `*` for any.
fn if_match(value: &HeaderValue) -> Result<Expected, ApiError> {
    let malformed = || ApiError::malformed("`If-Match` must hold one version as `ETag` gave it, or `*`");
    let text = value.to_str().map_err(|_| malformed())?.trim();
    if text == "*" {
        return Ok(Expected::Any);
    }
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let version = text.and_then(|text| text.parse().ok()).ok_or_else(malformed)?;
    Ok(Expected::Version(version))
}

/// The version as an entity tag.
fn entity_tag(version: Version) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(&format!("\"{version}\"")).map_err(ApiError::internal)
}

/// The answer to a change. `message` is what clients of every version read.
pub(super) fn applied(call: &Call, applied: &Applied, message: &str) -> Result<Response, ApiError> {
    note(call, applied);
    let impact = Impact::of(&applied.differences);
    let message = if applied.dry_run && !impact.refused.is_empty() {
        "This change would be refused: it changes what cannot be changed any more.".to_owned()
    } else if applied.dry_run {
        format!("Nothing was changed. The change would touch: {impact}.")
    } else {
        message.to_owned()
    };
    let answer = json!({
        "message": message,
        "version": applied.version,
        "changed": applied.changed,
        "dryRun": applied.dry_run,
        "differences": applied.differences,
        "impact": impact,
        "warnings": warnings(applied),
    });
    let mut response = body::json(StatusCode::OK, &answer);
    response
        .headers_mut()
        .insert(header::ETAG, entity_tag(applied.version)?);
    Ok(response)
}

/// Changes one part of the configuration and answers that part as it is then, or what a dry run would do. `why` is as
/// for [`Call::change_request`].
pub(super) async fn change_part(
    call: &Call,
    why: &str,
    edit: impl Fn(&mut Config) -> Result<(), ChangeError>,
    shape: impl FnOnce(&Config) -> Value,
) -> Result<Response, ApiError> {
    let request = call.change_request(why)?;
    let done = call.state.configuration.change(&request, edit).await?;
    if done.dry_run {
        return applied(call, &done, "");
    }
    note(call, &done);
    let answer = shape(&call.state.snapshot().config);
    Ok(body::json(StatusCode::OK, &answer))
}

/// Names the new version in the audit record.
fn note(call: &Call, applied: &Applied) {
    if applied.changed && !applied.dry_run {
        call.notes.object_id(format!("config-{}", applied.version));
    }
}

/// What whoever made the change should know beyond its effects.
fn warnings(applied: &Applied) -> Vec<String> {
    let unknown = applied
        .unknown
        .iter()
        .map(|key| format!("`{key}` is not known to this version, it is kept as it is"));
    let waiting = without_effect(&applied.differences)
        .into_iter()
        .map(|key| format!("`{key}` is kept, but nothing in this installation acts on it yet"));
    unknown.chain(waiting).collect()
}
