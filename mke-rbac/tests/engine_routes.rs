//! Every endpoint of Engine API 1.41 is known, and nothing else is.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking"
)]

use mke_rbac::demand::{Access, ObjectKind};
use mke_rbac::engine::{AnswerKind, Base, ENDPOINTS, Endpoint, RouteError, normalize, route};

struct Row {
    method: &'static str,
    template: &'static str,
    access: &'static str,
    operation: &'static str,
}

fn rows() -> Vec<Row> {
    include_str!("data/engine/api-1.41.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let mut columns = line.split(" | ");
            let (method, template) = columns.next().unwrap().split_once(' ').unwrap();
            Row {
                method,
                template,
                access: columns.next().unwrap(),
                operation: columns.next().unwrap(),
            }
        })
        .collect()
}

/// A path for a template; images get the longest names that there are.
fn path(template: &str) -> String {
    let image = template.starts_with("/images") || template.starts_with("/distribution");
    let name = if image { "localhost:5000/a/b:tag" } else { "thing" };
    template.replace("{id}", name).replace("{name}", name)
}

fn find(method: &str, target: &str) -> Result<&'static Endpoint, RouteError> {
    Ok(route(method, &normalize(target).expect("a path"))?.endpoint())
}

/// What a row of the table needs, in the words of the data file.
fn words(endpoint: &Endpoint) -> String {
    match (endpoint.base, endpoint.answer) {
        (Base::Own(operation), _) => format!("{operation} @ self"),
        (Base::Root(operation), _) => format!("{operation} @ root"),
        (Base::New(operation), _) => format!("{operation} @ new"),
        (Base::Nothing, AnswerKind::List(ObjectKind::Task)) => "Service View Tasks @ each".to_owned(),
        (Base::Nothing, AnswerKind::List(kind)) => {
            format!("{} @ each", kind.object_type().view_operation())
        }
        (Base::Nothing, AnswerKind::Prune { each, .. }) => format!("{each} @ each"),
        (Base::Nothing, AnswerKind::Events) => "<type> View @ each".to_owned(),
        (Base::Nothing, _) => "-".to_owned(),
    }
}

/// RBAC-012, proxy-01: the table holds every method and path of the API with its access and operation, and no more.
#[test]
fn sec_proxy_01_every_endpoint_is_classified() {
    let rows = rows();
    for row in &rows {
        let here = format!("{} {}", row.method, row.template);
        match find(row.method, &path(row.template)) {
            Ok(endpoint) => {
                assert_eq!(endpoint.template, row.template, "{here}");
                let access = match endpoint.access {
                    Access::Public => "public",
                    Access::Authenticated => "authenticated",
                    Access::Admin => "admin",
                    Access::Operation => "operation",
                    Access::Filter => "filter",
                };
                assert_eq!(access, row.access, "{here}");
                assert_eq!(words(endpoint), row.operation, "{here}");
                let open = endpoint.access == Access::Operation && endpoint.base == Base::Nothing;
                assert!(!open, "{here} needs an operation and names none");
            }
            Err(RouteError::NotAvailable { .. }) => assert_eq!(row.access, "unavailable", "{here}"),
            Err(error) => panic!("{here}: {error}"),
        }
    }
    for endpoint in ENDPOINTS {
        let count = rows
            .iter()
            .filter(|row| row.method == endpoint.method && row.template == endpoint.template)
            .count();
        assert_eq!(count, 1, "{} {}", endpoint.method, endpoint.template);
    }
}

/// proxy-01, proxy-02, proxy-03: no mutation of a known method and path reaches an endpoint.
#[test]
fn sec_proxy_01_mutations_reach_nothing() {
    for row in rows() {
        let path = path(row.template);
        let lower = row.method.to_lowercase();
        for method in [
            lower.as_str(),
            "OPTIONS",
            "TRACE",
            "CONNECT",
            "PATCH",
            "get",
            "",
            "GET ",
        ] {
            let refused = route(method, &normalize(&path).unwrap()).is_err();
            assert!(refused, "{method} {path}");
        }
        let first = path.strip_prefix('/').unwrap();
        for changed in [
            format!("/libpod{path}"),
            format!("/v1.41/v1.41{path}"),
            format!("/v1.41/libpod{path}"),
            format!("/api{path}"),
            format!("/{}", first.to_uppercase()),
            format!("{path}/and/more/than/that"),
        ] {
            let Ok(target) = normalize(&changed) else { continue };
            let found = route(row.method, &target);
            let image = found.as_ref().is_ok_and(|route| {
                route
                    .own_object()
                    .is_some_and(|own| own.kind == ObjectKind::Image)
            });
            assert!(found.is_err() || image, "{} {changed}", row.method);
        }
    }
}

/// proxy-01: what a newer API adds is refused until somebody classifies it.
#[test]
fn sec_proxy_01_unknown_paths_are_refused() {
    for (method, path) in [
        ("PUT", "/volumes/data"),
        ("POST", "/containers/c/checkpoints"),
        ("GET", "/containers/c"),
        ("POST", "/containers/c/copy"),
        ("POST", "/images/c/attach"),
        ("GET", "/debug/vars"),
        ("GET", "/metrics"),
        ("GET", "/"),
        ("POST", "/containers/a/b/c/start"),
        ("GET", "/services/a/b"),
    ] {
        assert!(find(method, path).is_err(), "{method} {path}");
    }
    assert!(matches!(
        find("POST", "/info"),
        Err(RouteError::UnknownMethod { .. })
    ));
    assert!(matches!(
        find("POST", "/plugins/pull"),
        Err(RouteError::NotAvailable { .. })
    ));
    assert!(matches!(
        find("DELETE", "/plugins/a/b"),
        Err(RouteError::NotAvailable { .. })
    ));
}

/// proxy-02: versions between 1.20 and 1.41 are served, others are refused with a reason that clients know.
#[test]
fn sec_proxy_02_versions() {
    for version in ["v1.20", "v1.24", "v1.40", "v1.41"] {
        assert!(find("GET", &format!("/{version}/info")).is_ok(), "{version}");
    }
    for (version, why) in [
        (
            "v1.42",
            "client version 1.42 is too new. Maximum supported API version is 1.41",
        ),
        (
            "v1.99",
            "client version 1.99 is too new. Maximum supported API version is 1.41",
        ),
        (
            "v2.0",
            "client version 2.0 is too new. Maximum supported API version is 1.41",
        ),
        (
            "v1.19",
            "client version 1.19 is too old. Minimum supported API version is 1.20",
        ),
        (
            "v0.99",
            "client version 0.99 is too old. Minimum supported API version is 1.20",
        ),
    ] {
        let error = find("GET", &format!("/{version}/info")).unwrap_err();
        assert_eq!(error.to_string(), why);
    }
}

/// Names of several elements belong to images, and to objects of one node; the longest literal path wins.
#[test]
fn names_in_paths() {
    for (method, path, kind, name) in [
        (
            "GET",
            "/images/localhost:5000/a/b:tag/json",
            ObjectKind::Image,
            "localhost:5000/a/b:tag",
        ),
        (
            "GET",
            "/images/a@sha256:00ff/history",
            ObjectKind::Image,
            "a@sha256:00ff",
        ),
        (
            "GET",
            "/distribution/registry/x/y/json",
            ObjectKind::Image,
            "registry/x/y",
        ),
        ("DELETE", "/images/a/json", ObjectKind::Image, "a/json"),
        ("GET", "/volumes/node-1/data", ObjectKind::Volume, "node-1/data"),
        ("GET", "/volumes/create", ObjectKind::Volume, "create"),
        (
            "POST",
            "/containers/node-1/web/start",
            ObjectKind::Container,
            "node-1/web",
        ),
        ("GET", "/containers/web/attach/ws", ObjectKind::Container, "web"),
        ("GET", "/containers/create/json", ObjectKind::Container, "create"),
        (
            "GET",
            "/containers/user%3Aweb/json",
            ObjectKind::Container,
            "user:web",
        ),
    ] {
        let route = route(method, &normalize(path).unwrap()).expect(path);
        let own = route.own_object().expect(path);
        assert_eq!((own.kind, own.name.as_str()), (kind, name), "{path}");
    }
    assert_eq!(find("GET", "/images/get").unwrap().template, "/images/get");
    assert_eq!(find("GET", "/images/json").unwrap().template, "/images/json");
    let long = format!("/images/{}/json", "n".repeat(2000));
    assert!(matches!(find("GET", &long), Err(RouteError::NameTooLong { .. })));
}

/// proxy-21: calls that read or write a container's files or streams are not covered by the right to view it.
#[test]
fn sec_proxy_21_reading_files_is_no_viewing() {
    for (method, path) in [
        ("GET", "/containers/c/archive"),
        ("HEAD", "/containers/c/archive"),
        ("PUT", "/containers/c/archive"),
        ("GET", "/containers/c/export"),
        ("GET", "/containers/c/changes"),
        ("GET", "/containers/c/attach/ws"),
    ] {
        let base = find(method, path).unwrap().base;
        let view = matches!(base, Base::Own(mke_rbac::operation::Operation::ContainerView));
        assert!(matches!(base, Base::Own(_)) && !view, "{method} {path}");
    }
}
