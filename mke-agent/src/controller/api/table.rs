//! Every endpoint of the control plane: method, path, who may call it, how it is recorded, who handles it.
//!
//! What is not in here belongs to the Engine API or does not exist. Rules of access stand in this table and
//! nowhere else (R62).

use std::future::Future;
use std::pin::Pin;

use mke_rbac::inquiry::{AccessTo, Diff, Explain, Paths, PolicyTests, Replay, Simulate, Unused, WhoCan};
use mke_rbac::mke4::ToMke4;

use super::access::Rule;
use super::{
    Call, accounts, auth_config, authz, banner, bundle, can_i, certificates, collections, config, debug,
    grants, jobs, links, login, members, nodes, public_keys, registry, roles, saml, scim, second_factor,
    system, teams,
};
use crate::controller::audit::Recording;
use crate::controller::body::Response;
use crate::controller::error::{ApiError, Surface};

/// Bytes of a body where nothing larger makes sense.
const SMALL: usize = 64 * 1024;
/// Bytes of a form with a SAML message (saml-27).
const MESSAGE: usize = 256 * 1024;
/// Bytes of a body that may hold lists or a whole configuration.
const LARGE: usize = 1024 * 1024;
/// Whole states and condensed logs.
const HUGE: usize = 16 * 1024 * 1024;

type Answering = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;

/// One method and path.
pub(crate) struct Endpoint {
    pub(crate) method: &'static str,
    /// Elements in braces are variable.
    pub(crate) template: &'static str,
    pub(crate) rule: Rule,
    pub(crate) recording: Recording,
    /// Largest body, in bytes.
    pub(crate) max_body: usize,
    pub(crate) handler: fn(Call) -> Answering,
}

impl Endpoint {
    /// Which form its errors have: that of the identity API below `/accounts` and `/id`.
    pub(crate) fn surface(&self) -> Surface {
        surface_of(self.template)
    }
}

/// Which form errors have below a path.
pub(crate) fn surface_of(path: &str) -> Surface {
    let first = path.trim_start_matches('/').split('/').next();
    if path.starts_with("/enzi/v0/scim") {
        return Surface::Scim;
    }
    if path == "/auth/token" {
        return Surface::Registry;
    }
    match first {
        Some("accounts" | "id" | "enzi") => Surface::Identity,
        _ => Surface::Plain,
    }
}

/// What a method and path lead to.
pub(crate) enum Found {
    /// An endpoint, with the variable elements of the path.
    Endpoint(&'static Endpoint, Vec<String>),
    /// The path is one of the control plane, but not with this method.
    OtherMethod,
    /// Not a path of the control plane.
    Nothing,
}

/// Finds an endpoint. `versioned` says that the path carried a version of the Engine API, which only the paths
/// that Docker clients call may do.
pub(crate) fn find(method: &str, segments: &[String], versioned: bool) -> Found {
    if let [enzi, v0, scim, v2, rest @ ..] = segments
        && [enzi, v0, scim, v2] == ["enzi", "v0", "scim", "v2"]
        && !versioned
    {
        // The service knows its own paths and methods.
        return Found::Endpoint(&SCIM, rest.to_vec());
    }
    let segments = match segments {
        // The identity API has a long and a short form.
        [enzi, v0, rest @ ..]
            if enzi == "enzi"
                && v0 == "v0"
                && matches!(rest, [first, ..] if first == "accounts" || first == "id") =>
        {
            rest
        }
        other => other,
    };
    let mut path_known = false;
    for endpoint in ENDPOINTS {
        if versioned && !DOCKER_PATHS.contains(&endpoint.template) {
            continue;
        }
        if let Some(params) = matched(endpoint.template, segments) {
            if endpoint.method == method {
                return Found::Endpoint(endpoint, params);
            }
            path_known = true;
        }
    }
    if path_known {
        Found::OtherMethod
    } else {
        Found::Nothing
    }
}

/// Paths that Docker clients call with a version before them.
const DOCKER_PATHS: &[&str] = &["/_ping", "/version", "/info", "/kubernetesNamespaces"];

fn matched(template: &str, segments: &[String]) -> Option<Vec<String>> {
    let mut params = Vec::new();
    let mut rest = segments.iter();
    for element in template.split('/').skip(1) {
        let segment = rest.next()?;
        if element.starts_with('{') {
            params.push(segment.clone());
        } else if element != segment {
            return None;
        }
    }
    rest.next().is_none().then_some(params)
}

/// Everything below the base of the SCIM service.
static SCIM: Endpoint = Endpoint {
    method: "any",
    template: "/enzi/v0/scim/v2",
    rule: Rule::ScimToken,
    recording: Recording::Full,
    max_body: LARGE,
    handler: |call| Box::pin(scim::serve(call)),
};

macro_rules! endpoints {
    ($($method:ident $template:literal $rule:ident $recording:ident $max_body:ident $handler:path;)*) => {
        /// The endpoints, literal paths before variable ones.
        pub(crate) static ENDPOINTS: &[Endpoint] = &[$(Endpoint {
            method: stringify!($method),
            template: $template,
            rule: Rule::$rule,
            recording: Recording::$recording,
            max_body: $max_body,
            handler: |call| Box::pin($handler(call)),
        },)*];
    };
}

endpoints! {
    GET    "/_ping"                                       Public            Ignored SMALL system::ping;
    HEAD   "/_ping"                                       Public            Ignored SMALL system::no_head_ping;
    GET    "/ca"                                          Public            Ignored SMALL system::ca;
    GET    "/api/ucp/pre-logon-message"                   Public            Full    SMALL system::pre_logon_message;
    GET    "/trustedregistryca"                           Authenticated     Ignored SMALL system::trusted_registry_ca;
    GET    "/openid_keys"                                 Public            Ignored SMALL registry::openid_keys;
    GET    "/version"                                     Authenticated     Ignored SMALL system::version;
    GET    "/info"                                        Authenticated     Ignored SMALL system::info;
    GET    "/api/banner"                                  Authenticated     Full    SMALL banner::list;
    GET    "/metrics"                                     Admin             Ignored SMALL system::metrics;
    GET    "/metricsdiscovery"                            Admin             Full    SMALL system::metrics_discovery;
    GET    "/debug"                                       Admin             Ignored SMALL debug::index;
    GET    "/debug/vars"                                  Admin             Ignored SMALL debug::vars;
    GET    "/debug/threads"                               Admin             Ignored SMALL debug::profile;
    GET    "/kubernetesNamespaces"                        Authenticated     Full    SMALL system::kubernetes_namespaces;

    GET    "/auth/token"                                  Authenticated     Full    SMALL registry::token;
    POST   "/auth/token"                                  Public            NoBody  SMALL registry::token_form;
    POST   "/auth/login"                                  Public            NoBody  SMALL login::auth_login;
    POST   "/id/login"                                    Public            NoBody  SMALL login::id_login;
    GET    "/id"                                          Authenticated     Full    SMALL login::whoami;
    POST   "/id/logout"                                   Authenticated     Full    SMALL login::logout;

    GET    "/enzi/v0/saml/metadata"                       Public            Full    SMALL saml::metadata;
    GET    "/enzi/v0/saml/button"                         Public            Ignored SMALL saml::button;
    GET    "/enzi/v0/saml/login"                          Public            Full    SMALL saml::login;
    POST   "/enzi/v0/saml/acs"                            Public            NoBody  MESSAGE saml::acs;
    POST   "/enzi/v0/saml/session"                        Public            NoBody  SMALL saml::session;
    GET    "/enzi/v0/saml/logout"                         Public            Full    SMALL saml::logout;
    POST   "/enzi/v0/saml/logout"                         Public            NoBody  MESSAGE saml::logout_form;
    GET    "/enzi/v0/saml/status"                         Admin             Full    SMALL saml::status;
    POST   "/enzi/v0/saml/refresh"                        Admin             Full    SMALL saml::refresh;
    GET    "/enzi/v0/saml/bundles"                        Admin             Full    SMALL saml::bundles;
    DELETE "/enzi/v0/saml/bundles"                        Admin             Full    SMALL saml::revoke_bundles;

    GET    "/accounts"                                    Admin             Full    SMALL accounts::list;
    POST   "/accounts"                                    Admin             Full    SMALL accounts::create;
    PATCH  "/accounts"                                    Admin             Full    LARGE accounts::bulk;
    GET    "/accounts/{account}"                          OneselfOrMember   Full    SMALL accounts::show;
    PATCH  "/accounts/{account}"                          OneselfOrOrgAdmin Full    SMALL accounts::update;
    DELETE "/accounts/{account}"                          Admin             Full    SMALL accounts::delete;
    POST   "/accounts/{user}/changePassword"              Oneself           NoBody  SMALL accounts::change_password;
    GET    "/accounts/{user}/organizations"               Oneself           Full    SMALL accounts::organizations;

    GET    "/accounts/{account}/publicKeys"               OneselfOrMember   Full    SMALL public_keys::list;
    POST   "/accounts/{account}/publicKeys"               OneselfOrOrgAdmin Full    SMALL public_keys::create;
    GET    "/accounts/{account}/publicKeys/{key}"         OneselfOrOrgAdmin Full    SMALL public_keys::show;
    PATCH  "/accounts/{account}/publicKeys/{key}"         OneselfOrOrgAdmin Full    SMALL public_keys::update;
    DELETE "/accounts/{account}/publicKeys/{key}"         OneselfOrOrgAdmin Full    SMALL public_keys::delete;

    GET    "/accounts/{org}/members"                      Member            Full    SMALL members::of_organization;
    GET    "/accounts/{org}/members/{member}"             MemberOrTarget    Full    SMALL members::show_of_organization;
    PUT    "/accounts/{org}/members/{member}"             OrgAdmin          Full    SMALL members::put_in_organization;
    DELETE "/accounts/{org}/members/{member}"             OrgAdmin          Full    SMALL members::remove_from_organization;
    GET    "/accounts/{org}/members/{member}/teams"       Member            Full    SMALL members::teams_of_member;

    GET    "/accounts/{org}/adminMemberSyncConfig"        OrgAdmin          Full    SMALL links::show_admin_sync;
    PUT    "/accounts/{org}/adminMemberSyncConfig"        OrgAdmin          Full    SMALL links::set_admin_sync;
    GET    "/accounts/{org}/teams/{team}/memberSyncConfig" TeamAdmin        Full    SMALL links::show_member_sync;
    PUT    "/accounts/{org}/teams/{team}/memberSyncConfig" TeamAdmin        Full    SMALL links::set_member_sync;
    GET    "/accounts/{org}/teams/{team}/groupLinkConfig" TeamAdmin         Full    SMALL links::show_group_link;
    PUT    "/accounts/{org}/teams/{team}/groupLinkConfig" TeamAdmin         Full    SMALL links::set_group_link;

    GET    "/accounts/{account}/secondFactor"             Oneself           Full    SMALL second_factor::show;
    POST   "/accounts/{account}/secondFactor"             Oneself           NoBody  SMALL second_factor::enrol;
    DELETE "/accounts/{account}/secondFactor"             Admin             Full    SMALL second_factor::switch_off;
    POST   "/accounts/{account}/secondFactor/confirm"     Oneself           NoBody  SMALL second_factor::confirm;
    POST   "/accounts/{account}/secondFactor/recoveryCodes" Oneself         NoBody  SMALL second_factor::recovery_codes;
    POST   "/accounts/{account}/secondFactor/disable"     Oneself           NoBody  SMALL second_factor::disable;
    GET    "/accounts/{account}/loginLock"                Admin             Full    SMALL second_factor::show_lock;
    DELETE "/accounts/{account}/loginLock"                Admin             Full    SMALL second_factor::unlock;

    GET    "/accounts/{org}/teams"                        Member            Full    SMALL teams::list;
    POST   "/accounts/{org}/teams"                        OrgAdmin          Full    SMALL teams::create;
    GET    "/accounts/{org}/teams/{team}"                 Member            Full    SMALL teams::show;
    PATCH  "/accounts/{org}/teams/{team}"                 TeamAdmin         Full    SMALL teams::update;
    DELETE "/accounts/{org}/teams/{team}"                 OrgAdmin          Full    SMALL teams::delete;
    GET    "/accounts/{org}/teams/{team}/members"         Member            Full    SMALL members::of_team;
    GET    "/accounts/{org}/teams/{team}/members/{user}"  Member            Full    SMALL members::show_of_team;
    PUT    "/accounts/{org}/teams/{team}/members/{user}"  TeamAdmin         Full    SMALL members::put_in_team;
    DELETE "/accounts/{org}/teams/{team}/members/{user}"  TeamAdmin         Full    SMALL members::remove_from_team;

    GET    "/enzi/v0/config/auth"                         Admin             Full    SMALL auth_config::show;
    PUT    "/enzi/v0/config/auth"                         Admin             Full    SMALL auth_config::change;
    GET    "/enzi/v0/config/auth/saml"                    Admin             Full    SMALL saml::show_settings;
    PUT    "/enzi/v0/config/auth/saml"                    Admin             Full    LARGE saml::change_settings;
    POST   "/enzi/v0/config/auth/ldap/test-login"         Admin             NoBody  LARGE auth_config::test_login;
    POST   "/api/ucp/config/auth/ldap/test-login"         Admin             NoBody  LARGE auth_config::test_login;
    GET    "/enzi/v0/jobs"                                Admin             Full    SMALL jobs::list;
    POST   "/enzi/v0/jobs"                                Admin             Full    SMALL jobs::create;
    GET    "/enzi/v0/jobs/{job}"                          Admin             Full    SMALL jobs::show;
    GET    "/enzi/v0/jobs/{job}/logs"                     Admin             Full    SMALL jobs::logs;
    POST   "/enzi/v0/jobs/{job}/cancel"                   Admin             Full    SMALL jobs::cancel;

    GET    "/api/clientbundle"                            Authenticated     Full    SMALL bundle::download;
    POST   "/api/clientbundle"                            Authenticated     Full    SMALL bundle::download;

    GET    "/roles"                                       Authenticated     Full    SMALL roles::list;
    POST   "/roles"                                       Admin             Full    LARGE roles::create;
    GET    "/roles/{role}"                                Authenticated     Full    SMALL roles::show;
    DELETE "/roles/{role}"                                Admin             Full    SMALL roles::delete;
    GET    "/totalRole"                                   Authenticated     Full    SMALL roles::total;
    GET    "/defaultCollectionRole"                       Authenticated     Full    SMALL roles::default_collection;

    GET    "/collections"                                 Authenticated     Full    SMALL collections::list;
    POST   "/collections"                                 Admin             Full    SMALL collections::create;
    GET    "/collections/{id}"                            Authenticated     Full    SMALL collections::show;
    PATCH  "/collections/{id}"                            Admin             Full    SMALL collections::update;
    DELETE "/collections/{id}"                            Admin             Full    SMALL collections::delete;
    GET    "/collections/{id}/children"                   Authenticated     Full    SMALL collections::children;
    GET    "/collectionByPath"                            Authenticated     Full    SMALL collections::by_path;
    GET    "/defaultCollection/{user}"                    Oneself           Full    SMALL collections::show_default;
    PUT    "/defaultCollection/{user}"                    Oneself           Full    SMALL collections::set_default;
    DELETE "/defaultCollection/{user}"                    Oneself           Full    SMALL collections::unset_default;

    GET    "/collectionGrants"                            Authenticated     Full    SMALL grants::list;
    PUT    "/collectionGrants/{subject}/{object}/{role}"  Admin             Full    SMALL grants::create;
    DELETE "/collectionGrants/{subject}/{object}/{role}"  Admin             Full    SMALL grants::delete;

    GET    "/api/ucp/config-toml"                         Admin             Full    SMALL config::show_toml;
    PUT    "/api/ucp/config-toml"                         Admin             Full    LARGE config::replace_toml;
    GET    "/api/ucp/config-toml/history"                 Admin             Full    SMALL config::list_history;
    GET    "/api/ucp/config-toml/history/{version}"       Admin             Full    SMALL config::show_version;
    POST   "/api/ucp/config-toml/history/{version}/rollback" Admin          Full    SMALL config::roll_back;
    GET    "/api/ucp/config-toml/drift"                   Admin             Full    SMALL config::drift;
    GET    "/api/ucp/config/certs"                        Admin             Full    SMALL certificates::show;
    PUT    "/api/ucp/config/certs"                        Admin             NoBody  LARGE certificates::replace;
    POST   "/api/nodes/certs"                             Admin             NoBody  LARGE certificates::replace;
    GET    "/api/ucp/config/logging"                      Admin             Full    SMALL config::show_logging;
    PUT    "/api/ucp/config/logging"                      Admin             Full    SMALL config::change_logging;
    GET    "/api/ucp/config/auth/scim"                    Admin             Full    SMALL scim::show;
    PUT    "/api/ucp/config/auth/scim"                    Admin             Full    SMALL scim::change;
    POST   "/api/ucp/config/auth/scim/token"              Admin             NoBody  SMALL scim::make_token;
    DELETE "/api/ucp/config/auth/scim/token"              Admin             Full    SMALL scim::remove_token;
    GET    "/api/ucp/config/scheduling"                   Admin             Full    SMALL config::show_scheduling;
    PUT    "/api/ucp/config/scheduling"                   Admin             Full    SMALL config::change_scheduling;
    GET    "/api/ucp/config/kubernetes"                   Admin             Full    SMALL config::show_kubernetes;
    PUT    "/api/ucp/config/kubernetes"                   Admin             Full    SMALL config::change_kubernetes;
    GET    "/api/ucp/config/dtr"                          Admin             Full    SMALL config::show_registries;
    PUT    "/api/ucp/config/dtr"                          Admin             Full    LARGE config::change_registries;
    GET    "/api/ucp/config/license"                      Admin             Full    SMALL config::show_license;
    PUT    "/api/ucp/config/license"                      Admin             NoBody  SMALL config::store_license;
    GET    "/api/ucp/config/auth/ldap"                    Admin             Full    SMALL config::show_ldap;
    PUT    "/api/ucp/config/auth/ldap"                    Admin             Full    LARGE config::replace_ldap;
    GET    "/enzi/v0/config/auth/ldap"                    Admin             Full    SMALL config::show_ldap;
    PUT    "/enzi/v0/config/auth/ldap"                    Admin             Full    LARGE config::replace_ldap;
    GET    "/api/node/{node}/spec"                       Node              Ignored SMALL nodes::spec;
    PUT    "/api/node/{node}/report"                     Node              Ignored LARGE nodes::report;
    GET    "/api/ucp/nodes"                              Admin             Full    SMALL nodes::list;
    GET    "/api/ucp/nodes/{node}/plan"                  Admin             Full    SMALL nodes::plan;
    POST   "/api/ucp/authz/can-i"                         Authenticated     Full    LARGE can_i::ask;
    POST   "/api/ucp/authz/who-can"                       Admin             Full    LARGE authz::ask::<WhoCan>;
    POST   "/api/ucp/authz/simulate"                      Admin             Full    LARGE authz::ask::<Simulate>;
    POST   "/api/ucp/authz/diff"                          Admin             NoBody  HUGE  authz::ask::<Diff>;
    POST   "/api/ucp/authz/explain"                       Admin             Full    LARGE authz::ask::<Explain>;
    POST   "/api/ucp/authz/access"                        Admin             Full    LARGE authz::ask::<AccessTo>;
    POST   "/api/ucp/authz/paths"                         Admin             Full    LARGE authz::ask::<Paths>;
    POST   "/api/ucp/authz/unused"                        Admin             NoBody  HUGE  authz::ask::<Unused>;
    POST   "/api/ucp/authz/replay"                        Admin             NoBody  HUGE  authz::ask::<Replay>;
    POST   "/api/ucp/authz/to-mke4"                       Admin             Full    LARGE authz::ask::<ToMke4>;
    POST   "/api/ucp/authz/test"                          Admin             Full    LARGE authz::ask::<PolicyTests>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(path: &str) -> Vec<String> {
        path.split('/').skip(1).map(str::to_owned).collect()
    }

    fn template(method: &str, path: &str) -> Option<&'static str> {
        match find(method, &segments(path), false) {
            Found::Endpoint(endpoint, _) => Some(endpoint.template),
            Found::OtherMethod | Found::Nothing => None,
        }
    }

    #[test]
    fn both_spellings_of_the_identity_api() {
        assert_eq!(template("GET", "/accounts/jane"), Some("/accounts/{account}"));
        assert_eq!(
            template("GET", "/enzi/v0/accounts/jane"),
            Some("/accounts/{account}")
        );
        assert_eq!(template("POST", "/enzi/v0/id/login"), Some("/id/login"));
        for foreign in [
            "/enzi/v0/roles",
            "/enzi/v1/accounts",
            "/enzi/accounts",
            "/v0/accounts",
        ] {
            assert_eq!(template("GET", foreign), None, "{foreign}");
        }
    }

    #[test]
    fn only_docker_paths_carry_a_version() {
        assert!(matches!(
            find("GET", &segments("/_ping"), true),
            Found::Endpoint(..)
        ));
        assert!(matches!(
            find("GET", &segments("/accounts"), true),
            Found::Nothing
        ));
    }

    #[test]
    fn other_methods_and_other_paths() {
        assert!(matches!(
            find("PUT", &segments("/roles"), false),
            Found::OtherMethod
        ));
        assert!(matches!(
            find("get", &segments("/roles"), false),
            Found::OtherMethod
        ));
        assert!(matches!(
            find("GET", &segments("/containers/json"), false),
            Found::Nothing
        ));
        assert!(matches!(
            find("GET", &segments("/roles/a/b"), false),
            Found::Nothing
        ));
    }

    /// RBAC-002: everything that changes accounts, roles, collections or grants is for administrators, apart from
    /// what people do with their own things and organization administrators in their organization (R9).
    #[test]
    fn writes_are_for_administrators() {
        for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.method != "GET") {
            let own_matters = matches!(
                endpoint.rule,
                Rule::Oneself | Rule::OneselfOrOrgAdmin | Rule::OrgAdmin | Rule::TeamAdmin
            );
            let expected_open = [
                "/auth/login",
                "/auth/token",
                "/id/login",
                "/id/logout",
                "/enzi/v0/saml/acs",
                "/enzi/v0/saml/session",
                "/enzi/v0/saml/logout",
                "/_ping",
                "/api/clientbundle",
                "/api/ucp/authz/can-i",
                // For the agent of that node only.
                "/api/node/{node}/report",
            ];
            assert!(
                endpoint.rule == Rule::Admin || own_matters || expected_open.contains(&endpoint.template),
                "{} {}",
                endpoint.method,
                endpoint.template
            );
        }
    }

    #[test]
    fn no_endpoint_twice() {
        let mut seen = std::collections::HashSet::new();
        for endpoint in ENDPOINTS {
            assert!(
                seen.insert((endpoint.method, endpoint.template)),
                "{} {}",
                endpoint.method,
                endpoint.template
            );
        }
    }

    /// The documents list every endpoint that they are about, and no other.
    #[test]
    fn endpoints_are_documented() {
        for (name, document, about) in [
            (
                "authz.yaml",
                include_str!("../../../../docs/api/authz.yaml"),
                &["/api/ucp/authz/"][..],
            ),
            (
                "configuration.yaml",
                include_str!("../../../../docs/api/configuration.yaml"),
                &["/api/ucp/config-toml", "/api/ucp/config/"],
            ),
            (
                "tokens.yaml",
                include_str!("../../../../docs/api/tokens.yaml"),
                &["/auth/token", "/openid_keys"],
            ),
            (
                "nodes.yaml",
                include_str!("../../../../docs/api/nodes.yaml"),
                &["/api/node/", "/api/ucp/nodes", "/api/banner"],
            ),
            (
                "second-factor.yaml",
                include_str!("../../../../docs/api/second-factor.yaml"),
                &[
                    "/accounts/{account}/secondFactor",
                    "/accounts/{account}/loginLock",
                ],
            ),
        ] {
            let document: serde_json::Value = serde_yaml_ng::from_str(document).unwrap();
            let paths = document["paths"].as_object().unwrap().iter();
            let mut documented: Vec<_> = paths
                .flat_map(|(path, methods)| {
                    let methods = methods.as_object().unwrap().keys();
                    methods.map(move |method| format!("{} {path}", method.to_uppercase()))
                })
                .collect();
            documented.sort();
            let mut served: Vec<_> = ENDPOINTS
                .iter()
                .filter(|endpoint| about.iter().any(|prefix| endpoint.template.starts_with(prefix)))
                // Certificates are no configuration, and other identity sources have documents of their own.
                .filter(|endpoint| {
                    let template = endpoint.template;
                    let ours = !template.starts_with("/api/ucp/config/auth/") || template.ends_with("/ldap");
                    ours && template != "/api/ucp/config/certs"
                })
                .map(|endpoint| format!("{} {}", endpoint.method, endpoint.template))
                .collect();
            served.sort();
            assert_eq!(documented, served, "docs/api/{name} describes what is served");
        }
    }
}
