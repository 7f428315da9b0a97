//! `mke.identity`: accounts, and where they come from: LDAP, SAML, SCIM; and the second factor.

mod fetched;
mod ldap;
mod moment;
mod names;
mod saml;
mod saml_keys;
mod scim;
mod settings;
mod store;
mod totp;

use pyo3::prelude::*;

/// The classes and functions of the module.
pub(crate) fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<fetched::LdapFetched>()?;
    module.add_class::<fetched::LdapPlan>()?;
    module.add_class::<ldap::LdapSync>()?;
    module.add_class::<names::Dn>()?;
    module.add_class::<names::LdapFilter>()?;
    module.add_class::<saml::SamlProof>()?;
    module.add_class::<saml::SamlRequest>()?;
    module.add_class::<saml_keys::IdentityProvider>()?;
    module.add_class::<saml_keys::SamlKey>()?;
    module.add_class::<saml_keys::ServiceProvider>()?;
    module.add_class::<scim::AsyncScimService>()?;
    module.add_class::<scim::ScimResponse>()?;
    module.add_class::<scim::ScimService>()?;
    module.add_class::<settings::LdapSettings>()?;
    module.add_class::<store::AccountStore>()?;
    module.add_class::<totp::TotpSeed>()?;
    module.add_function(wrap_pyfunction!(ldap::ldap_fetch, module)?)?;
    module.add_function(wrap_pyfunction!(ldap::ldap_fetch_async, module)?)?;
    module.add_function(wrap_pyfunction!(ldap::ldap_sync, module)?)?;
    module.add_function(wrap_pyfunction!(ldap::ldap_sync_async, module)?)?;
    module.add_function(wrap_pyfunction!(ldap::ldap_test_login, module)?)?;
    module.add_function(wrap_pyfunction!(ldap::ldap_test_login_async, module)?)?;
    module.add_function(wrap_pyfunction!(names::account_name, module)?)?;
    module.add_function(wrap_pyfunction!(names::escape_dn_value, module)?)?;
    module.add_function(wrap_pyfunction!(names::escape_filter_value, module)?)?;
    module.add_function(wrap_pyfunction!(saml::begin_login, module)?)?;
    module.add_function(wrap_pyfunction!(saml::safe_relay, module)?)?;
    module.add_function(wrap_pyfunction!(saml::saml_request_id, module)?)?;
    module.add_function(wrap_pyfunction!(saml::verify_response, module)?)?;
    module.add_function(wrap_pyfunction!(scim::scim_matches, module)?)?;
    module.add_function(wrap_pyfunction!(scim::scim_patched, module)?)
}
