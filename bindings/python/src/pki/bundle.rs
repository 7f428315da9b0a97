//! Client bundles without a server.

use std::path::PathBuf;
use std::time::SystemTime;

use mke_auth::bundle::{self, Place};
use mke_core::names::AccountName;
use pyo3::prelude::*;

use super::authority::Authority;
use super::input::{moment, read, rng};
use crate::client::{Bundle, raised};
use crate::errors::OrRaise as _;

/// Makes a client bundle with an authority at hand: a key, a certificate for five years, and what `docker` and `kubectl` need besides.
///
/// The certificate opens nothing until the control plane knows its key: register `Bundle.public_key` for the user.
///
/// Args:
///     authority: the client authority of the control plane.
///     user: the name of the account.
///     server_ca: what verifies the server's certificate, PEM.
///     host: the name or address of the control plane.
///     port: its port.
///     kube_port: the port of the Kubernetes API.
///     cluster_id: the id of the cluster.
///     kubernetes: whether the Kubernetes API runs there.
///     at: from when it is valid, a `datetime` with a time zone; now by default.
///
/// Raises:
///     mke.errors.BundlePlaceError: host, port or id cannot stand in a bundle.
///     mke.errors.InvalidNameError: the user cannot have this name.
///
///     >>> authority = mke.pki.Authority.create("client", "test")
///     >>> bundle = mke.pki.make_bundle(
///     ...     authority, "ada", server_ca=authority.certificate.pem, host="ucp.example.com", cluster_id="test"
///     ... )
///     >>> bundle.url
///     'https://ucp.example.com:443'
///     >>> bundle.save("ada.zip")
///     >>> mke.pki.open_bundle("ada.zip").public_key == bundle.public_key
///     True
#[pyfunction]
#[pyo3(signature = (
    authority, user, *, server_ca, host, cluster_id, port = 443, kube_port = 6443, kubernetes = true, at = None
))]
#[expect(clippy::too_many_arguments, reason = "each is a keyword in Python")]
pub(super) fn make_bundle(
    py: Python<'_>,
    authority: &Authority,
    user: &str,
    server_ca: &str,
    host: &str,
    cluster_id: &str,
    port: u16,
    kube_port: u16,
    kubernetes: bool,
    at: Option<SystemTime>,
) -> PyResult<Bundle> {
    let place = Place::new(host, port, kube_port, cluster_id, kubernetes).or_raise()?;
    let user: AccountName = user.parse().or_raise()?;
    let issued = py
        .detach(|| bundle::issue(&authority.0, server_ca, &place, &user, moment(at), &mut rng()))
        .or_raise()?;
    Bundle::of("the bundle", issued.into_zip())
}

/// Reads a client bundle: its archive, or a directory into which it was unpacked.
///
/// Of a directory `Bundle.zip` is an archive with the files that lie in it. `mke.client.Client.from_bundle` takes both by their path as
/// well.
///
/// Raises:
///     OSError: the file cannot be read.
///     mke.errors.ClientError: it is no bundle, has names that lead elsewhere, or the directory cannot be read (kind `File`).
#[pyfunction]
pub(super) fn open_bundle(py: Python<'_>, path: PathBuf) -> PyResult<Bundle> {
    let zip = match py.detach(|| path.is_dir()) {
        true => py.detach(|| mke_client::bundle::pack(&path)).map_err(raised)?,
        false => read(py, &path)?,
    };
    Bundle::of(&path.display().to_string(), zip)
}
