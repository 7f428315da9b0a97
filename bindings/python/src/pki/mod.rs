//! `mke.pki`: authorities, certificates, keys, signing requests and client bundles, without a server.

mod authority;
mod bundle;
mod certificate;
mod input;
mod key;
mod trust;
mod verify;

use pyo3::prelude::*;

/// The classes and functions of the module.
pub(crate) fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<authority::Authority>()?;
    module.add_class::<certificate::Certificate>()?;
    module.add_class::<key::PrivateKey>()?;
    module.add_class::<key::PublicKey>()?;
    module.add_class::<key::SigningRequest>()?;
    module.add_class::<trust::TrustSet>()?;
    module.add_function(wrap_pyfunction!(bundle::make_bundle, module)?)?;
    module.add_function(wrap_pyfunction!(bundle::open_bundle, module)?)?;
    module.add_function(wrap_pyfunction!(certificate::certificates, module)?)?;
    module.add_function(wrap_pyfunction!(verify::verify_client, module)?)?;
    module.add_function(wrap_pyfunction!(verify::verify_server, module)?)
}
