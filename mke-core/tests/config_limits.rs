//! The limits of the readers: a text that just fits and one that is just too much, for each limit and each format.

#![cfg(test)]

use mke_core::config::{
    AzureConfig, Config, Document, Interlock, Ldap, MAX_BYTES, MAX_DEPTH, MAX_TEXT, RawConfig, ReadOptions,
    Value,
};

const INTERLOCK: &str = include_str!("config_files/interlock.toml");
const LDAP: &str = include_str!("config_files/ldap.json");
const AZURE: &str = include_str!("config_files/azure.json");

/// The text with so much white space behind it that it has this many bytes.
fn padded(text: &str, bytes: usize) -> String {
    format!("{text}{}", " ".repeat(bytes - text.len()))
}

/// G-02, config-01: the size of every file.
#[test]
fn sec_config_01_size() {
    for (text, read) in [
        (
            "[auth]\n",
            (|text| Config::parse(text).is_ok()) as fn(&str) -> bool,
        ),
        ("[auth]\n", |text| Document::parse(text).is_ok()),
        (INTERLOCK, |text| Interlock::parse(text).is_ok()),
        (LDAP, |text| Ldap::parse_json(text).is_ok()),
        (AZURE, |text| AzureConfig::parse(text).is_ok()),
    ] {
        assert!(read(&padded(text, MAX_BYTES)));
        assert!(!read(&padded(text, MAX_BYTES + 1)));
    }
    // An edit cannot make a file that could not be read.
    let mut file = Document::parse(&padded("[auth]\n", MAX_BYTES)).unwrap();
    let before = file.to_string();
    let key = "auth.backend".parse().unwrap();
    assert!(file.set(&key, &Value::Text("managed".into())).is_err());
    assert_eq!(file.to_string(), before);
}

/// G-02, config-01: how deep lists and tables stand, in both languages, headers and dotted keys too.
#[test]
fn sec_config_01_depth() {
    let lists = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let inline = |depth: usize| format!("{}1{}", "{a=".repeat(depth), "}".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let dotted = |names: usize| vec!["a"; names].join(".");
    // The root is no level; the innermost value is one.
    for (fits, fine) in [(MAX_DEPTH - 1, true), (MAX_DEPTH, false)] {
        for text in [
            format!("a = {}", lists(fits)),
            format!("a = {}", inline(fits)),
            format!("{} = 1", dotted(fits + 1)),
            format!("[{}]\na = 1", dotted(fits)),
            format!("[[{}]]\n", dotted(fits)),
        ] {
            let read = RawConfig::from_toml(&text).map(drop);
            assert_eq!(read.is_ok(), fine, "{text}: {read:?}");
        }
        for text in [format!("{{\"a\":{}}}", lists(fits)), objects(fits + 1)] {
            let read = RawConfig::from_json(&text).map(drop);
            assert_eq!(read.is_ok(), fine, "{text}: {read:?}");
        }
    }
}

/// G-02, config-01: the length of one text, and how many mistakes are told.
#[test]
fn sec_config_01_texts_and_mistakes() {
    for (length, fine) in [(MAX_TEXT, true), (MAX_TEXT + 1, false)] {
        let long = "x".repeat(length);
        assert_eq!(
            Config::parse(&format!("[auth.ldap]\nroot_certs = \"{long}\"")).is_ok(),
            fine
        );
        assert_eq!(
            Config::parse(&format!("[auth.ldap]\nroot_certs = '''{long}'''")).is_ok(),
            fine
        );
        let body = LDAP.replacen("\"rootCerts\": \"\"", &format!("\"rootCerts\": \"{long}\""), 1);
        assert_ne!(body, LDAP);
        assert_eq!(Ldap::parse_json(&body).is_ok(), fine);
    }
    let mistakes = |count: usize| {
        let text: String = (0..count).map(|index| format!("k{index} = 1\n")).collect();
        Config::parse(&text).unwrap_err().0.len()
    };
    assert_eq!([mistakes(199), mistakes(200), mistakes(201)], [199, 200, 200]);
    let faults = |count: usize| Config::parse(&"a = \n".repeat(count)).unwrap_err().0.len();
    assert!(faults(200) <= 200 && faults(1_000) <= 200);
}

/// config-03: an unknown key is a mistake with the nearest known one; where it is let through, every write keeps it.
#[test]
fn sec_config_03_unknown_keys_are_never_dropped() {
    let text = "# mke-version: 4.1\n[auth]\nshiny = 1\nbackend = \"managed\"\n[new_table]\na = { b = 1 }\n";
    let problems = Config::parse("[auth]\nbackendd = \"managed\"\n").unwrap_err();
    assert_eq!(problems.0[0].nearest.as_deref(), Some("auth.backend"));
    let options = ReadOptions {
        keep_unknown: true,
        ..ReadOptions::default()
    };
    let mut file = Document::parse(text).unwrap();
    assert_eq!(file.read(&options).unwrap().unknown, ["auth.shiny", "new_table"]);
    for key in ["auth.backend", "auth.default_new_user_role"] {
        file.set(&key.parse().unwrap(), &Value::Text("none".into()))
            .unwrap();
    }
    file.unset(&"auth.backend".parse().unwrap()).unwrap();
    file.merge(&Document::parse("[auth.sessions]\nper_user_limit = 3\n").unwrap())
        .unwrap();
    assert_eq!(file.read(&options).unwrap().unknown, ["auth.shiny", "new_table"]);
    assert!(file.to_string().contains("a = { b = 1 }"));
}

/// config-05: what contradicts itself is refused before anything applies, and the message names the key; what does not
/// is taken.
#[test]
fn sec_config_05_contradictions() {
    for (text, key) in [
        ("pod_cidr = \"10.96.0.0/12\"", "pod_cidr"),
        ("pod_cidr = \"fd00::/129\"", "pod_cidr"),
        ("nodeport_range = \"35535-32768\"", "nodeport_range"),
        ("nodeport_range = \"0-10\"", "nodeport_range"),
        ("controller_port = 6443", "kube_apiserver_port"),
        ("controller_port = 33000", "controller_port"),
        (
            "cipher_suites_for_kubelet = \"TLS_AES_128_GCM_SHA256,\"",
            "cipher_suites_for_kubelet",
        ),
        (
            "cipher_suites_for_kubelet = \"TLS_MADE_UP_SHA256\"",
            "cipher_suites_for_kubelet",
        ),
        (
            "cipher_suites_for_etcd_server = \",\"",
            "cipher_suites_for_etcd_server",
        ),
    ] {
        let problems = Config::parse(&format!("[cluster_config]\n{text}\n")).unwrap_err();
        let key = format!("cluster_config.{key}");
        let found = problems.0.iter().find(|problem| problem.key == key);
        assert!(
            found.is_some_and(|problem| !problem.message.contains("unknown key")),
            "{text}: {problems}"
        );
    }
    for fine in [
        "pod_cidr = \"10.32.0.0/16\"",
        "nodeport_range = \"32768-35535\"",
        "controller_port = 8443",
        "cipher_suites_for_kubelet = \"TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"",
    ] {
        assert!(
            Config::parse(&format!("[cluster_config]\n{fine}\n")).is_ok(),
            "{fine}"
        );
    }
}
