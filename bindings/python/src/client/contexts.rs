//! The contexts that `ucp login` keeps. Tokens are not shown.

use mke_client::ContextFile;
use pyo3::prelude::*;

use super::raised;

/// A control plane that somebody is logged in to.
#[pyclass(module = "mke.client", frozen, get_all, eq, hash)]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Context {
    /// Its name, for `Client.from_context`.
    name: String,
    /// Where the control plane is.
    url: String,
    /// Who is logged in.
    username: String,
    /// Whether it is the one in use.
    current: bool,
    /// Whether the server's certificate is verified.
    verified: bool,
}

#[pymethods]
impl Context {
    fn __repr__(&self) -> String {
        let Self {
            name, url, username, ..
        } = self;
        format!("<Context {name}: {username} at {url}>")
    }
}

/// The contexts in the user's file, by name.
#[pyfunction]
pub(super) fn contexts() -> PyResult<Vec<Context>> {
    let kept = ContextFile::locate()
        .and_then(|file| file.read())
        .map_err(raised)?;
    let current = kept.current;
    Ok(kept
        .contexts
        .into_iter()
        .map(|(name, context)| Context {
            current: current.as_ref() == Some(&name),
            name,
            url: context.url,
            username: context.username,
            verified: !context.insecure,
        })
        .collect())
}
