//! SAML over HTTP: a whole controller, an identity provider whose metadata is served over TLS with an authority of its
//! own, and browsers that keep cookies.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::manual_strip,
    dead_code,
    unreachable_pub,
    reason = "a failed step of a test's harness fails the test; test files share an identity provider"
)]

#[path = "../../mke-auth/tests/saml/mod.rs"]
mod fixture;
mod support;

#[path = "saml/browser.rs"]
mod browser;
#[path = "saml/logins.rs"]
mod logins;
#[path = "saml/logout.rs"]
mod logout;
#[path = "saml/pysaml2.rs"]
mod pysaml2;
#[path = "saml/settings.rs"]
mod settings;
#[path = "saml/world.rs"]
mod world;
