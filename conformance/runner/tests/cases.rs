//! The case files through the library, and the runner's own behaviour on files that are wrong.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that meets something unexpected must stop the test"
)]

use std::path::{Path, PathBuf};

use mke_conformance::case::{CaseError, CaseFile};
use mke_conformance::run::{Tally, run};
use mke_conformance::via::{Library, Via};

fn files() -> Vec<CaseFile> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cases");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.sort();
    paths.iter().map(|path| CaseFile::read(path).unwrap()).collect()
}

fn through_library(files: &[CaseFile]) -> (Tally, String) {
    let mut report = Vec::new();
    let mut ways: Vec<Box<dyn Via>> = vec![Box::new(Library)];
    let tally = run(files, &mut ways, &mut report).unwrap();
    (tally, String::from_utf8(report).unwrap())
}

/// RBAC-017, RBAC-020, RBAC-025, RBAC-030, RBAC-033, RBAC-035: the tutorials, the defaults and the corners, as tables of
/// allowed and denied requests. K8S-001, rbac-08: the rules of Kubernetes, the roles that it makes by itself,
/// escalation, impersonation and coverage.
#[test]
fn every_case_passes_through_the_library() {
    let (tally, report) = through_library(&files());
    assert_eq!(tally.failed, 0, "{report}");
    assert_eq!(tally.passed, 136 + 493);
}

/// Ids are unique across files, so that a failing case is found at once.
#[test]
fn case_ids_are_unique() {
    let files = files();
    let mut ids: Vec<_> = files
        .iter()
        .flat_map(|file| {
            let kubernetes = file.kubernetes.iter().map(|case| &case.id);
            file.cases.iter().map(|case| &case.id).chain(kubernetes)
        })
        .collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

const FILE: &str = "format: rbac-scenarios/1
worlds:
  w:
    users: {jane: {}, root: {admin: true}}
    grants:
    - {id: g, subject: 'user:jane', role: viewonly, collection: /Shared}
scenarios:
- {id: X1, world: w, kind: check, request: {user: jane, operation: Service View, collection: /Shared}, expect: {decision: allow, decided_by: [g]}}
";

fn parse(text: &str) -> Result<CaseFile, CaseError> {
    CaseFile::parse(Path::new("test.yaml"), text)
}

/// A runner that cannot fail proves nothing: each wrong expectation is reported with both sides.
#[test]
fn wrong_expectations_are_reported() {
    for (from, to, line) in [
        (
            "decision: allow",
            "decision: deny",
            "decision: expected deny, got allow",
        ),
        ("[g]", "[other]", "decided_by: expected [other], got [g]"),
        ("[g]", "[]", "decided_by: expected [], got [g]"),
        (
            "decided_by: [g]",
            "missing: []",
            "missing: expected [], got nothing",
        ),
        (
            "decided_by: [g]",
            "operations: {}",
            "operations: expected {}, got nothing",
        ),
        ("decided_by: [g]", "error: x", "error: expected x, got nothing"),
        (
            "Service View",
            "Service Delete",
            "decision: expected allow, got deny",
        ),
        (
            "user: jane,",
            "user: nobody,",
            "decision: expected allow, got error",
        ),
    ] {
        let file = parse(&FILE.replace(from, to)).unwrap();
        let (tally, report) = through_library(&[file]);
        assert_eq!((tally.passed, tally.failed), (0, 1), "{report}");
        assert!(report.contains("X1 (w, via library):"), "{report}");
        assert!(report.contains(line), "{report}");
        assert!(report.ends_with("0 passed, 1 failed\n"));
    }
    let (tally, report) = through_library(&[parse(FILE).unwrap()]);
    assert_eq!(tally.passed, 1, "{report}");
}

/// Unknown fields, kinds, names and formats are refused wherever they stand.
#[test]
fn files_are_read_strictly() {
    for (from, to) in [
        ("format: rbac-scenarios/1", "format: rbac-scenarios/2"),
        ("users:", "people:"),
        ("jane: {}", "jane: {administrator: true}"),
        ("kind: check", "kind: guess"),
        ("operation: Service View", "operation: Service Look"),
        ("decision: allow", "decision: perhaps"),
        ("decided_by:", "decider:"),
        ("user: jane,", "user: jane, colour: red,"),
        ("world: w,", "world: elsewhere,"),
        ("expect: {decision: allow, decided_by: [g]}", "expect: {}"),
        ("role: viewonly", "role: viewall"),
        ("subject: 'user:jane'", "subject: 'user:joan'"),
        ("collection: /Shared}\n", "collection: /Shard}\n"),
        (
            "scenarios:\n",
            "scenarios:\n- {id: X1, world: w, kind: collections, request: {user: jane}, expect: {visible: []}}\n",
        ),
    ] {
        assert!(FILE.contains(from), "{from}");
        assert!(parse(&FILE.replace(from, to)).is_err(), "{to}");
    }
}

const KUBERNETES: &str = "format: kubernetes-cases/1
kubernetes_sets:
  s:
    roles:
    - {kind: ClusterRole, name: r, rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}
    bindings:
    - {kind: ClusterRoleBinding, role: {kind: ClusterRole, name: r}, subjects: [{kind: User, name: jane}]}
kubernetes_cases:
- {id: X1, kind: authorize, set: s, user: jane, request: {verb: get, group: '', resource: pods}, expect: allow}
- {id: X2, kind: write_role, set: s, user: jane, request: {verb: create, role: {kind: ClusterRole, name: n}}, expect: deny}
- {id: X3, kind: write_binding, set: s, user: jane, request: {verb: create, binding: {kind: ClusterRoleBinding, role: {kind: ClusterRole, name: gone}}}, expect: error}
- {id: X4, kind: impersonate, set: s, user: jane, request: {target: {groups: [g]}}, expect: error}
- {id: X5, kind: covers, request: {owner: [], requested: []}, expect: covered}
";

/// Every kind of Kubernetes case can fail, and an error counts as denial but a denial not as error.
#[test]
fn wrong_kubernetes_expectations_are_reported() {
    let (tally, report) = through_library(&[parse(KUBERNETES).unwrap()]);
    assert_eq!((tally.passed, tally.failed), (5, 0), "{report}");
    for (from, to, line) in [
        ("expect: allow", "expect: deny", "X1 (s, via library):"),
        (
            "expect: deny",
            "expect: allow",
            "expected allow, got deny: user \"jane\" cannot create",
        ),
        ("expect: deny", "expect: error", "expected error, got deny"),
        (
            "[g]}}, expect: error",
            "[g]}}, expect: allow",
            "expected allow, got error",
        ),
        (
            "expect: covered",
            "expect: not_covered",
            "expected notcovered, got covered",
        ),
    ] {
        let (tally, report) = through_library(&[parse(&KUBERNETES.replace(from, to)).unwrap()]);
        assert_eq!((tally.passed, tally.failed), (4, 1), "{report}");
        assert!(report.contains(line), "{report}");
    }
    let lenient = KUBERNETES.replace("expect: error", "expect: deny");
    let (tally, report) = through_library(&[parse(&lenient).unwrap()]);
    assert_eq!(tally.failed, 0, "{report}");
}

/// Unknown fields, kinds and sets are refused in Kubernetes cases too.
#[test]
fn kubernetes_files_are_read_strictly() {
    for (from, to) in [
        ("kubernetes_sets:", "sets:"),
        ("kind: authorize", "kind: guess"),
        (
            "set: s, user: jane, request: {verb: get",
            "set: t, user: jane, request: {verb: get",
        ),
        (
            "set: s, user: jane, request: {verb: get",
            "user: jane, request: {verb: get",
        ),
        (
            "set: s, user: jane, request: {verb: get",
            "set: s, request: {verb: get",
        ),
        ("{verb: get, group", "{verb: get, colour: red, group"),
        ("{verb: get, group", "{verb: get, user: joe, group"),
        ("expect: allow", "expect: perhaps"),
        ("expect: allow", "expect: error"),
        ("expect: allow", "expect: covered"),
        ("expect: covered", "expect: allow"),
        ("verb: create, role", "verb: invent, role"),
        ("{target: {groups: [g]}}", "{target: {team: [g]}}"),
        ("id: X2", "id: X1"),
    ] {
        assert!(KUBERNETES.contains(from), "{from}");
        assert!(parse(&KUBERNETES.replacen(from, to, 1)).is_err(), "{to}");
    }
}
