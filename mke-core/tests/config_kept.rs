//! How an operator's file is kept, shown and changed.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

use mke_core::config::{Config, Kept, KeyPath, Ldap, MASK, ReadOptions, Registry, UserSearch, Value, keys};
use proptest::prelude::*;

const FILE: &str = "# The cluster of the north.\n[auth]\n  backend = \"managed\" # as ever\n\n  [auth.sessions]\n    \
                    lifetime_minutes = 90\n\n[[registries]] # the first\n  host_address = \"a\"\n  service_id = \"1\"\n\n\
                    [auth.samlProxy.credentials.basic]\n  user = \"u\"\n  password = \"canary\" # of the proxy\n# The \
                    end.\n";
const LDAP: &str = "\n[auth.ldap]\n  server_url = \"ldaps://ldap.example.com\"\n  reader_dn = \"cn=reader\"\n  \
                    reader_password = \"canary-ldap\"\n  [[auth.ldap.user_search_configs]]\n    base_dn = \
                    \"dc=example\"\n    match_group = false\n  [auth.ldap.admin_sync_opts]\n    enable_sync = false\n";

const PLAIN: ReadOptions<'_> = ReadOptions {
    file: None,
    keep_unknown: false,
    in_force: false,
};

fn accept(before: &Kept, text: &str) -> Kept {
    before.accept(text, &PLAIN).unwrap().kept
}

fn config(kept: &Kept) -> Config {
    kept.read(&PLAIN).unwrap().value
}

fn directory() -> Ldap {
    let whole = format!("[auth]\nbackend = \"managed\"\n{LDAP}");
    Config::parse(&whole).unwrap().auth.ldap
}

/// CFG-001, CFG-003: the file is kept byte for byte; its export lists every key, keeps the comments, and is no change
/// when it comes back.
#[test]
fn an_export_that_comes_back_changes_nothing() {
    let kept = accept(&Kept::default(), FILE);
    assert_eq!(kept.text, FILE);
    let export = kept.export().unwrap();
    for line in FILE.lines() {
        let shown = line.replace("canary", MASK);
        assert!(
            export.lines().any(|other| other == shown),
            "{shown} is not in\n{export}"
        );
    }
    let plain = Kept::default().export().unwrap();
    let keys = |text: &str| {
        let keys = text.lines().filter_map(|line| line.trim().split_once(" = "));
        keys.map(|(key, _)| key.to_owned()).collect::<Vec<_>>()
    };
    for key in keys(&plain) {
        assert!(keys(&export).contains(&key), "{key} is missing");
    }
    let again = kept.accept(&export, &PLAIN).unwrap();
    assert!(again.reading.value == config(&kept));
    assert_eq!(again.kept.export().unwrap(), export);
}

/// config-07, ldap-17: no secret and nothing of the directory is in an export; a mask that comes back stands for the
/// secret that is kept, in the same place, and for nothing else.
#[test]
fn sec_config_07_masks_stand_for_kept_secrets() {
    let kept = accept(&Kept::default(), FILE);
    let export = kept.export().unwrap();
    assert!(!export.contains("canary") && export.contains(&format!("password = \"{MASK}\" # of the proxy")));
    let back = accept(
        &kept,
        &export.replace("lifetime_minutes = 90", "lifetime_minutes = 80"),
    );
    let password = |kept: &Kept| {
        let basic = config(kept).auth.saml_proxy.credentials.basic;
        basic.password.map(|secret| secret.expose().to_owned())
    };
    assert_eq!(password(&back).as_deref(), Some("canary"));
    assert_eq!(
        password(&accept(&kept, &export.replace(MASK, "new"))).as_deref(),
        Some("new")
    );
    // Where none is kept the mask means nothing; other problems are told with it.
    let both = export.replace("lifetime_minutes = 90", "lifetime_minutes = 9");
    let problems = Kept::default().accept(&both, &PLAIN).unwrap_err().0;
    let told: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        told,
        [
            "auth.sessions.lifetime_minutes",
            "auth.samlProxy.credentials.basic.password"
        ]
    );
    assert!(problems.iter().all(|problem| problem.line > 1));
    // Every secret key is found by the name that files hold it under.
    assert!(
        keys()
            .iter()
            .filter(|key| key.secret)
            .all(|key| key.aliases.is_empty())
    );
    assert!(!format!("{kept:?}").contains("canary"));
}

/// config-01: each mask costs an edit of the whole text, so their number is bounded before any is replaced.
#[test]
fn sec_config_01_masks_are_bounded() {
    let rows = |count: usize| {
        let row = format!("[[auth.ldap.additional_domains]]\nreader_password = \"{MASK}\"\n");
        row.repeat(count)
    };
    let problems = Kept::default().accept(&rows(201), &PLAIN).unwrap_err().0;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].message.contains("at most 200"), "{problems:?}");
    let problems = Kept::default().accept(&rows(200), &PLAIN).unwrap_err().0;
    assert!(problems.len() >= 200, "{problems:?}");
}

/// What an earlier version took stays readable and can be exported when a new version has a rule against it; the next
/// change has to mend it.
#[test]
fn new_rules_do_not_stop_what_is_in_force() {
    let kept = Kept {
        text: "[cluster_config]\n  secure_overlay = true\n  calico_mtu = \"1450\"\n  ipip_mtu = \"1450\"\n"
            .to_owned(),
        ldap: None,
    };
    assert!(kept.read(&PLAIN).is_err());
    let in_force = ReadOptions {
        in_force: true,
        ..PLAIN
    };
    let config = kept.read(&in_force).unwrap().value;
    assert!(config.cluster.network.secure_overlay);
    let export = kept.export().unwrap();
    assert!(export.contains("secure_overlay = true") && export.contains("calico_vxlan = true"));
    let told = |problems: mke_core::config::Problems| problems.to_string();
    assert!(told(kept.accept(&export, &PLAIN).unwrap_err()).contains("secure_overlay"));
    let mut after = config;
    after.auth.sessions.per_user_limit = 7;
    assert!(told(kept.follow(&after).unwrap_err()).contains("secure_overlay"));
    after.cluster.network.calico_vxlan = false;
    let mended = kept.follow(&after).unwrap().kept;
    assert_eq!(mended.read(&PLAIN).unwrap().value, after);
}

/// CFG-003, ldap-17: the directory's settings are never exported; a file without them keeps them, one with them
/// replaces them, one with an empty table removes them.
#[test]
fn the_directory_is_kept_beside_the_file() {
    let whole = format!("{FILE}{LDAP}");
    let kept = accept(&Kept::default(), &whole);
    assert!(!kept.text.contains("auth.ldap") && kept.text.starts_with(FILE));
    assert_eq!(config(&kept).auth.ldap, directory());
    let export = kept.export().unwrap();
    assert!(!export.contains("auth.ldap") && !export.contains("canary") && !export.contains("server_url"));
    for keeps in [
        export.as_str(),
        FILE,
        "auth = { backend = \"ldap\" }\n",
        "auth.backend = \"ldap\"\n",
    ] {
        assert_eq!(config(&accept(&kept, keeps)).auth.ldap, directory(), "{keeps}");
    }
    let other = whole.replace("ldap.example.com", "other.example.com");
    assert_ne!(config(&accept(&kept, &other)).auth.ldap, directory());
    let empty = format!("{FILE}\n[auth.ldap]\n");
    assert_eq!(config(&accept(&kept, &empty)).auth.ldap, Ldap::default());
    // Rules hold across both, and lines are those of the file.
    let without = Kept::default()
        .accept("[auth]\nbackend = \"ldap\"\n", &PLAIN)
        .unwrap_err();
    assert!(without.to_string().contains("server_url"), "{without}");
    let wrong = accept(&Kept::default(), &whole)
        .accept("[auth]\nbackend = \"LDAP\"\n", &PLAIN)
        .unwrap_err();
    assert_eq!((wrong.0.len(), wrong.0[0].line), (1, 2), "{wrong}");
}

/// config-07: a password stays with the server and the reader that it was given for.
#[test]
fn sec_config_07_directory_passwords_do_not_travel() {
    let before = directory();
    let mut same = before.clone();
    same.reader_password = None;
    same.keep_passwords(&before).unwrap();
    assert_eq!(same, before);
    for change in [
        |ldap: &mut Ldap| ldap.server_url = Some("ldaps://evil.example.com".to_owned()),
        |ldap: &mut Ldap| ldap.reader_dn = Some("cn=other".to_owned()),
    ] {
        let mut moved = before.clone();
        moved.reader_password = None;
        change(&mut moved);
        let refused = moved.keep_passwords(&before).unwrap_err();
        assert!(refused.to_string().contains("/readerPassword"), "{refused}");
        assert!(moved.reader_password.is_none());
        moved.reader_password = Some(String::new().into());
        moved.keep_passwords(&before).unwrap();
    }
    // A mask in a file follows the same rule.
    let kept = accept(&Kept::default(), &format!("{FILE}{LDAP}"));
    let masked = format!("{FILE}{LDAP}")
        .replace("canary-ldap", MASK)
        .replace("\"canary\"", "\"x\"");
    assert_eq!(config(&accept(&kept, &masked)).auth.ldap, before);
    let evil = masked.replace("ldap.example.com", "evil.example.com");
    let refused = kept.accept(&evil, &PLAIN).unwrap_err();
    assert!(refused.to_string().contains("reader_password"), "{refused}");
    // Its own JSON shows no password, and reads back as the same without it.
    let json = before.to_json();
    assert!(!json.to_string().contains("canary") && json.get("readerPassword").is_none());
    let mut back = Ldap::parse_json(&json.to_string()).unwrap();
    back.keep_passwords(&before).unwrap();
    assert_eq!(back.to_json(), json);
}

/// CFG-001: typed changes touch their own lines and nothing else; rows come and go; unknown keys of newer versions stay.
#[test]
fn the_text_follows_typed_changes() {
    let newer = format!("# mke-version: 9.0\n{FILE}new_key = 1 # of the future\n");
    let lenient = ReadOptions {
        keep_unknown: true,
        ..PLAIN
    };
    let kept = Kept::default().accept(&newer, &lenient).unwrap().kept;
    let before = kept.read(&lenient).unwrap().value;
    let mut after = before.clone();
    after.auth.sessions.lifetime_minutes = 70;
    after.auth.scim_enabled = true;
    after.auth.ldap = directory();
    let kept = kept.follow(&after).unwrap().kept;
    let expected = newer
        .replace("lifetime_minutes = 90", "lifetime_minutes = 70")
        .replace("# as ever\n", "# as ever\n  scimEnabled = true\n");
    assert_eq!(kept.text, expected);

    after.registries.push(Registry {
        host_address: "b".to_owned(),
        service_id: "2".to_owned(),
        ca_bundle: String::new(),
    });
    let more = kept.follow(&after).unwrap();
    assert!(more.reading.value == after);
    assert!(more.kept.text.contains("# The end.") && more.kept.text.contains("# of the proxy"));
    after.registries.clear();
    let fewer = more.kept.follow(&after).unwrap();
    assert!(fewer.reading.value == after);
    assert!(
        !fewer.kept.text.contains("[[registries]]")
            && fewer.kept.text.contains("new_key = 1 # of the future")
    );
    // Rows that stand there by default can change and go, without a word in the file.
    after.cluster.service_mesh.ports.pop();
    let ports = fewer.kept.follow(&after).unwrap();
    assert!(ports.reading.value == after);
    after.cluster.service_mesh.ports.clear();
    let none = ports.kept.follow(&after).unwrap();
    assert!(none.reading.value == after);
    assert!(none.kept.text.contains("# The cluster of the north."));
    after.auth.sessions.lifetime_minutes = 9;
    let refused = none.kept.follow(&after).unwrap_err();
    assert_eq!(refused.0[0].key, "auth.sessions.lifetime_minutes");
    assert_eq!(refused.0[0].line, 0);
    after.auth.sessions.lifetime_minutes = 90;
    after.auth.backend = "ldap".to_owned();
    after.auth.ldap.user_search_configs.push(UserSearch::default());
    assert!(none.kept.follow(&after).is_err(), "a search needs a group");
}

/// CFG-001: keys, tables and rows in every form of TOML are kept when typed values change around them.
#[test]
fn odd_forms_follow_too() {
    for text in [
        "auth = { backend = \"managed\", sessions = { lifetime_minutes = 60 } }\n",
        "auth.sessions.lifetime_minutes = 60\n",
        "registries = [{ host_address = \"a\", service_id = \"1\" }]\n",
        "pre_logon_message = \"hello\"\n",
        "\u{feff}[auth]\r\nbackend = \"managed\"\r\n",
        "",
    ] {
        let kept = accept(&Kept::default(), text);
        let mut after = config(&kept);
        after.auth.sessions.lifetime_minutes = 61;
        after.log.level = "DEBUG".to_owned();
        after.cluster.pre_logon_message = "welcome".to_owned();
        let followed = kept.follow(&after).unwrap();
        assert!(followed.reading.value == after, "{text}: {}", followed.kept.text);
        let export = followed.kept.export().unwrap();
        assert!(Config::parse(&export).unwrap() == after, "{text}: {export}");
    }
}

/// Values that are taken over from JSON have the type of their key.
#[test]
fn values_from_json() {
    let mut config = Config::default();
    let path: KeyPath = "log_configuration.level".parse().unwrap();
    let key = mke_core::config::find_key("log_configuration.level").unwrap();
    let value = Value::from_json(key, &serde_json::json!("debug")).unwrap();
    assert!(config.assign(&path, &value));
    assert_eq!(config.log.level, "DEBUG");
    for wrong in [
        serde_json::json!(1),
        serde_json::json!(null),
        serde_json::json!(["DEBUG"]),
    ] {
        assert!(Value::from_json(key, &wrong).is_err());
    }
    assert!(!config.assign(&"log_configuration.nothing".parse().unwrap(), &value));
    assert!(!config.assign(&"registries[0].host_address".parse().unwrap(), &value));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// CFG-001: whatever typed keys change, the text means the new values, and what was not touched stands as before.
    #[test]
    fn any_change_is_followed(
        minutes in 30u32..500, limit in 0u32..50, scim in any::<bool>(), message in "[a-z ]{0,20}",
        names in proptest::collection::vec("[a-z]{1,8}", 0..4),
    ) {
        let kept = accept(&Kept::default(), FILE);
        let mut after = config(&kept);
        after.auth.sessions.lifetime_minutes = minutes;
        after.auth.sessions.per_user_limit = limit;
        after.auth.scim_enabled = scim;
        after.cluster.pre_logon_message = message;
        after.registries = names.iter().map(|name| Registry {
            host_address: name.clone(), service_id: name.clone(), ca_bundle: String::new(),
        }).collect();
        let followed = kept.follow(&after).unwrap();
        prop_assert!(followed.reading.value == after);
        prop_assert!(followed.kept.text.starts_with("# The cluster of the north.\n[auth]\n  backend = \"managed\" # as ever\n"));
        prop_assert!(followed.kept.text.contains("  password = \"canary\" # of the proxy\n# The end.\n"));
        let export = followed.kept.export().unwrap();
        let back = followed.kept.accept(&export, &PLAIN).unwrap();
        prop_assert!(back.reading.value == after);
    }
}
