//! Identity providers other than the directory, and the lock after failed logins.

use super::format::Format;
use super::key::{Key, Kind};
use super::section::section;
use crate::secret::Secret;

section! {
    /// The SAML identity provider.
    pub struct Saml at "auth.saml" {
        /// Where the identity provider publishes its metadata.
        idp_metadata_url("idpMetadataURL"): Option<String> = Key::unset(Kind::Text).json("idpMetadataURL")
            .format(Format::HttpUrl).rule("must be given while `auth.samlEnabled` is on").live();
        /// The certificates, as PEM text, trusted when the metadata is fetched.
        root_certs("rootCerts"): String = Key::text("").json("rootCerts").live();
        /// Whether the metadata is fetched from any certificate.
        tls_skip_verify("tlsSkipVerify"): bool = Key::bool(false).json("tlsSkipVerify")
            .risk("whoever stands between can name himself the identity provider").live();
        /// The address under which users and the provider know this cluster.
        sp_host("spHost"): Option<String> = Key::unset(Kind::Text).json("spHost")
            .risk("the provider refuses logins until it knows the new address").live();
    }
}

section! {
    /// How the identity provider is reached through a proxy.
    pub struct SamlProxy at "auth.samlProxy" {
        /// Whether a proxy stands before the identity provider.
        enabled: bool = Key::bool(false).not_in_3_4().live();
        /// Where that proxy answers.
        proxy_url: Option<String> = Key::unset(Kind::Text).not_in_3_4().format(Format::HttpUrl).live();
    }
    tables {
        /// What the proxy asks for.
        credentials("credentials"): SamlProxyCredentials;
    }
}

section! {
    /// What the proxy asks for.
    pub struct SamlProxyCredentials at "auth.samlProxy.credentials" {
    }
    tables {
        /// A user name and a password.
        basic("basic"): SamlProxyBasic;
    }
}

section! {
    /// Name and password for the proxy.
    pub struct SamlProxyBasic at "auth.samlProxy.credentials.basic" {
        /// The user name for the proxy.
        user: Option<String> = Key::unset(Kind::Text).not_in_3_4().live();
        /// The password for the proxy.
        password: Option<Secret> = Key::unset(Kind::Text).not_in_3_4().secret().live();
    }
}

section! {
    /// An OpenID Connect provider.
    pub struct ExternalIdentityProvider at "auth.external_identity_provider" {
        /// Where the provider publishes its OpenID configuration.
        well_known_config_url("wellKnownConfigUrl"): Option<String> = Key::unset(Kind::Text).required()
            .since(3, 5, 0).not_in_3_4().format(Format::DiscoveryUrl).live();
        /// The identifier that the provider gave this cluster.
        client_id("clientID"): Option<String> = Key::unset(Kind::Text).required().since(3, 5, 0).not_in_3_4()
            .aliases(&["clientId"]).live();
        /// The secret that the provider gave this cluster.
        client_secret("clientSecret"): Option<Secret> = Key::unset(Kind::Text).since(3, 5, 0).not_in_3_4()
            .secret().live();
        /// The claim of a token that names the account.
        username_claim("usernameClaim"): String = Key::text("sub").since(3, 5, 0).not_in_3_4().live();
        /// The certificates, as PEM text, that the provider's own must descend from.
        ca_bundle("caBundle"): String = Key::text("").since(3, 5, 0).not_in_3_4().live();
        /// The proxy for plain calls to the provider.
        http_proxy("httpProxy"): String = Key::text("").since(3, 5, 0).not_in_3_4().live();
        /// The proxy for TLS calls to the provider.
        https_proxy("httpsProxy"): String = Key::text("").since(3, 5, 0).not_in_3_4().live();
        /// Who must have issued a token; empty asks the provider.
        issuer: String = Key::text("").since(3, 5, 0).not_in_3_4().live();
        /// The identifier that ties tokens to the provider's keys, made when it is empty.
        user_service_id("userServiceId"): Option<String> = Key::unset(Kind::Text).since(3, 5, 0).not_in_3_4()
            .risk("another value makes every token of the provider worthless")
            .rule("a value once given stays").lasting().live();
    }
    rows {
        /// What a token must say so that its bearer may log in.
        sign_in_criteria("signInCriteria"): SignInRule;
        /// What a token must say so that its bearer's new account is an administrator.
        admin_role_criteria("adminRoleCriteria"): AdminRoleRule;
    }
}

section! {
    /// A claim that lets somebody log in.
    pub struct SignInRule at "auth.external_identity_provider.signInCriteria[]" {
        /// The claim that is looked at.
        term: String = Key::unset(Kind::Text).required().since(3, 5, 0).not_in_3_4().live();
        /// What the claim is compared with.
        value: String = Key::unset(Kind::Text).required().since(3, 5, 0).not_in_3_4().live();
        /// Whether the claim must equal the value or contain it.
        match_type("matchType"): String = Key::unset(Kind::Text).one_of(&["must", "contains"]).required()
            .since(3, 5, 0).not_in_3_4().live();
    }
}

section! {
    /// A claim that makes somebody an administrator.
    pub struct AdminRoleRule at "auth.external_identity_provider.adminRoleCriteria[]" {
        /// The claim that is looked at.
        term: String = Key::unset(Kind::Text).required().since(3, 5, 0).not_in_3_4().live();
        /// What the claim is compared with.
        value: String = Key::unset(Kind::Text).required().since(3, 5, 0).not_in_3_4().live();
        /// Whether the claim must equal the value or contain it.
        match_type("matchType"): String = Key::unset(Kind::Text).one_of(&["must", "contains"]).required()
            .since(3, 5, 0).not_in_3_4().live();
    }
}

section! {
    /// When failed logins lock an account.
    pub struct AccountLock at "auth.account_lock" {
        /// Whether failed logins lock an account.
        enabled: bool = Key::bool(false).not_in_3_4().live();
        /// How many failed logins in a row lock it.
        failure_trigger("failureTrigger"): Option<i64> = Key::unset(Kind::Integer).not_in_3_4().live();
        /// How many seconds the lock lasts; 0 until an administrator opens it.
        duration_seconds("durationSeconds"): Option<i64> = Key::unset(Kind::Integer).min(0).unit("seconds")
            .not_in_3_4().live();
    }
}
