//! SAML 2.0, the side of the service provider: asking, and judging the answer.

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mke_auth::saml::request::{Begun, begin, request_id};
use mke_auth::saml::{self, Proven, accept};
use pyo3::prelude::*;

use super::moment::{Moment, or_now};
use super::saml_keys::{IdentityProvider, SamlKey, ServiceProvider};
use crate::config::Secret;
use crate::convert::to_python;
use crate::errors::OrRaise as _;

/// A login that was begun.
#[pyclass(module = "mke.identity", frozen, skip_from_py_object)]
pub(crate) struct SamlRequest(Begun);

#[pymethods]
impl SamlRequest {
    /// Where the browser goes, with the signed request in it.
    #[getter]
    fn address(&self) -> &str {
        &self.0.address
    }

    /// What the browser keeps in a cookie until it comes back; `saml_request_id` of it is `id`.
    #[getter]
    fn secret(&self) -> Secret {
        Secret(self.0.secret.clone())
    }

    /// The id of the request, which the answer must name.
    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }

    fn __repr__(&self) -> String {
        format!("<SamlRequest {}>", self.0.id)
    }
}

/// Begins a login: a signed request to the provider. `relay` is where the person goes afterwards.
///
/// Raises `SamlKeyError` when the key cannot sign.
#[pyfunction]
#[pyo3(signature = (provider, service_provider, key, *, relay=None, at=None))]
pub(super) fn begin_login(
    provider: &Bound<'_, IdentityProvider>,
    service_provider: &Bound<'_, ServiceProvider>,
    key: &Bound<'_, SamlKey>,
    relay: Option<&str>,
    at: Option<Moment>,
) -> PyResult<SamlRequest> {
    let begun = begin(
        &provider.get().0,
        &service_provider.get().0,
        relay,
        &key.get().key,
        or_now(at),
        &mut UnwrapErr(SysRng),
    );
    begun.or_raise().map(SamlRequest)
}

/// The id of the request that belongs to the secret of a browser; `None` for what is no secret.
#[pyfunction]
pub(super) fn saml_request_id(secret: &str) -> Option<String> {
    request_id(secret)
}

/// What a response has proved. It exists only when every check has passed.
///
/// Whoever lets somebody in for it must still take care that `assertion_id` and `in_response_to` are used once only, until
/// `usable_until`.
#[pyclass(module = "mke.identity", frozen, eq, skip_from_py_object)]
#[derive(PartialEq)]
pub(crate) struct SamlProof(Proven);

#[pymethods]
impl SamlProof {
    /// Who it is, as the provider calls the person.
    #[getter]
    fn name(&self) -> &str {
        &self.0.name_id.value
    }

    /// The name with the attributes that a logout request must repeat, as plain data.
    #[getter]
    fn name_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_python(py, &self.0.name_id)
    }

    /// The name for people, where it was given.
    #[getter]
    fn full_name(&self) -> Option<&str> {
        self.0.person.full_name.as_deref()
    }

    /// The person's groups.
    #[getter]
    fn groups(&self) -> Vec<String> {
        self.0.person.groups.clone()
    }

    /// Whether the provider makes the person an administrator.
    #[getter]
    fn is_admin(&self) -> bool {
        self.0.person.is_admin
    }

    /// The provider's session, for logging out there.
    #[getter]
    fn session_index(&self) -> Option<&str> {
        self.0.session_index.as_deref()
    }

    /// The assertion's own id.
    #[getter]
    fn assertion_id(&self) -> &str {
        &self.0.assertion_id
    }

    /// The request that it answers.
    #[getter]
    fn in_response_to(&self) -> &str {
        &self.0.in_response_to
    }

    /// After this moment (RFC 3339) the same assertion would be refused anyway.
    #[getter]
    fn usable_until(&self) -> String {
        self.0.usable_until.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<SamlProof of {}>", self.0.name_id.value)
    }
}

/// Judges the form field `SAMLResponse` (base64) with every check of the control plane: signature, issuer, audience, destination, times,
/// the request that it answers. `requests` are the ids of the requests that this browser made and that are not answered yet.
///
/// Raises `SamlRefusedError`; its kind says which check failed. The text is for logs: whoever sent the response learns only that it was
/// refused.
#[pyfunction]
#[pyo3(signature = (response, provider, service_provider, *, requests, at=None))]
pub(super) fn verify_response(
    py: Python<'_>,
    response: &str,
    provider: &Bound<'_, IdentityProvider>,
    service_provider: &Bound<'_, ServiceProvider>,
    requests: Vec<String>,
    at: Option<Moment>,
) -> PyResult<SamlProof> {
    let (provider, me, now) = (&provider.get().0, &service_provider.get().0, or_now(at));
    let proven = py.detach(|| accept(response, provider, me, &requests, now));
    proven.or_raise().map(SamlProof)
}

/// Where to go after a login: a path of the cluster's own, or `/`.
///
///     >>> mke.identity.safe_relay("//evil.example.com"), mke.identity.safe_relay("/manage")
///     ('/', '/manage')
#[pyfunction]
pub(super) fn safe_relay(relay: &str) -> &str {
    saml::safe_relay(relay)
}
