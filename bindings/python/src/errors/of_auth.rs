//! The errors of `mke-auth`: accounts, sessions, sources of identities.

use super::fields::listed;

listed! {
    enum mke_auth::StorageError => "StorageError" {
        Store(source), Record { key, source }, Encode(source), Contended,
    };
    enum mke_auth::accounts::AccountError => "AccountError" {
        Invalid(problems), NameInUse { name }, OriginInUse { source_name, id }, NoSuchAccount { id },
        NotAUser { name }, NotAnOrganization { name }, NoSuchTeam { id }, NotAMember { name },
        LastAdministrator { name }, BuiltIn { name }, AlreadyInitialized, Imported { name },
        NotImported { name }, WrongPassword, TooMuch { what, count, max }, Password(source),
        Storage(source),
    };
    enum mke_auth::accounts::AdoptError => "AdoptionError" {
        Inactive { name }, NotProvisioned { name }, NameTaken { name }, Account(source),
    };
    enum mke_auth::bundle::BundleError => "BundleError" { Pki(source), TooLarge { found }, Pack(detail) };
    enum mke_auth::bundle::PlaceError => "BundlePlaceError" { Host { host }, ClusterId { id }, Port };
    enum mke_auth::identity::IdentityError => "IdentityError" {
        UnknownKey(key_id), UnknownAccount(account_id), Inactive(account_name), Organization(account_name),
    };
    enum mke_auth::jobs::JobError => "JobError" { NoSuchJob { id }, Over { id, state }, Storage(source) };
    enum mke_auth::keys::KeyError => "PublicKeyError" {
        Refused(source), Label, InUse { id }, NoSuchKey { id }, NoSuchAccount { id }, TooMany,
        Storage(source),
    };
    enum mke_auth::ldap::BerError => "LdapMessageError" {
        Overrun, Length, Tag { found, expected }, Missing, Trailing, Number, Text,
    };
    struct mke_auth::ldap::DnError => "LdapNameError" { DnError };
    enum mke_auth::ldap::FetchError => "LdapFetchError" {
        Users { search, base, source }, Team { name, source }, Admins { source },
    };
    enum mke_auth::ldap::FilterError => "LdapFilterError" { TooLong { found }, TooDeep, Syntax { at, why } };
    enum mke_auth::ldap::LdapError => "LdapError" {
        Unreachable { server, source }, Tls { server, source }, Injected { server },
        Lost { server, source }, Malformed { server, source }, TooLong { server, found, max },
        Unexpected { server }, NoPages { server }, Refused { server, what, code, meaning, message },
        Reader { server }, TooManyReferrals { server, max }, TooMuch { server, what, max },
        NoGroup { server, group },
    };
    enum mke_auth::ldap::LoginFailure => "LdapLoginError" { Denied(source), Unavailable(source), TooSlow };
    enum mke_auth::ldap::SyncError => "LdapSyncError" {
        Teams(problems), Fetch(source), Refused(problems), Write(source),
    };
    enum mke_auth::ldap::TlsError => "LdapTlsError" { Certificates(detail), NoSystemRoots, Setup(detail) };
    enum mke_auth::password::PasswordError => "PasswordError" {
        TooShort { found }, TooLong { found }, Busy, NotAHash, Failed(detail),
    };
    enum mke_auth::records::RecordError => "RecordError" {
        Newer { what, found }, Unversioned { what }, Malformed { what, source },
    };
    struct mke_auth::saml::HostError => "SamlHostError" { HostError { host } };
    enum mke_auth::saml::OwnKeyError => "SamlKeyError" { Generate(detail), Unusable };
    enum mke_auth::saml::Refusal => "SamlRefusedError" {
        Encoding(detail), TooMuch { what, max }, Markup(detail), Xml(detail), Namespace(detail),
        DuplicateId(detail), Structure(detail), Unsigned, SignatureForm(detail), Algorithm(detail), Digest,
        Signature, NoKey, Encrypted, Issuer { found }, Audience { found }, Destination { found },
        Status(detail), Early(detail), Late(detail), Unsolicited, OtherRequest, Ambiguous(detail),
    };
    enum mke_auth::saml::fetch::FetchError => "SamlMetadataError" {
        NoUrl, Url { url, why }, Roots(detail), Private { host, address }, Connect { host, why },
        Proxy(detail), Status { url, status }, TooLarge { url }, Redirects { url }, Slow { url },
    };
    enum mke_auth::saml::login::AdmitError => "SamlAdmissionError" {
        Used, Name { name, source }, Taken { name }, Account(source), Storage(source),
    };
    struct mke_auth::scim::ScimError => "ScimError" { ScimError { status, scim_type, detail, cause } };
    enum mke_auth::scim::TokenError => "ScimTokenError" {
        Unusable, Wrong, TooManyAttempts { retry_after }, Storage(source),
    };
    enum mke_auth::second_factor::SecondFactorError => "SecondFactorError" {
        Needed, WrongCode, AlreadyOn, NotBegun, NotOn, NotAUser, Seal(source), Unusable(account_id),
        Storage(source),
    };
    enum mke_auth::sessions::DirectoryFailure => "DirectoryError" { Refused(detail), Unavailable(detail) };
    enum mke_auth::sessions::LoginError => "LoginError" {
        InvalidCredentials, TooManyAttempts { retry_after }, SecondFactorNeeded, SecondFactor(source), Busy,
        Password(source), Storage(source),
    };
    enum mke_auth::sessions::SessionError => "SessionError" {
        Malformed, Unknown, Expired(session_id), Account(source), UnknownAccount(account_id),
    };
}
