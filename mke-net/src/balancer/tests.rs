use serde_json::json;

use super::*;

fn managers() -> Vec<String> {
    ["192.0.2.1", "manager2.example.org", "2001:db8::3"]
        .map(str::to_owned)
        .to_vec()
}

fn problems(name: &str, managers: &[&str], kubernetes: Option<u16>) -> Vec<String> {
    let managers: Vec<_> = managers.iter().map(|name| (*name).to_owned()).collect();
    let problems = Balancer::new(name, &managers, 443, kubernetes).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

/// LB-001, LB-002: connections are passed through on both ports, and no manager is left out.
#[test]
fn rendered_files_name_every_manager_and_port() {
    let balancer = Balancer::new("ucp.example.org", &managers(), 443, Some(6443)).unwrap();
    let nginx = nginx(&balancer);
    let haproxy = haproxy(&balancer);
    for port in [443, 6443] {
        for manager in ["192.0.2.1", "manager2.example.org", "[2001:db8::3]"] {
            assert!(
                nginx.contains(&format!("server {manager}:{port} max_fails=2 fail_timeout=30s;")),
                "{nginx}"
            );
            assert!(haproxy.contains(&format!(" {manager}:{port} check")), "{haproxy}");
        }
        assert!(nginx.contains(&format!("listen {port};")));
        assert!(haproxy.contains(&format!("bind :{port}\n")));
    }
    assert!(!nginx.contains("ssl"), "TLS is not ended: {nginx}");
    assert_eq!(
        haproxy.matches("check-ssl").count(),
        3,
        "only the API is asked: {haproxy}"
    );
    let aws = aws(&balancer);
    assert_eq!(aws["create"]["Listeners"][1]["InstancePort"], json!(6443));
    assert_eq!(aws["health"]["HealthCheck"]["Target"], json!("HTTPS:443/_ping"));
    assert_eq!(aws["create"]["LoadBalancerName"], json!("ucp-example-org"));
}

#[test]
fn a_cluster_without_kubernetes_has_one_port() {
    let balancer = Balancer::new("192.0.2.9", &managers(), 8443, None).unwrap();
    assert!(!nginx(&balancer).contains("6443"));
    assert_eq!(aws(&balancer)["create"]["Listeners"].as_array().unwrap().len(), 1);
}

/// LB-002: nothing that would break out of a configuration file is taken, and all problems are told.
#[test]
fn what_is_no_name_is_refused() {
    assert_eq!(problems("ucp", &[], None), ["no manager is named"]);
    assert_eq!(
        problems("u;cp", &["a b", "m1", "M1", "", "m{2}", "-x"], Some(443)),
        [
            "`a b` is no host name or address",
            "manager `M1` is named twice",
            "`` is no host name or address",
            "`m{2}` is no host name or address",
            "`-x` is no host name or address",
            "`u;cp` is no host name or address",
            "the API and the Kubernetes API both listen on port 443: give one of them another port, or use two balancers \
             or two virtual addresses",
        ]
    );
}

/// LB-003: a registry on the same port needs another address or another port.
#[test]
fn a_registry_beside_the_control_plane() {
    let balancer = Balancer::new("ucp", &managers(), 443, Some(6443)).unwrap();
    assert_eq!(balancer.beside("the registry", 5000), Ok(()));
    let error = balancer.beside("the registry", 443).unwrap_err().to_string();
    assert!(
        error.starts_with("the control plane and the registry both listen on port 443"),
        "{error}"
    );
    assert!(balancer.clone().listen(443, 6443).is_err());
    assert_eq!(balancer.clone().listen(443, 0), Err(BalancerProblem::NoPort));
    let moved = balancer.listen(443, 8443).unwrap();
    assert_eq!(moved.beside("the registry", 443), Ok(()));
    let nginx = nginx(&moved);
    assert!(
        nginx.contains("listen 8443;") && nginx.contains("192.0.2.1:443 "),
        "{nginx}"
    );
}

/// LB-004: the name that clients use must be in the certificate.
#[test]
fn a_name_that_is_not_in_the_certificate_is_warned_about() {
    let names = ["Manager1.example.org", "*.lb.example.org", "192.0.2.1"].map(str::to_owned);
    for known in ["manager1.EXAMPLE.org", "x.lb.example.org", "192.0.2.1"] {
        assert_eq!(missing_name(known, &names), None);
    }
    for unknown in [
        "lb.example.org",
        ".lb.example.org",
        "a.b.lb.example.org",
        "192.0.2.2",
        "example.org",
    ] {
        let warning = missing_name(unknown, &names).unwrap();
        assert!(warning.contains(&format!("--san {unknown}")), "{warning}");
    }
}
