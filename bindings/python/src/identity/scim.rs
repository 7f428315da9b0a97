//! The SCIM 2.0 service over an embedded store, and its filters and changes tried on resources at hand.

use std::collections::BTreeMap;

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mke_auth::scim::{self, MEDIA_TYPE, Method, Request, ResourceType, Response, Scim};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::store::{AccountStore, Shared};
use crate::convert::{from_python, to_python};
use crate::errors::{OrRaise as _, invalid};
use crate::runtime::{promise, wait};

/// A request of which nothing is borrowed.
struct Asked {
    method: Method,
    path: Vec<String>,
    query: Vec<(String, String)>,
    content_type: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    body: Vec<u8>,
}

impl Asked {
    fn new(
        (method, path): (&str, &str),
        body: Option<&Bound<'_, PyAny>>,
        query: Option<BTreeMap<String, String>>,
        content_type: Option<String>,
        (if_match, if_none_match): (Option<String>, Option<String>),
    ) -> PyResult<Self> {
        let body = body.map(bytes).transpose()?;
        Ok(Self {
            method: Method::of(method),
            path: path
                .split('/')
                .filter(|element| !element.is_empty())
                .map(str::to_owned)
                .collect(),
            query: query.unwrap_or_default().into_iter().collect(),
            content_type: content_type.or_else(|| body.is_some().then(|| MEDIA_TYPE.to_owned())),
            if_match,
            if_none_match,
            body: body.unwrap_or_default(),
        })
    }

    async fn answer(self, shared: Shared, base: String) -> PyResult<ScimResponse> {
        let directory = shared.directory().await.or_raise()?;
        let request = Request {
            method: self.method,
            path: &self.path,
            query: &self.query,
            content_type: self.content_type.as_deref(),
            content_encoding: None,
            if_match: self.if_match.as_deref(),
            if_none_match: self.if_none_match.as_deref(),
            body: &self.body,
            base: &base,
        };
        let service = Scim::new(shared.accounts.clone());
        let response = service.handle(&directory, &request, &mut UnwrapErr(SysRng)).await;
        Ok(ScimResponse(response))
    }
}

/// A body: text and bytes as they are, anything else as JSON.
fn bytes(body: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = body.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    if let Ok(text) = body.cast::<PyString>() {
        return Ok(text.to_cow()?.into_owned().into_bytes());
    }
    let value: serde_json::Value = from_python("body", body)?;
    serde_json::to_vec(&value).map_err(|error| invalid("body", &error.to_string()))
}

/// The answer to a request. It is true when the request was done.
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct ScimResponse(Response);

#[pymethods]
impl ScimResponse {
    /// The HTTP status.
    #[getter]
    fn status(&self) -> u16 {
        self.0.status
    }

    /// The body as plain data; `None` for none at all.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.body)
    }

    /// The headers that the answer has: `Content-Type`, `Location`, `ETag`, `Allow`.
    #[getter]
    fn headers(&self) -> BTreeMap<&'static str, String> {
        let all = [
            (
                "Content-Type",
                self.0.body.as_ref().map(|_| MEDIA_TYPE.to_owned()),
            ),
            ("Location", self.0.location.clone()),
            ("ETag", self.0.etag.clone()),
            ("Allow", self.0.allow.map(str::to_owned)),
        ];
        let there = all.into_iter().filter_map(|(name, value)| Some((name, value?)));
        there.collect()
    }

    /// The ids of what was made, changed or deleted.
    #[getter]
    fn changed(&self) -> Vec<String> {
        self.0.changed.clone()
    }

    fn __bool__(&self) -> bool {
        (200..400).contains(&self.0.status)
    }

    fn __repr__(&self) -> String {
        format!("<ScimResponse {}>", self.0.status)
    }
}

/// The SCIM 2.0 service (RFC 7644) over an embedded store, without any server: for tests of clients, and to mount in a server of your
/// own, which has checked the token. `base` is the URL of the service as clients reach it.
///
///     >>> service = mke.identity.ScimService(mke.identity.AccountStore())
///     >>> made = service.handle("POST", "/Users", {
///     ...     "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
///     ...     "userName": "jane", "emails": [{"value": "jane@example.com"}]})
///     >>> made.status, made.body["userName"]
///     (201, 'jane')
///     >>> service.handle("GET", "/Users", query={"filter": 'userName eq "jane"'}).body["totalResults"]
///     1
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct ScimService {
    shared: Shared,
    base: String,
}

#[pymethods]
impl ScimService {
    #[new]
    #[pyo3(signature = (store, *, base="https://localhost/enzi/v0/scim/v2"))]
    fn new(store: &Bound<'_, AccountStore>, base: &str) -> PyResult<Self> {
        Ok(Self {
            shared: store.get().open()?,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// Answers a request. `path` is the decoded path below the base, `query` its decoded parameters, `body` is plain data, text or bytes.
    /// A request that cannot be done is an answer too, and raises nothing.
    #[pyo3(signature = (method, path, body=None, *, query=None, content_type=None, if_match=None, if_none_match=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn handle(
        &self,
        py: Python<'_>,
        method: &str,
        path: &str,
        body: Option<&Bound<'_, PyAny>>,
        query: Option<BTreeMap<String, String>>,
        content_type: Option<String>,
        if_match: Option<String>,
        if_none_match: Option<String>,
    ) -> PyResult<ScimResponse> {
        let asked = Asked::new(
            (method, path),
            body,
            query,
            content_type,
            (if_match, if_none_match),
        )?;
        wait(py, asked.answer(self.shared.here()?, self.base.clone()))
    }

    fn __repr__(&self) -> String {
        format!("<ScimService at {}>", self.base)
    }
}

/// The asynchronous form of `ScimService`.
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct AsyncScimService {
    shared: Shared,
    base: String,
}

#[pymethods]
impl AsyncScimService {
    #[new]
    #[pyo3(signature = (store, *, base="https://localhost/enzi/v0/scim/v2"))]
    fn new(store: &Bound<'_, AccountStore>, base: &str) -> PyResult<Self> {
        Ok(Self {
            shared: store.get().open()?,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// Answers a request. `path` is the decoded path below the base, `query` its decoded parameters, `body` is plain data, text or bytes.
    /// A request that cannot be done is an answer too, and raises nothing.
    #[pyo3(signature = (method, path, body=None, *, query=None, content_type=None, if_match=None, if_none_match=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn handle<'py>(
        &self,
        py: Python<'py>,
        method: &str,
        path: &str,
        body: Option<&Bound<'py, PyAny>>,
        query: Option<BTreeMap<String, String>>,
        content_type: Option<String>,
        if_match: Option<String>,
        if_none_match: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = Asked::new(
            (method, path),
            body,
            query,
            content_type,
            (if_match, if_none_match),
        )?;
        promise(py, asked.answer(self.shared.here()?, self.base.clone()))
    }

    fn __repr__(&self) -> String {
        format!("<AsyncScimService at {}>", self.base)
    }
}

fn kind(name: &str) -> PyResult<ResourceType> {
    match name {
        "User" => Ok(ResourceType::User),
        "Group" => Ok(ResourceType::Group),
        other => Err(invalid(
            "resource_type",
            &format!("`User` or `Group` is needed, not `{other}`"),
        )),
    }
}

/// Whether a resource (`"User"` or `"Group"`, as plain data) passes a SCIM filter. `ScimError` as a client would get it.
///
///     >>> mke.identity.scim_matches("User", 'userName sw "JA"', {"userName": "jane"})
///     True
#[pyfunction]
pub(super) fn scim_matches(resource_type: &str, filter: &str, resource: &Bound<'_, PyAny>) -> PyResult<bool> {
    scim::matches(kind(resource_type)?, filter, &bytes(resource)?).or_raise()
}

/// What the body of a PATCH would make of a resource. `ScimError` as a client would get it.
///
///     >>> patch = {"Operations": [{"op": "replace", "path": "displayName", "value": "ops"}]}
///     >>> mke.identity.scim_patched("Group", {"displayName": "dev"}, patch)
///     {'displayName': 'ops'}
#[pyfunction]
pub(super) fn scim_patched<'py>(
    py: Python<'py>,
    resource_type: &str,
    resource: &Bound<'py, PyAny>,
    patch: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let patched = scim::patched(kind(resource_type)?, &bytes(resource)?, &bytes(patch)?);
    to_python(py, &patched.or_raise()?)
}
