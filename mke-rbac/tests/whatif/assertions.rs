//! `test`: assertions that hold, that do not, and that cannot be checked.

use mke_rbac::inquiry::{PolicyTests, Report as _, TestOutcome, TestReport};
use mke_rbac::state::World;
use serde_json::json;

use crate::bank::{advanced, ask, world};

fn run(world: &World, tests: &str) -> TestReport {
    let tests = PolicyTests::parse(&format!("format: policy-tests/1\ntests:\n{tests}")).unwrap();
    ask::<PolicyTests>(world, serde_json::to_value(&tests).unwrap()).unwrap()
}

use TestOutcome::{Error, Failed, Passed};

/// Test table: each assertion about the bank with its outcome. Every kind of subject and of act is there, allowed and
/// denied; what names nothing is an error.
#[test]
fn assertions_about_the_bank() {
    let cases = [
        ("{must: 'user:sam', do: Service View, in: /prod}", Passed),
        (
            "{must: 'user:sam', do: [Service View, Service Delete], in: /prod}",
            Failed,
        ),
        (
            "{must: 'team:orcabank/security', do: Container Logs, in: /prod/db/mobile}",
            Passed,
        ),
        ("{must: 'org:orcabank', do: Service View, in: /prod}", Failed),
        ("{must: anyone, do: Node View, in: /Shared}", Failed),
        (
            "{must: [administrators, 'user:dina'], do: Container Exec, in: /prod/db}",
            Passed,
        ),
        (
            "{must-never: 'user:sam', do: Service Create, in: /prod, and-below: true}",
            Passed,
        ),
        (
            "{must-never: 'user:mindi', do: Service Create, in: /prod, and-below: true}",
            Failed,
        ),
        (
            "{must-never: anyone, except: 'team:orcabank/db', do: Container Exec, in: /prod/db}",
            Passed,
        ),
        (
            "{nobody-except: 'team:orcabank/db', do: Container Exec, in: /prod/db, and-below: true}",
            Passed,
        ),
        (
            "{nobody-except: 'team:orcabank/mobile', do: Secret Use, in: /prod/db/mobile}",
            Failed,
        ),
        (
            "{nobody-except: ['team:orcabank/mobile', 'team:orcabank/db'], do: Secret Use, in: /prod/db/mobile}",
            Passed,
        ),
        // Administrators count only where it is said.
        ("{must-never: anyone, do: Node Update, in: /System}", Passed),
        (
            "{must-never: anyone, administrators: true, do: Node Update, in: /System}",
            Failed,
        ),
        (
            "{nobody-except: administrators, administrators: true, do: Node Update, in: /System}",
            Passed,
        ),
        ("{must-never: 'user:root', do: Node Update, in: /System}", Failed),
        ("{must-never: anonymous, do: Service View, in: /}", Passed),
        (
            "{must-never: anyone, do: Container Create, with: [Privileged, Host Bind Mounts], in: /staging/mobile}",
            Failed,
        ),
        (
            "{must-never: anyone, do: Container Create, with: Privileged, in: /Shared}",
            Passed,
        ),
        (
            "{must: 'user:mindi', call: POST /containers/mobile-prod-1/exec}",
            Passed,
        ),
        ("{must: 'user:mindi', call: DELETE /services/mobile-prod}", Passed),
        (
            "{must-never: 'team:orcabank/payments', call: DELETE /services/mobile-prod}",
            Passed,
        ),
        ("{must-never: anyone, call: GET /services/payments-prod}", Failed),
        (
            "{must: 'user:mindi', ask: {kind: create, type: service, label: /prod/mobile}}",
            Passed,
        ),
        (
            "{must: 'user:peter', ask: {kind: create, type: service, label: /prod/mobile}}",
            Failed,
        ),
        // Errors.
        ("{must: 'user:nobody', do: Service View, in: /prod}", Error),
        (
            "{must-never: 'team:orcabank/nobody', do: Service View, in: /prod}",
            Error,
        ),
        (
            "{must-never: anyone, except: 'team:orcabank/nobody', do: Service View, in: /System}",
            Error,
        ),
        (
            "{nobody-except: 'user:nobody', do: Service View, in: /System}",
            Error,
        ),
        ("{must-never: anyone, do: Service View, in: /nowhere}", Error),
        ("{must-never: anyone, do: Service View}", Error),
        (
            "{must-never: anyone, do: Service View, with: Privileged, in: /}",
            Error,
        ),
        ("{must-never: anyone, do: [], in: /}", Error),
        (
            "{must: 'team:orcabank/db', except: 'user:dina', do: Service View, in: /}",
            Error,
        ),
        (
            "{must: 'user:sam', must-never: 'user:dina', do: Service View, in: /}",
            Error,
        ),
        ("{do: Service View, in: /}", Error),
        ("{must: 'user:sam'}", Error),
        (
            "{must: 'user:sam', do: Service View, in: /prod, call: GET /services/x}",
            Error,
        ),
        ("{must: 'user:sam', call: GET /services/x, in: /prod}", Error),
        ("{must: 'user:sam', call: /services/x}", Error),
        ("{must: 'user:sam', call: GET /nothing/here}", Error),
        ("{must-never: 'user:sam', call: GET /services/nowhere}", Error),
        (
            "{must-never: 'user:sam', ask: {kind: list, type: service}}",
            Error,
        ),
        ("{must-never: 'group:x', do: Service View, in: /}", Error),
        ("{must-never: anyone, kubernetes: {resource: pods}}", Error),
        ("{must-never: anyone, kubernetes: {verb: get}}", Error),
    ];
    for (test, expected) in cases {
        let report = run(&advanced(), &format!("- {test}"));
        assert_eq!(report.tests[0].outcome, expected, "{test}: {report}");
        let counted = (report.passed, report.failed, report.errors);
        let one = match expected {
            Passed => (1, 0, 0),
            Failed => (0, 1, 0),
            Error => (0, 0, 1),
        };
        assert_eq!(counted, one);
        assert_eq!(report.is_no(), expected == Failed);
    }
}

/// Test table: assertions about Kubernetes, for accounts, groups and service accounts.
#[test]
fn assertions_about_kubernetes() {
    let world = world(
        "
users: {ann: {}, bob: {}, boss: {admin: true}}
orgs: {dev: {teams: {web: [ann]}}}
k8s:
  roles:
  - {kind: ClusterRole, name: reader, rules: [{verbs: [get], apiGroups: [''], resources: [secrets]}]}
  bindings:
  - {kind: RoleBinding, name: web, namespace: blue, role: {kind: ClusterRole, name: reader},
     subjects: [{kind: Group, name: 'team:o-dev:t-dev/web'}, {kind: ServiceAccount, name: runner}]}
  - {kind: ClusterRoleBinding, name: system:x, role: {kind: ClusterRole, name: reader},
     subjects: [{kind: User, name: 'system:kube-thing'}]}
",
    );
    let secrets = "kubernetes: {verb: get, resource: secrets, namespace: blue}";
    let all = "'team:dev/web', 'service-account:blue/runner', system";
    let cases = [
        (format!("{{must: 'user:ann', {secrets}}}"), Passed),
        (format!("{{must: 'user:bob', {secrets}}}"), Failed),
        (format!("{{must: 'user:boss', {secrets}}}"), Passed),
        (format!("{{must-never: 'user:bob', {secrets}}}"), Passed),
        (format!("{{must-never: 'org:dev', {secrets}}}"), Failed),
        (
            format!("{{must: 'service-account:blue/runner', {secrets}}}"),
            Passed,
        ),
        (
            format!("{{must-never: 'service-account:green/runner', {secrets}}}"),
            Passed,
        ),
        (
            format!("{{must-never: 'kubernetes-user:system:kube-thing', {secrets}}}"),
            Failed,
        ),
        (
            format!("{{must-never: 'group:system:authenticated', {secrets}}}"),
            Passed,
        ),
        (format!("{{must-never: anonymous, {secrets}}}"), Passed),
        (format!("{{must-never: anyone, {secrets}}}"), Failed),
        (format!("{{nobody-except: [{all}], {secrets}}}"), Passed),
        (
            format!("{{nobody-except: ['team:dev/web', system], {secrets}}}"),
            Failed,
        ),
        (
            format!("{{nobody-except: ['team:dev/web', 'service-account:blue/runner'], {secrets}}}"),
            Failed,
        ),
        (
            "{nobody-except: system, kubernetes: {verb: get, resource: secrets, namespace: green}}"
                .to_owned(),
            Passed,
        ),
        (
            "{must: 'user:ann', kubernetes: {verb: [get, list], resource: secrets, namespace: blue}}"
                .to_owned(),
            Failed,
        ),
    ];
    for (test, expected) in cases {
        let report = run(&world, &format!("- {test}"));
        assert_eq!(report.tests[0].outcome, expected, "{test}: {report}");
    }
}

/// A file that says nothing, or something that is not understood, is no file of assertions.
#[test]
fn files_that_are_none() {
    for (text, named) in [
        ("", "tests"),
        ("format: policy-tests/1\ntests: []", "no assertion"),
        (
            "format: policy-tests/2\ntests: [{must: anyone}]",
            "policy-tests/2",
        ),
        ("format: policy-tests/1\ntests: [{must: anyone, doo: x}]", "doo"),
        (
            "format: policy-tests/1\ntests: [{must: anyone, do: Service Vew, in: /}]",
            "do",
        ),
        ("tests: [", "YAML"),
    ] {
        let error = PolicyTests::parse(text).unwrap_err().to_string();
        assert!(error.contains(named) || text.is_empty(), "{text}: {error}");
    }
    let empty = json!({"format": "policy-tests/1", "tests": []});
    assert!(ask::<PolicyTests>(&advanced(), empty).is_err());
}

/// Text and JUnit of a report with every outcome. Names may hold anything.
#[test]
fn reports() {
    let report = run(
        &advanced(),
        "- {name: \"<sees> & \\\"reads\\\" \\u0001\\n it\", must: 'user:sam', do: Service View, in: /prod}
- {reason: nobody but its team works on the database, must-never: anyone, do: Container Exec, in: /prod/db}
- {must-never: anyone, do: Container Exec, in: /prod/bd}",
    );
    insta::assert_snapshot!(report.to_string());
    let junit = report.junit();
    let document = roxmltree::Document::parse(&junit).unwrap();
    let names: Vec<_> = document
        .descendants()
        .filter_map(|node| node.attribute("name"))
        .collect();
    // What XML cannot hold is replaced; everything else comes back.
    assert_eq!(names[1], "<sees> & \"reads\" \u{fffd}\n it");
    let elements = |name: &str| {
        document
            .descendants()
            .filter(|node| node.has_tag_name(name))
            .count()
    };
    assert_eq!(
        (elements("testcase"), elements("failure"), elements("error")),
        (3, 1, 1)
    );
    insta::assert_snapshot!(junit);
}
