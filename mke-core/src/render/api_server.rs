//! The flags of kube-apiserver. It listens on 12388 for other components only; clients come through the controller,
//! which says who they are by request headers.

use serde_json::json;

use super::Work;
use super::encryption;
use super::flags::Origin;
use super::tls::cipher_suites;
use crate::config::AuditLevel;

/// The port of the API server, which only components of the cluster use.
const PORT: u16 = 12_388;

/// The port at which the store answers its clients.
pub(super) const STORE_PORT: u16 = 12_379;

/// The admission plugins of the documents, as far as they are Kubernetes' own.
const PLUGINS: [&str; 10] = [
    "DefaultStorageClass",
    "DefaultTolerationSeconds",
    "LimitRanger",
    "MutatingAdmissionWebhook",
    "NamespaceLifecycle",
    "NodeRestriction",
    "PodNodeSelector",
    "ResourceQuota",
    "ServiceAccount",
    "ValidatingAdmissionWebhook",
];

/// The last release (of Kubernetes 1) with pod security policies, and the first without labels on volumes.
const LAST_WITH_POLICIES: u16 = 24;

/// Where a machine on Azure keeps what Kubernetes must know of the cloud.
const AZURE: &str = "/etc/kubernetes/azure.json";

pub(super) fn render(work: &mut Work<'_>) {
    if work.is_absent(work.facts.not_on_workers()) {
        return;
    }
    let (config, facts) = (work.config, work.facts);
    let network = &config.cluster.network;
    let api = &config.cluster.api_server;
    let flags = &mut work.flags;
    flags.fact("advertise-address", facts.address, "address");
    flags.fixed("secure-port", PORT, "the port between components");
    flags.fixed("allow-privileged", true, "admission decides on each pod");
    flags.fixed("anonymous-auth", false, "callers come through the controller");
    flags.fixed(
        "authorization-mode",
        "Node,RBAC",
        "kubelets hold only what is theirs",
    );
    work.certificates(
        &facts.paths.node_certs,
        [
            ("client-ca-file", "ca.pem"),
            ("tls-cert-file", "cert.pem"),
            ("tls-private-key-file", "key.pem"),
        ],
        "paths.node_certs",
    );
    work.flags
        .fixed("tls-min-version", "VersionTLS12", "older versions are not safe");
    cipher_suites(
        work,
        "tls-cipher-suites",
        &api.cipher_suites_for_kube_api_server,
        "cluster_config.cipher_suites_for_kube_api_server",
    );
    store(work);
    let encryption = work.config_path(encryption::FILE);
    let flags = &mut work.flags;
    flags.fact("encryption-provider-config", encryption, "paths.config");
    flags.key(
        "service-cluster-ip-range",
        &network.service_cluster_ip_range,
        "cluster_config.service_cluster_ip_range",
    );
    flags.key(
        "service-node-port-range",
        &network.nodeport_range,
        "cluster_config.nodeport_range",
    );
    identities(work);
    admission(work);
    work.flags.key(
        "profiling",
        api.kube_api_server_profiling_enabled,
        "cluster_config.kube_api_server_profiling_enabled",
    );
    work.flags.key(
        "request-timeout",
        &api.kube_api_server_request_timeout,
        "cluster_config.kube_api_server_request_timeout",
    );
    audit(work);
    http2(work);
    cloud(work);
    encryption::mount(work);
    work.custom(
        "cluster_config.custom_kube_api_server_flags",
        &api.custom_kube_api_server_flags,
    );
}

fn store(work: &mut Work<'_>) {
    let servers = work.facts.managers.iter();
    let servers: Vec<_> = servers
        .map(|manager| super::etcd::url(*manager, STORE_PORT))
        .collect();
    work.flags.fact("etcd-servers", servers.join(","), "managers");
    work.certificates(
        &work.facts.paths.kv_certs,
        [
            ("etcd-cafile", "ca.pem"),
            ("etcd-certfile", "cert.pem"),
            ("etcd-keyfile", "key.pem"),
        ],
        "paths.kv_certs",
    );
}

/// Who kubelets, service accounts and the controller in front are.
fn identities(work: &mut Work<'_>) {
    work.certificates(
        &work.facts.paths.node_certs,
        [
            ("kubelet-certificate-authority", "ca.pem"),
            ("kubelet-client-certificate", "cert.pem"),
            ("kubelet-client-key", "key.pem"),
        ],
        "paths.node_certs",
    );
    let path = |name: &str| format!("{}/{name}", work.facts.paths.config);
    let (public, private, front) = (
        path("service-account.pub"),
        path("service-account.key"),
        path("front-proxy-ca.pem"),
    );
    let flags = &mut work.flags;
    flags.fixed(
        "kubelet-preferred-address-types",
        "InternalIP,Hostname",
        "nodes are reached at their own addresses",
    );
    flags.fact("service-account-key-file", public, "paths.config");
    flags.fact("service-account-signing-key-file", private, "paths.config");
    flags.fixed(
        "service-account-issuer",
        "https://kubernetes.default.svc",
        "the name of the API inside of the cluster",
    );
    let why = "the controller proves itself with a certificate of an authority of its own";
    flags.fact("requestheader-client-ca-file", front, "paths.config");
    flags.fixed("requestheader-allowed-names", "ucp-controller", why);
    flags.fixed("requestheader-username-headers", "X-Remote-User", why);
    flags.fixed("requestheader-group-headers", "X-Remote-Group", why);
    flags.fixed("requestheader-extra-headers-prefix", "X-Remote-Extra-", why);
    open_id(work);
}

/// The identity provider, for clients that bring its tokens (OpenID Connect). What its criteria ask beyond the equality of
/// a claim, the API server cannot check; then it does not take such tokens at all.
fn open_id(work: &mut Work<'_>) {
    let provider = &work.config.auth.external_identity_provider;
    let Some(client) = provider.client_id.as_deref().filter(|id| !id.is_empty()) else {
        return;
    };
    let mut skip = |why: &str| {
        work.notes.push(format!(
            "the API server takes no tokens of `auth.external_identity_provider` itself: {why}; the controller does"
        ));
    };
    if !provider.issuer.starts_with("https://") {
        return skip("`issuer` is not an https:// address");
    }
    let criteria = &provider.sign_in_criteria;
    let plain =
        |text: &str| !text.is_empty() && !text.contains([',', '=']) && !text.contains(char::is_control);
    if !criteria
        .iter()
        .all(|rule| rule.match_type == "must" && plain(&rule.term) && plain(&rule.value))
    {
        return skip(
            "it can check only `signInCriteria` of the type `must`, without commas and equals signs",
        );
    }
    let claims: Vec<_> = criteria
        .iter()
        .map(|rule| format!("{}={}", rule.term, rule.value))
        .collect();
    let ca = provider.ca_bundle.clone();
    let ca = (!ca.is_empty()).then(|| {
        let origin = Origin::Key("auth.external_identity_provider.caBundle");
        work.file("oidc-ca.pem", ca, origin)
    });
    let flags = &mut work.flags;
    flags.key(
        "oidc-issuer-url",
        &provider.issuer,
        "auth.external_identity_provider.issuer",
    );
    flags.key(
        "oidc-client-id",
        client,
        "auth.external_identity_provider.clientID",
    );
    flags.key(
        "oidc-username-claim",
        &provider.username_claim,
        "auth.external_identity_provider.usernameClaim",
    );
    flags.fixed(
        "oidc-username-prefix",
        "oidc:",
        "so that no token names an account of the product",
    );
    flags.key_if_given(
        "oidc-ca-file",
        ca.as_deref(),
        "auth.external_identity_provider.caBundle",
    );
    for claim in claims {
        flags.key(
            "oidc-required-claim",
            claim,
            "auth.external_identity_provider.signInCriteria",
        );
    }
}

fn admission(work: &mut Work<'_>) {
    let cluster = &work.config.cluster;
    let api = &cluster.api_server;
    let mut plugins: Vec<_> = PLUGINS.to_vec();
    if work.facts.kubernetes_minor <= LAST_WITH_POLICIES {
        plugins.push("PersistentVolumeLabel");
        if cluster.policy.pod_security_policy {
            plugins.push("PodSecurityPolicy");
        }
    } else if cluster.policy.pod_security_policy {
        let release = work.facts.kubernetes_minor;
        work.notes.push(format!(
            "Kubernetes 1.{release} has no pod security policies: `cluster_config.policy_enforcement.pod_security_policy` \
             has no effect in it"
        ));
    }
    if api.k8s_always_pull_images_ac_enabled {
        plugins.push("AlwaysPullImages");
    }
    let limit = cluster.event_rate_limit.event_rate_limit_ac_enabled;
    if limit {
        plugins.push("EventRateLimit");
    }
    plugins.sort_unstable();
    let why = "the admission plugins of the documents";
    work.flags
        .fixed("enable-admission-plugins", plugins.join(","), why);
    if limit {
        // The documents name no rates; these are the ones that the CIS benchmark shows.
        let text = yaml(&json!({
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "AdmissionConfiguration",
            "plugins": [{
                "name": "EventRateLimit",
                "configuration": {
                    "apiVersion": "eventratelimit.admission.k8s.io/v1alpha1",
                    "kind": "Configuration",
                    "limits": [{"type": "Server", "qps": 5000, "burst": 20_000}],
                },
            }],
        }));
        let key = "cluster_config.k8s_event_rate_limit.event_rate_limit_ac_enabled";
        let path = work.file("admission.yaml", text, Origin::Key(key));
        work.flags.key("admission-control-config-file", path, key);
    }
}

/// Kubernetes' own audit log. Bodies of secrets never go into it.
fn audit(work: &mut Work<'_>) {
    let api = &work.config.cluster.api_server;
    const AUDITING: &str = "cluster_config.kube_api_server_auditing";
    if !api.kube_api_server_auditing {
        return;
    }
    let custom = api.kube_api_server_custom_audit_policy_yaml.as_deref();
    let custom = custom.filter(|_| api.kube_api_server_enable_custom_audit_policy);
    let (text, key) = match (custom, work.config.audit_log.level) {
        (Some(text), _) => {
            let key = "cluster_config.KubeAPIServerCustomAuditPolicyYaml";
            check_yaml(work, key, text, "audit.k8s.io/", "Policy");
            (text.to_owned(), key)
        }
        (None, AuditLevel::Off) => {
            work.problems.add(
                AUDITING,
                "needs `audit_log_configuration.level`: set that to `metadata` or `request`",
            );
            return;
        }
        (None, level) => (policy(level), "audit_log_configuration.level"),
    };
    let path = work.file("audit-policy.yaml", text, Origin::Key(key));
    let flags = &mut work.flags;
    flags.key("audit-policy-file", path, key);
    flags.fact("audit-log-path", &work.facts.paths.audit_log, "paths.audit_log");
    for (flag, value, key) in [
        (
            "audit-log-maxage",
            api.kube_api_server_audit_log_maxage,
            "cluster_config.kube_api_server_audit_log_maxage",
        ),
        (
            "audit-log-maxbackup",
            api.kube_api_server_audit_log_maxbackup,
            "cluster_config.kube_api_server_audit_log_maxbackup",
        ),
        (
            "audit-log-maxsize",
            api.kube_api_server_audit_log_maxsize,
            "cluster_config.kube_api_server_audit_log_maxsize",
        ),
    ] {
        flags.key(flag, value, key);
    }
}

/// The audit policy of a level.
fn policy(level: AuditLevel) -> String {
    let level = if level == AuditLevel::Request {
        "Request"
    } else {
        "Metadata"
    };
    yaml(&json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {
                "level": "Metadata",
                "resources": [
                    {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
                    {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
                ],
            },
            {"level": level},
        ],
    }))
}

fn http2(work: &mut Work<'_>) {
    let cluster = &work.config.cluster;
    if cluster.disable_http2 {
        work.flags
            .key("disable-http2-serving", true, "cluster_config.disable_http2");
    }
    if cluster.unauthenticated_http2_dos_mitigation {
        work.flags.key(
            "feature-gates",
            "UnauthenticatedHTTP2DOSMitigation=true",
            "cluster_config.unauthenticated_http2_dos_mitigation",
        );
    }
}

/// The cloud provider inside of Kubernetes. One that stands outside is told to kubelets only.
pub(super) fn cloud(work: &mut Work<'_>) {
    let provider = &work.config.cluster.cloud_provider;
    if provider.is_empty() || provider == "external" {
        return;
    }
    work.flags
        .key("cloud-provider", provider, "cluster_config.cloud_provider");
    cloud_config(work);
}

/// The file of the cloud that needs one.
pub(super) fn cloud_config(work: &mut Work<'_>) {
    if work.config.cluster.cloud_provider == "azure" {
        work.flags
            .fixed("cloud-config", AZURE, "where a machine on Azure keeps it");
    }
}

/// Whether the text is YAML of this kind.
pub(super) fn check_yaml(work: &mut Work<'_>, key: &str, text: &str, group: &str, kind: &str) {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        api_version: String,
        kind: String,
    }
    match serde_yaml_ng::from_str::<Head>(text) {
        Ok(head) if head.kind == kind && head.api_version.starts_with(group) => {}
        Ok(head) => work.problems.add(
            key,
            format!(
                "the text is {:?} of {:?}: it must be a `{kind}` of `{group}`",
                head.kind, head.api_version
            ),
        ),
        // The parser's words could repeat a part of the text.
        Err(_) => work.problems.add(
            key,
            format!("the text is no YAML with `apiVersion` and `kind: {kind}`"),
        ),
    }
}

/// A tree as YAML. What is made here has no value that YAML cannot hold.
pub(super) fn yaml(tree: &serde_json::Value) -> String {
    serde_yaml_ng::to_string(tree).unwrap_or_default()
}
