//! The words of generated policies and requests. Few, so that rules and requests often meet; and most of them nearly
//! another, because that is where two implementations part: stars, slashes, case, empty texts, names that look like
//! service accounts.

/// Names of users in bindings and requests.
pub(crate) const USERS: &[&str] = &[
    "alice",
    "bob",
    "Alice",
    "*",
    "",
    "alice ",
    "system:anonymous",
    "system:serviceaccount:ns1:sa",
    "system:serviceaccount:ns2:sa",
    "system:serviceaccount:ns1:default",
    "system:serviceaccount:ns1:",
    "system:serviceaccount::sa",
    "system:serviceaccount:ns1:sa:x",
    "system:serviceaccount:ns1",
    "system:serviceaccount:kube-system:default",
    "System:serviceaccount:ns1:sa",
    "system:kube-controller-manager",
    "sa",
    "ns1:sa",
    "żółw",
];

/// Names of groups in bindings and requests.
pub(crate) const GROUPS: &[&str] = &[
    "devs",
    "ops",
    "Devs",
    "",
    "*",
    "alice",
    "system:authenticated",
    "system:unauthenticated",
    "system:serviceaccounts",
    "system:serviceaccounts:ns1",
    "system:nodes",
];

/// Names of service accounts in bindings.
pub(crate) const ACCOUNTS: &[&str] = &["sa", "default", "", "*", "sa:x", "ns1:sa"];

/// Verbs of rules and requests.
pub(crate) const VERBS: &[&str] = &[
    "get",
    "list",
    "watch",
    "create",
    "update",
    "delete",
    "deletecollection",
    "*",
    "",
    "Get",
    "use",
    "impersonate",
    "get,list",
    "ge",
];

/// Groups of the API in rules and requests.
pub(crate) const API_GROUPS: &[&str] = &["", "", "apps", "*", "extensions", "Apps", "app", "apps/v1"];

/// Resources of rules.
pub(crate) const RULE_RESOURCES: &[&str] = &[
    "pods",
    "deployments",
    "namespaces",
    "secrets",
    "*",
    "pods/log",
    "pods/*",
    "*/log",
    "*/scale",
    "*/*",
    "*/",
    "",
    "/",
    "/log",
    "pods/",
    "Pods",
    "pod",
    "pods/log/x",
    "*/log/x",
    "deployments/scale",
    "namespaces/status",
    "namespaces/*",
    "**",
    "*pods",
    "pods*",
];

/// Resources of requests.
pub(crate) const RESOURCES: &[&str] = &[
    "pods",
    "pods",
    "deployments",
    "namespaces",
    "namespaces",
    "secrets",
    "*",
    "",
    "Pods",
    "pods/log",
    "pods/",
    "*/log",
    "/log",
    "/",
    "pods*",
];

/// Subresources of requests.
pub(crate) const SUBRESOURCES: &[&str] = &["log", "scale", "status", "", "*", "log/x", "Log", "/", "lo", "x"];

/// Names of objects in rules and requests.
pub(crate) const NAMES: &[&str] = &["web", "db", "", "*", "Web", "ns1", "ns2", "we", "web*"];

/// Namespaces of roles, bindings, subjects and requests.
pub(crate) const NAMESPACES: &[&str] = &["ns1", "ns1", "ns2", "kube-system", "", "Ns1", "*", "ns"];

/// Paths of rules.
pub(crate) const RULE_URLS: &[&str] = &[
    "/healthz",
    "/healthz/",
    "/healthz/*",
    "/healthz*",
    "*",
    "/*",
    "/",
    "",
    "/api",
    "/api/*",
    "/api*",
    "/api**",
    "/api/**",
    "**",
    "***",
    "/a*i",
    "/*/v1",
    "*/v1",
    "/Api",
    "/metrics",
    "/api/*/x*",
    "api*",
];

/// Paths of requests.
pub(crate) const PATHS: &[&str] = &[
    "/healthz",
    "/healthz/",
    "/healthz/ping",
    "/healthzz",
    "/",
    "",
    "/api",
    "/api/",
    "/api/v1",
    "/apis",
    "/api*",
    "/api**",
    "/api/*/x",
    "*",
    "**",
    "/metrics",
    "/v1",
    "api",
    "/Api",
];

/// Names of roles; the last are never defined.
pub(crate) const ROLES: &[&str] = &[
    "view", "edit", "admin", "r0", "r1", "r2", "r3", "R1", "", "a/b", "*", "missing", "gone",
];

/// Names of roles that are defined.
pub(crate) const DEFINED_ROLES: usize = ROLES.len() - 2;

/// Keys of labels.
pub(crate) const LABELS: &[&str] = &["to-view", "to-edit", "to-admin"];

/// Values of labels.
pub(crate) const LABEL_VALUES: &[&str] = &["true", "true", "false", ""];
