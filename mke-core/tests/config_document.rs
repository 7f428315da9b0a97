//! Edits of a file in place: what is not edited stays byte for byte.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

use mke_core::config::{Config, Document, EditError, KeyPath, Value, keys};

const FILE: &str = "# The cluster of the north.\n[auth]\n  backend = \"managed\" # as ever\n\n  [auth.sessions]\n    \
                    lifetime_minutes = 60\n    per_user_limit=10\n\n[[registries]]\n  host_address = \"a\"\n  service_id = \
                    \"1\"\n\n[[registries]]\n  host_address = \"b\"\n  service_id = \"2\"\n# The end.\n";

fn path(text: &str) -> KeyPath {
    text.parse().unwrap()
}

fn document() -> Document {
    Document::parse(FILE).unwrap()
}

/// Sets a key and gives the lines that are new and those that are gone.
fn set(document: &mut Document, key: &str, value: Value) -> (Vec<String>, Vec<String>) {
    let before = document.to_string();
    document.set(&path(key), &value).unwrap();
    let after = document.to_string();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (old, new) = (lines(&before), lines(&after));
    let minus = |a: &[String], b: &[String]| a.iter().filter(|line| !b.contains(line)).cloned().collect();
    (minus(&new, &old), minus(&old, &new))
}

/// CFG-001: a value is replaced where it stands, with its comment and the spacing around it.
#[test]
fn values_are_replaced_in_place() {
    let mut file = document();
    assert!(
        !file
            .set(&path("auth.backend"), &Value::Text("managed".into()))
            .unwrap()
    );
    assert!(
        !file
            .set(&path("auth.sessions.lifetime_minutes"), &Value::Integer(60))
            .unwrap()
    );
    assert_eq!(file.to_string(), FILE);
    assert_eq!(
        set(&mut file, "auth.backend", Value::Text("ldap".into())),
        (
            vec!["  backend = \"ldap\" # as ever".into()],
            vec!["  backend = \"managed\" # as ever".into()]
        )
    );
    assert_eq!(
        set(&mut file, "auth.sessions.per_user_limit", Value::Integer(3)),
        (
            vec!["    per_user_limit=3".into()],
            vec!["    per_user_limit=10".into()]
        )
    );
    assert_eq!(
        set(&mut file, "registries[1].host_address", Value::Text("c".into())),
        (
            vec!["  host_address = \"c\"".into()],
            vec!["  host_address = \"b\"".into()]
        )
    );
    assert_eq!(
        file.get(&path("registries[1].host_address")).as_deref(),
        Some("\"c\"")
    );
    assert_eq!(file.get(&path("registries[2].host_address")), None);
}

/// New keys stand with their table, new tables with their parent, new rows behind the last one.
#[test]
fn what_is_new_stands_where_it_belongs() {
    let mut file = document();
    file.set(&path("auth.samlEnabled"), &Value::Bool(false)).unwrap();
    file.set(&path("auth.sessions.store_token_per_session"), &Value::Bool(true))
        .unwrap();
    file.set(&path("auth.account_lock.enabled"), &Value::Bool(false))
        .unwrap();
    file.set(&path("registries[2].host_address"), &Value::Text("c".into()))
        .unwrap();
    file.set(&path("registries[2].service_id"), &Value::Text("3".into()))
        .unwrap();
    file.set(&path("log_configuration.level"), &Value::Text("DEBUG".into()))
        .unwrap();
    assert_eq!(
        file.to_string(),
        "# The cluster of the north.\n[auth]\n  backend = \"managed\" # as ever\n  samlEnabled = false\n\n  [auth.sessions]\n    \
         lifetime_minutes = 60\n    per_user_limit=10\n    store_token_per_session = true\n\n  [auth.account_lock]\n    \
         enabled = false\n\n[[registries]]\n  host_address = \"a\"\n  service_id = \"1\"\n\n[[registries]]\n  host_address = \
         \"b\"\n  service_id = \"2\"\n# The end.\n\n[[registries]]\n  host_address = \"c\"\n  service_id = \"3\"\n\n\
         [log_configuration]\n  level = \"DEBUG\"\n"
    );
    assert!(Config::parse(&file.to_string()).is_ok());
    assert_eq!(
        file.set(&path("registries[9].host_address"), &Value::Text("x".into())),
        Err(EditError::NoSuchRow("registries[9].host_address".into(), 3))
    );
    assert!(
        file.set(&path("auth.backend.deeper"), &Value::Bool(true))
            .is_err()
    );
    assert!(file.set(&path("auth"), &Value::Bool(true)).is_err());
}

/// Removing takes whole lines, and only them.
#[test]
fn what_is_removed_leaves_the_rest() {
    let mut file = document();
    assert!(file.unset(&path("auth.sessions.lifetime_minutes")).unwrap());
    assert!(!file.unset(&path("auth.sessions.lifetime_minutes")).unwrap());
    assert!(file.unset(&path("registries[0]")).unwrap());
    assert!(!file.unset(&path("nonsense.key")).unwrap());
    let text = file.to_string();
    assert_eq!(
        text,
        "# The cluster of the north.\n[auth]\n  backend = \"managed\" # as ever\n\n  [auth.sessions]\n    per_user_limit=10\n\n\n\
         [[registries]]\n  host_address = \"b\"\n  service_id = \"2\"\n# The end.\n"
    );
    assert!(file.unset(&path("auth")).unwrap());
    assert!(!file.to_string().contains("auth") && file.to_string().contains("# The cluster"));
}

/// Inline tables, dotted keys, byte order marks, line ends of Windows and older names of keys.
#[test]
fn other_ways_to_write() {
    let mut file =
        Document::parse("auth = { backend = \"managed\", sessions = { per_user_limit = 1 } } # one line\n")
            .unwrap();
    file.set(&path("auth.sessions.per_user_limit"), &Value::Integer(2))
        .unwrap();
    file.set(&path("auth.sessions.lifetime_minutes"), &Value::Integer(90))
        .unwrap();
    file.unset(&path("auth.backend")).unwrap();
    let config = Config::parse(&file.to_string()).unwrap();
    assert_eq!(
        (
            config.auth.sessions.per_user_limit,
            config.auth.sessions.lifetime_minutes
        ),
        (2, 90)
    );
    assert!(!file.to_string().contains("backend") && file.to_string().ends_with("# one line\n"));

    let mut file = Document::parse("\u{feff}[auth]\r\nsessions.per_user_limit = 1\r\n").unwrap();
    file.set(&path("auth.sessions.lifetime_minutes"), &Value::Integer(90))
        .unwrap();
    file.set(&path("cluster_config.dns"), &Value::List(vec!["10.0.0.2".into()]))
        .unwrap();
    assert_eq!(
        file.to_string(),
        "\u{feff}[auth]\r\nsessions.per_user_limit = 1\r\nsessions.lifetime_minutes = 90\r\n\r\n[cluster_config]\r\n  dns = \
         [\"10.0.0.2\"]\r\n"
    );

    let mut file = Document::parse("[cluster_config]\netcd-storage-quota = \"2G\"\n").unwrap();
    file.set(
        &path("cluster_config.etcd_storage_quota"),
        &Value::Text("4GB".into()),
    )
    .unwrap();
    assert_eq!(
        file.to_string(),
        "[cluster_config]\netcd-storage-quota = \"4GB\"\n"
    );

    let mut file = Document::parse("").unwrap();
    file.set(&path("auth.backend"), &Value::Text("managed".into()))
        .unwrap();
    assert_eq!(file.to_string(), "[auth]\n  backend = \"managed\"\n");
}

/// A map can be set however it is written: in one line, below a header of its own, or with dotted keys. Found by fuzzing.
#[test]
fn maps_are_set_however_they_are_written() {
    let key = path("cluster_config.custom_kubelet_flags_profiles");
    let map = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Value::Map(pairs.collect())
    };
    for text in [
        "cluster_config.custom_kubelet_flags_profiles = { a = \"--v=2\", b = \"--v=3\" }\n",
        "cluster_config.custom_kubelet_flags_profiles.a = \"--v=2\"\ncluster_config.custom_kubelet_flags_profiles.b = \"--v=3\"\n",
        "[cluster_config.custom_kubelet_flags_profiles]\na = \"--v=2\" # two\nb = \"--v=3\"\n",
        "[cluster_config]\ncustom_kubelet_flags_profiles.a = \"--v=2\"\ncustom_kubelet_flags_profiles.b = \"--v=3\"\n",
    ] {
        let mut file = Document::parse(text).unwrap();
        assert!(
            !file.set(&key, &map(&[("a", "--v=2"), ("b", "--v=3")])).unwrap(),
            "{text}"
        );
        assert_eq!(file.to_string(), text);
        let odd = "e\u{301} \"quoted\" \\";
        assert!(file.set(&key, &map(&[("a", "--v=2"), (odd, "--v=9")])).unwrap());
        let config = Config::parse(&file.to_string()).unwrap_or_else(|problems| panic!("{file}: {problems}"));
        assert_eq!(
            config.get(&key),
            Some(map(&[("a", "--v=2"), (odd, "--v=9")])),
            "{file}"
        );
        assert_eq!(file.to_string().contains("# two"), text.contains("# two"));
        assert_eq!(Config::parse(&config.to_toml()).unwrap(), config);
        assert!(file.set(&key, &map(&[])).unwrap());
        assert_eq!(
            Config::parse(&file.to_string()).unwrap(),
            Config::default(),
            "{file}"
        );
    }
    let mut file = Document::parse("[cluster_config]\n").unwrap();
    assert!(file.set(&path("cluster_config"), &Value::Bool(true)).is_err());
}

/// Merging takes over what the other file says and leaves everything else as it stands.
#[test]
fn files_are_merged() {
    let mut file = document();
    let other = "[auth.sessions]\nper_user_limit = 4\n[[registries]]\nhost_address = \"z\"\nservice_id = \"9\"\n\
                 [cluster_config]\ncontroller_port = 8443\n";
    file.merge(&Document::parse(other).unwrap()).unwrap();
    let config = Config::parse(&file.to_string()).unwrap();
    assert_eq!(config.auth.sessions.per_user_limit, 4);
    assert_eq!(config.auth.sessions.lifetime_minutes, 60);
    assert_eq!(config.registries.len(), 1);
    assert_eq!(config.cluster.controller_port, 8443);
    assert!(
        file.to_string()
            .starts_with("# The cluster of the north.\n[auth]\n  backend = \"managed\" # as ever\n")
    );
    let before = file.to_string();
    file.merge(&Document::parse(&before).unwrap()).unwrap();
    assert_eq!(
        Config::parse(&file.to_string()).unwrap(),
        Config::parse(&before).unwrap()
    );
}

/// Scripts that look for a key's line and write another find exactly one in the export.
#[test]
fn line_tools_find_each_key_of_the_export() {
    let text = Config::default().to_toml();
    for key in keys()
        .iter()
        .filter(|key| key.in_3_4 && key.default_value().is_some() && !key.table.contains('['))
    {
        let starts = format!("{} = ", key.name);
        assert!(
            text.lines().any(|line| line.trim_start().starts_with(&starts)),
            "no line for {}",
            key.path()
        );
    }
    for line in [
        "[auth]",
        "  backend = \"managed\"",
        "  [auth.sessions]",
        "    per_user_limit = 10",
    ] {
        assert!(text.lines().any(|found| found == line), "no line `{line}`");
    }
    let edited = text.replace("    per_user_limit = 10", "    per_user_limit = 7");
    assert_eq!(Config::parse(&edited).unwrap().auth.sessions.per_user_limit, 7);
    assert_eq!(Config::parse(&Config::example()).unwrap(), Config::default());
}
