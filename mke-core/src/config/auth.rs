//! `[auth]`: who may log in, and for how long.

use super::identity::{AccountLock, ExternalIdentityProvider, Saml, SamlProxy};
use super::key::Key;
use super::ldap::Ldap;
use super::section::section;

/// Thirty days: a sanity limit of ours.
const MAX_SESSION_MINUTES: i64 = 30 * 24 * 60;

section! {
    /// Who may log in and for how long.
    pub struct Auth at "auth" {
        /// Which back end checks the passwords of logins.
        backend: String = Key::text("managed").one_of(&["managed", "ldap"])
            .rule("LDAP and SAML exclude each other; accounts managed here keep working with either").live();
        /// The role that a new user gets on its own private collection.
        default_new_user_role: String = Key::text("restrictedcontrol")
            .one_of(&["none", "admin", "viewonly", "scheduler", "restrictedcontrol", "fullcontrol"]).live();
        /// Whether accounts managed here can no longer log in with a password.
        managed_password_disabled("managedPasswordDisabled"): bool = Key::bool(false)
            .risk("while no other login works, only the fallback user can log in").live();
        /// The one account that keeps its password login while those of all others are off.
        managed_password_fallback_user("managedPasswordFallbackUser"): String = Key::text("").live();
        /// Whether users may log in through a SAML identity provider.
        saml_enabled("samlEnabled"): bool = Key::bool(false)
            .rule("off while `auth.backend` is `ldap`; needs `auth.saml.idpMetadataURL`").live();
        /// What the button for SAML says on the login page.
        saml_login_text("samlLoginText"): String = Key::text("Sign in with SAML").live();
        /// Whether users and groups can be provisioned over SCIM 2.0.
        scim_enabled("scimEnabled"): bool = Key::bool(false).live();
    }
    tables {
        /// How long logins live.
        sessions("sessions"): SessionSettings;
        /// The directory that users come from.
        ldap("ldap"): Ldap;
        /// The SAML identity provider.
        saml("saml"): Saml;
        /// How the identity provider is reached through a proxy.
        saml_proxy("samlProxy"): SamlProxy;
        /// An OpenID Connect provider that users log in with.
        external_identity_provider("external_identity_provider"): ExternalIdentityProvider;
        /// When failed logins lock an account.
        account_lock("account_lock"): AccountLock;
    }
}

section! {
    /// How long sessions live (SESS-001 to SESS-004).
    #[derive(Copy)]
    pub struct SessionSettings at "auth.sessions" {
        /// How many minutes a login stays valid.
        lifetime_minutes: u32 = Key::integer(60).min(10).unit("minutes").max(MAX_SESSION_MINUTES).live();
        /// How many minutes before its end a session that is used starts over; 0 never renews.
        renewal_threshold_minutes: u32 = Key::integer(20).min(0).unit("minutes").max(MAX_SESSION_MINUTES - 5)
            .rule("0, or at most `lifetime_minutes` less 5").live();
        /// How many sessions an account may hold before its least recently used one ends; 0 is no limit.
        per_user_limit: u32 = Key::integer(10).min(0).max(100_000).live();
        /// Whether browsers keep the token in the session storage instead of the local one.
        store_token_per_session: bool = Key::bool(false)
            .risk("whoever changes it is logged out of the web page").live();
    }
}
