//! Every error of the libraries with its exception: those of each library in a file of their own, here those whose fields need more
//! than their names.
//!
//! A test compares the lists with the public errors in the source of the libraries, so that a new one is not forgotten.

use mke_core::config;
use mke_rbac::admin::RoleRefusal;
use mke_rbac::admission;
use mke_rbac::inquiry::InquiryError;
use mke_rbac::kubernetes::ManifestError;
use mke_rbac::state::StateError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{Raised, of_agent, of_auth, of_core, of_net, of_rbac};

/// Says for each error its class in `mke.errors`, its kinds, and its fields where it has any besides the text.
macro_rules! raised {
    ($($error:ty => $class:literal { $($kind:ident),* $(,)? } $(with $fields:path)?;)*) => {
        $(impl Raised for $error {
            const CLASS: &'static str = $class;

            fn kind(&self) -> &'static str {
                raised!(@kind self $($kind)*)
            }

            fn text(&self) -> String {
                mke_core::causes::chain(self)
            }

            $(fn fields(&self, into: &Bound<'_, PyDict>) -> PyResult<()> {
                $fields(self, into)
            })?
        })*

        /// The error's type in Rust, its class and its kinds.
        const TABLE: &[(&str, &str, &[&str])] = &[
            $((stringify!($error), $class, &[$(stringify!($kind)),*]),)*
        ];
    };
    // A struct has one kind, which is written as the name of the type.
    (@kind $self:ident $only:ident) => {{
        let _: &Self = $self;
        stringify!($only)
    }};
    (@kind $self:ident $($kind:ident)*) => {
        match $self { $(Self::$kind { .. } => stringify!($kind),)* }
    };
}

raised! {
    admission::ClusterProblems => "AdmissionClusterError" { ClusterProblems } with crate::admission::cluster_fields;
    admission::ManifestsError => "AdmissionManifestsError" { TooLarge, Syntax, Shape, Unnamed };
    admission::SettingsProblems => "AdmissionSettingsError" { SettingsProblems } with crate::admission::settings_fields;
    admission::Unreadable => "UnreadableObjectError" { Unreadable } with crate::admission::unreadable_fields;
    mke_client::ClientError => "ClientError" {
        Url, Path, Authority, Fingerprint, Certificate, Tls, NotLoggedIn, NoAuthority, NoSuchContext, NoHome, DamagedContexts,
        Bundle, Api, Unreachable, TimedOut, BadAnswer, NotEmpty, File,
    } with crate::client::fields;
    config::EditError => "ConfigEditError" { NotATable, NoSuchRow, NotAKey, Broken };
    config::PathError => "ConfigPathError" { PathError };
    config::Problems => "ConfigError" { Problems } with crate::config::problems;
    config::UnknownKey => "UnknownKeyError" { UnknownKey } with unknown_key;
    InquiryError => "InquiryError" { Field, Form, Unknown, Request } with crate::rbac::inquiry_fields;
    ManifestError => "ManifestError" { ManifestError } with crate::rbac::manifest_fields;
    RoleRefusal => "RoleError" { Name, Body, Unknown, NotEditable, BuiltIn, InUse } with crate::rbac::role_fields;
    StateError => "StateError" { TooLarge, Syntax, Format, Problems, NoSuchWorld } with crate::rbac::state_fields;
}

/// What was asked for, and the known key that is most like it.
fn unknown_key(error: &config::UnknownKey, into: &Bound<'_, PyDict>) -> PyResult<()> {
    into.set_item("key", &error.key)?;
    into.set_item("nearest", &error.nearest)
}

/// `mke._native.errors.TABLE`, for the test that compares it.
pub(crate) fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let lists = [
        TABLE,
        of_core::TABLE,
        of_rbac::TABLE,
        of_auth::TABLE,
        of_net::TABLE,
        of_agent::TABLE,
    ];
    module.add("TABLE", lists.concat())
}
