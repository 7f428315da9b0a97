//! `mke._native.client`: the HTTP API of a control plane from outside.
//!
//! One connection sends requests, in both forms; what the endpoints mean is said in Python, once for both.

mod answer;
mod bundle;
mod connection;
mod contexts;

pub(crate) use bundle::Bundle;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use mke_client::{ClientError, Refusal};

use crate::convert::to_python;
use crate::errors::raise_as;

/// Adds the classes and functions.
pub(crate) fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<answer::Answer>()?;
    module.add_class::<bundle::Bundle>()?;
    module.add_class::<connection::Connection>()?;
    module.add_class::<contexts::Context>()?;
    module.add_function(wrap_pyfunction!(connection::authority, module)?)?;
    module.add_function(wrap_pyfunction!(connection::authority_async, module)?)?;
    module.add_function(wrap_pyfunction!(contexts::contexts, module)?)?;
    module.add_function(wrap_pyfunction!(connection::escape, module)?)
}

/// The exception for an error: one class for each answer that programs handle in another way.
pub(crate) fn raised(error: ClientError) -> PyErr {
    let class = match &error {
        ClientError::Api(refusal) => match refusal.status {
            400 | 413 => "BadRequestError",
            401 => "UnauthenticatedError",
            403 => "ForbiddenError",
            404 => "NotFoundError",
            409 | 412 => "ConflictError",
            429 => "TooManyRequestsError",
            500.. => "ServerError",
            _ => "ApiError",
        },
        ClientError::Unreachable { .. } => "UnreachableError",
        ClientError::TimedOut { .. } => "RequestTimeoutError",
        ClientError::NotLoggedIn | ClientError::NoAuthority | ClientError::NoHome => "NotLoggedInError",
        ClientError::NoSuchContext { .. } => "NoSuchContextError",
        ClientError::Fingerprint { .. } | ClientError::Authority { .. } => "UntrustedError",
        ClientError::BadAnswer { .. } => "BadAnswerError",
        ClientError::Url { .. }
        | ClientError::Path { .. }
        | ClientError::Certificate { .. }
        | ClientError::Tls { .. }
        | ClientError::DamagedContexts { .. }
        | ClientError::Bundle { .. }
        | ClientError::NotEmpty { .. }
        | ClientError::File { .. } => "ClientError",
    };
    raise_as(&error, class)
}

/// What programs read of an error besides its text.
pub(crate) fn fields(error: &ClientError, into: &Bound<'_, PyDict>) -> PyResult<()> {
    match error {
        ClientError::Api(refusal) => {
            let Refusal {
                method,
                path,
                status,
                code,
                message,
                detail,
                retry_after,
            } = &**refusal;
            into.set_item("method", method)?;
            into.set_item("path", path)?;
            into.set_item("status", status)?;
            into.set_item("code", code)?;
            into.set_item("message", message)?;
            into.set_item("detail", to_python(into.py(), detail)?)?;
            into.set_item("retry_after", retry_after.map(|wait| wait.as_secs_f64()))
        }
        ClientError::Unreachable { url, source } => {
            into.set_item("url", url)?;
            into.set_item("reason", chain(source))
        }
        ClientError::TimedOut {
            url, method, path, ..
        } => {
            into.set_item("url", url)?;
            into.set_item("method", method)?;
            into.set_item("path", path)
        }
        ClientError::BadAnswer { path, reason }
        | ClientError::Bundle { path, reason }
        | ClientError::DamagedContexts { path, reason } => {
            into.set_item("path", path)?;
            into.set_item("reason", reason)
        }
        ClientError::File { path, source, .. } => {
            into.set_item("path", path)?;
            into.set_item("reason", source.to_string())
        }
        ClientError::Url { url, .. } => into.set_item("url", url),
        ClientError::Path { path } | ClientError::NotEmpty { path } => into.set_item("path", path),
        ClientError::NoSuchContext { name } => into.set_item("name", name),
        ClientError::Fingerprint { found } => into.set_item("found", found),
        ClientError::Authority { reason }
        | ClientError::Certificate { reason }
        | ClientError::Tls { reason } => into.set_item("reason", reason),
        ClientError::NotLoggedIn | ClientError::NoAuthority | ClientError::NoHome => Ok(()),
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(&format!(": {source}"));
        cause = source.source();
    }
    text
}
