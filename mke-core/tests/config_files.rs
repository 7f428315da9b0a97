//! Whole files: good ones say nothing, and every mistake in a bad one is told with its place and its remedy.

use mke_core::config::{
    AzureConfig, Config, Interlock, Ldap, MAX_BYTES, MAX_TEXT, Problem, Problems, ReadOptions, Version,
};

const FULL: &str = include_str!("config_files/full.toml");
const INTERLOCK: &str = include_str!("config_files/interlock.toml");
const LDAP: &str = include_str!("config_files/ldap.json");
const AZURE: &str = include_str!("config_files/azure.json");

fn lines(problems: Problems) -> Vec<String> {
    problems.0.iter().map(Problem::to_string).collect()
}

fn refused(text: &str) -> Vec<String> {
    Config::parse(text).map_or_else(lines, |_| Vec::new())
}

/// CFG-001: the whole files are accepted without a word, and what is written of them is read as the same again.
#[test]
fn whole_files() {
    let config = Config::parse(FULL).unwrap();
    assert_eq!(Config::parse(&config.to_toml()).unwrap(), config);
    assert_eq!(config.registries[0].host_address, "msr.example.com");
    assert_eq!(config.auth.ldap.user_search_configs.len(), 2);
    assert_eq!(
        config.cluster.privileges.priv_attributes_service_accounts,
        ["default:sa1"]
    );
    assert_eq!(config.log.level, "INFO");

    let interlock = Interlock::parse(INTERLOCK).unwrap();
    assert_eq!(Interlock::parse(&interlock.to_toml()).unwrap(), interlock);
    assert_eq!(interlock.extensions["default"].config.max_connections, 1024);

    let ldap = Ldap::parse_json(LDAP).unwrap();
    let same = Ldap {
        sync_schedule: ldap.sync_schedule.clone(),
        ..config.auth.ldap.clone()
    };
    assert_eq!(ldap.additional_domains, same.additional_domains);
    assert_eq!(ldap.reader_password, same.reader_password);
    assert_eq!(AzureConfig::parse(AZURE).unwrap().location, "westeurope");
}

/// CFG-002: twelve different mistakes are told in twelve messages, each with line and remedy, in the order of the file.
#[test]
fn twelve_mistakes() {
    let text = r#"[auth]
  backend = "ldpa"
[auth.sessions]
  lifetime_minutes = 9
  per_user_limt = 1
  renewal_threshold_minutes = "20"
[audit_log_configuration]
  level = "Metadata"
[nonsense]
  a = 1
[[registries]]
  host_address = "msr.example.com"
[cluster_config]
  vxlan_vni = 20001
  dns = "10.0.0.2"
  pod_cidr = "10.96.0.0/12"
  calico_mtu = 1450
  nodeport_range = "35535-32768"
[tracking_configuration]
  disable_tracking = yes
"#;
    // The last mistake is none of TOML's values: it is told alone, because the rest cannot be trusted then.
    assert_eq!(refused(text).len(), 1);
    assert!(
        refused(text)[0].starts_with("line 20, column 22: "),
        "{:?}",
        refused(text)
    );
    let text = text.replace("= yes", "= 1");
    assert_eq!(
        refused(&text),
        [
            "line 2, column 13: `auth.backend`: `ldpa` is not allowed, use one of `managed`, `ldap`",
            "line 4, column 22: `auth.sessions.lifetime_minutes`: 9 is out of range, use a whole number from 10 to 43200",
            "line 5, column 3: `auth.sessions.per_user_limt`: unknown key, did you mean `auth.sessions.per_user_limit`?",
            "line 6, column 31: `auth.sessions.renewal_threshold_minutes`: expected a whole number from 0 to 43195, found text: remove the quotes",
            "line 8, column 11: `audit_log_configuration.level`: `Metadata` is not allowed, use one of ``, `metadata`, `request`",
            "line 9, column 2: `nonsense`: unknown key, remove it or see the exported configuration for the known ones",
            "line 11, column 1: `registries[0].service_id`: missing, give text in quotes",
            "line 14, column 15: `cluster_config.vxlan_vni`: 20001 is out of range, use a whole number from 10000 to 20000",
            "line 15, column 9: `cluster_config.dns`: expected a list of texts, each an IP address, found text: put it in square brackets",
            "line 16, column 14: `cluster_config.pod_cidr`: `10.96.0.0/12` shares addresses with `cluster_config.service_cluster_ip_range`, which is `10.96.0.0/16`: choose networks apart",
            "line 17, column 16: `cluster_config.calico_mtu`: expected a number in quotes from \"576\" to \"65535\", found a whole number: write \"1450\"",
            "line 18, column 20: `cluster_config.nodeport_range`: `35535-32768` is not allowed, use two ports with a dash between, the lower one first",
            "line 20, column 22: `tracking_configuration.disable_tracking`: expected true or false, found a whole number",
        ]
    );
    let named = Config::read(
        &text,
        &ReadOptions {
            file: Some("ucp.toml"),
            ..ReadOptions::default()
        },
    )
    .unwrap_err();
    assert!(
        named.0[0]
            .to_string()
            .starts_with("ucp.toml:2:13: `auth.backend`: ")
    );
}

/// What does not go together: the file, and the key and words that the message has. The denial comes with what is
/// fine beside it.
const TOGETHER: &[(&str, &str, &str, &str)] = &[
    (
        "[auth.sessions]\nlifetime_minutes = 60\nrenewal_threshold_minutes = 56",
        "auth.sessions.renewal_threshold_minutes",
        "use 0 to 55",
        "[auth.sessions]\nlifetime_minutes = 60\nrenewal_threshold_minutes = 55",
    ),
    (
        "[auth.sessions]\nlifetime_minutes = 20",
        "auth.sessions.renewal_threshold_minutes",
        "use 0 to 15",
        "[auth.sessions]\nlifetime_minutes = 20\nrenewal_threshold_minutes = 0",
    ),
    (
        "[auth]\nbackend = \"ldap\"\nsamlEnabled = true\nsaml.idpMetadataURL = \"https://i\"\nldap.server_url = \"ldap://l\"",
        "auth.samlEnabled",
        "exclude each other",
        "[auth]\nsamlEnabled = true\nsaml.idpMetadataURL = \"https://i\"",
    ),
    (
        "[auth]\nsamlEnabled = true",
        "auth.saml.idpMetadataURL",
        "must be given",
        "[auth]\nsamlEnabled = false",
    ),
    (
        "[auth]\nbackend = \"ldap\"",
        "auth.ldap.server_url",
        "must be given",
        "[auth]\nbackend = \"managed\"",
    ),
    (
        "[auth]\nbackend = \"ldap\"\n[auth.ldap]\nserver_url = \"ldap://l\"\n[[auth.ldap.user_search_configs]]\nbase_dn = \"dc=x\"",
        "auth.ldap.user_search_configs[0].match_group_dn",
        "`match_group`",
        "[auth]\nbackend = \"ldap\"\n[auth.ldap]\nserver_url = \"ldap://l\"\n[[auth.ldap.user_search_configs]]\nbase_dn = \"dc=x\"\nmatch_group = false",
    ),
    (
        "[cluster_config]\nkubelet_max_pods = 100\nkubelet_pods_per_core = 101",
        "cluster_config.kubelet_pods_per_core",
        "use 0 to 100",
        "[cluster_config]\nkubelet_max_pods = 100\nkubelet_pods_per_core = 100",
    ),
    (
        "[cluster_config]\nservice_cluster_ip_range = \"192.168.128.0/20\"",
        "cluster_config.pod_cidr",
        "choose networks apart",
        "[cluster_config]\nservice_cluster_ip_range = \"172.30.0.0/16\"",
    ),
    (
        "[cluster_config]\ncontroller_port = 33000",
        "cluster_config.controller_port",
        "nodeport_range",
        "[cluster_config]\ncontroller_port = 32767",
    ),
    (
        "[cluster_config]\ncontroller_port = 6443",
        "cluster_config.kube_apiserver_port",
        "choose another",
        "[cluster_config]\ncontroller_port = 8443",
    ),
    (
        "[cluster_config]\nvxlan_vni = 10001\ncalico_vxlan = false",
        "cluster_config.vxlan_vni",
        "`cluster_config.calico_vxlan`",
        "[cluster_config]\nvxlan_vni = 10001",
    ),
    (
        "[cluster_config]\nsecure_overlay = true\ncalico_vxlan = false\ncalico_mtu = \"1452\"",
        "cluster_config.ipip_mtu",
        "1452",
        "[cluster_config]\nsecure_overlay = true\ncalico_vxlan = false\ncalico_mtu = \"1452\"\nipip_mtu = \"1452\"",
    ),
    (
        "[cluster_config]\nsecure_overlay = true\ncalico_mtu = \"1450\"\nipip_mtu = \"1450\"",
        "cluster_config.secure_overlay",
        "`cluster_config.calico_vxlan`",
        "[cluster_config]\nsecure_overlay = true\ncalico_vxlan = false\ncalico_mtu = \"1450\"\nipip_mtu = \"1450\"",
    ),
    (
        "[cluster_config]\nipvs_scheduler = \"rr\"",
        "cluster_config.ipvs_scheduler",
        "kube_proxy_mode",
        "[cluster_config]\nipvs_scheduler = \"rr\"\nkube_proxy_mode = \"ipvs\"",
    ),
    (
        "[cluster_config]\nkms_enabled = true\nkms_name = \"v\"",
        "cluster_config.kms_endpoint",
        "must be given",
        "[cluster_config]\nkms_enabled = true\nkms_name = \"v\"\nkms_endpoint = \"/v\"",
    ),
    (
        "[cluster_config]\nazure_ip_count = \"5\"",
        "cluster_config.azure_ip_count",
        "\"6\" and more",
        "[cluster_config]\nazure_ip_count = \"0\"",
    ),
    (
        "[cluster_config.service_mesh]\nenabled = true\ningress_exposed_ports = [{ name = \"x\", port = 1, node_port = 80 }]",
        "cluster_config.service_mesh.ingress_exposed_ports[0].node_port",
        "use 32768 to 35535",
        "[cluster_config.service_mesh]\nenabled = true\ningress_exposed_ports = [{ name = \"x\", port = 1, node_port = 35535 }]",
    ),
    (
        "[etcd_cleanup_schedule_config]\ncleanup_enabled = true\ncron_expression = \"@daily\"",
        "etcd_cleanup_schedule_config.cron_expression",
        "24 hours",
        "[etcd_cleanup_schedule_config]\ncleanup_enabled = true\ncron_expression = \"0 0 0 * * 1,4\"",
    ),
    (
        "[backup_schedule_config]\nenabled = false\nno_passphrase = true\npassphrase = \"p\"",
        "backup_schedule_config.no_passphrase",
        "passphrase",
        "[backup_schedule_config]\nenabled = false\nno_passphrase = true",
    ),
    (
        "[hardening_configuration]\npid_limit = 9",
        "hardening_configuration.pid_limit",
        "must be 0",
        "[hardening_configuration]\nhardening_enabled = true\npid_limit_unspecified = false\npid_limit = 9",
    ),
];

/// SESS-002, CFG-022, CFG-024, CFG-038: rules between keys, with the key that the message names, the remedy, and the
/// nearest file that is fine.
#[test]
fn what_does_not_go_together() {
    for (bad, key, words, good) in TOGETHER {
        let problems = Config::parse(bad).map(|_| ()).unwrap_err().0;
        assert_eq!(problems.len(), 1, "{bad}: {problems:?}");
        assert_eq!(problems[0].key, *key, "{bad}");
        assert!(problems[0].message.contains(words), "{}", problems[0]);
        assert!(problems[0].found.is_some() && problems[0].allowed.is_some());
        assert!(
            problems[0].line > 0 || !bad.contains(key.rsplit('.').next().unwrap()),
            "{}",
            problems[0]
        );
        assert_eq!(refused(good), [""; 0], "{good}");
    }
}

/// A file that a control plane gave out leaves the directory's settings out, and is accepted as such; half of them is not.
#[test]
fn exports_leave_the_directory_out() {
    let options = ReadOptions::default();
    let export = "[auth]\nbackend = \"ldap\"\n";
    assert!(Config::read_export(export, &options).is_ok());
    assert!(Config::parse(export).is_err());
    let half = "[auth]\nbackend = \"ldap\"\n[auth.ldap]\nstart_tls = true\n";
    assert!(Config::read_export(half, &options).is_err());
    assert!(Config::read_export("[auth]\nbackend = \"ldpa\"\n", &options).is_err());
}

/// SESS-002: 0 switches renewal off whatever the lifetime.
#[test]
fn renewal_threshold_against_lifetime() {
    for (lifetime, threshold, fine) in [
        (60, 55, true),
        (60, 56, false),
        (10, 0, true),
        (10, 20, false),
        (10, 5, true),
    ] {
        let text = format!(
            "[auth.sessions]\nlifetime_minutes = {lifetime}\nrenewal_threshold_minutes = {threshold}\n"
        );
        assert_eq!(Config::parse(&text).is_ok(), fine, "{lifetime} and {threshold}");
    }
}

/// AUD-001, AUD-008: empty, metadata and request; anything else is refused. The switch for bundles is off by default.
#[test]
fn audit_levels() {
    for (level, expected) in [
        ("", true),
        ("metadata", true),
        ("request", true),
        ("Request", false),
        ("all", false),
    ] {
        let text = format!("[audit_log_configuration]\nlevel = \"{level}\"\n");
        let read = Config::parse(&text)
            .ok()
            .map(|config| config.audit_log.level.as_str());
        assert_eq!(read, expected.then_some(level), "{level}");
    }
    let text = "[audit_log_configuration]\nsupport_dump_include_audit_logs = true\n";
    assert!(
        Config::parse(text)
            .unwrap()
            .audit_log
            .support_dump_include_audit_logs
    );
    assert!(!Config::default().audit_log.support_dump_include_audit_logs);
}

/// TEL-001: nothing is switched off by default, and the setting that later versions removed is read without a word.
#[test]
fn analytics() {
    let tracking = Config::default().tracking;
    assert!(!tracking.disable_usageinfo && !tracking.disable_tracking && tracking.cluster_label.is_empty());
    let text = "[tracking_configuration]\ndisable_tracking = true\nanonymize_tracking = true\n";
    assert!(Config::parse(text).unwrap().tracking.disable_tracking);
    assert!(!Config::default().to_toml().contains("anonymize"));
}

/// DAPI-013: both fields are mandatory, the table may repeat up to a limit, and no header can be smuggled in.
#[test]
fn custom_headers() {
    let header =
        |name: &str, value: &str| format!("[[custom_api_server_headers]]\nname = {name}\nvalue = {value}\n");
    let two = header("\"X-One\"", "\"1\"") + &header("\"X-Two\"", "\"2\"");
    assert_eq!(Config::parse(&two).unwrap().custom_api_server_headers.len(), 2);
    assert!(Config::parse("[[custom_api_server_headers]]\nname = \"X-One\"\n").is_err());
    for (name, value) in [
        ("\"X One\"", "\"1\""),
        ("\"X\"", "\"a\\r\\nB: c\""),
        ("\"\"", "\"1\""),
        ("1", "\"1\""),
        ("\"Content-Length\"", "\"0\""),
        ("\"content-type\"", "\"text/html\""),
        ("\"ETag\"", "\"9\""),
    ] {
        assert!(Config::parse(&header(name, value)).is_err(), "{name}: {value}");
    }
    assert!(Config::parse(&header("\"X\"", "\"1\"").repeat(32)).is_ok());
    assert!(Config::parse(&header("\"X\"", "\"1\"").repeat(33)).is_err());
}

/// CFG-034: the message before login stands among the keys of the cluster, at the top of the file, or in a table of its
/// own; two of them are one too many. Other older names are read as well.
#[test]
fn other_places_and_names() {
    for text in [
        "[cluster_config]\npre_logon_message = \"hello\"",
        "pre_logon_message = \"hello\"",
        "[pre_logon_message]\npre_logon_message = \"hello\"",
    ] {
        assert_eq!(
            Config::parse(text).unwrap().cluster.pre_logon_message,
            "hello",
            "{text}"
        );
    }
    assert!(Config::parse("[pre_logon_message]\nnonsense = 1").is_err());
    let text =
        "[cluster_config]\nservice-cluster-ip-range = \"172.30.0.0/16\"\netcd-storage-quota = \"4GB\"\n";
    let config = Config::parse(text).unwrap();
    assert_eq!(config.cluster.network.service_cluster_ip_range, "172.30.0.0/16");
    assert_eq!(config.cluster.stores.etcd_storage_quota, "4GB");
    let both = "[cluster_config]\netcd-storage-quota = \"4GB\"\netcd_storage_quota = \"2G\"\n";
    assert!(
        refused(both)[0].contains("older name of `etcd_storage_quota`"),
        "{:?}",
        refused(both)
    );
}

/// Unknown keys are refused. They are let through, and named, only when the file declares a newer version and the
/// caller allows it. Keys that the declared version does not have are refused too.
#[test]
fn files_of_other_versions() {
    let text = "# A file.\n# mke-version: 4.1\n[auth]\nshiny = 1\n[new_table]\na = 1\n";
    let allowing = ReadOptions {
        keep_unknown: true,
        ..ReadOptions::default()
    };
    let reading = Config::read(text, &allowing).unwrap();
    assert_eq!(reading.unknown, ["auth.shiny", "new_table"]);
    assert_eq!(reading.version, Some(Version::new(4, 1, 0)));
    assert_eq!(refused(text).len(), 2);
    assert!(Config::read(&text.replace("4.1", "3.8"), &allowing).is_err());
    assert!(Config::read(&text.replace("# mke-version: 4.1\n", ""), &allowing).is_err());

    let later = "# mke-version: 3.4\n[auth.external_identity_provider]\nwellKnownConfigUrl = \"https://i/.well-known/openid-configuration\"\nclientID = \"c\"\n";
    assert!(
        refused(later)
            .iter()
            .all(|message| message.contains("came with 3.5")),
        "{:?}",
        refused(later)
    );
    assert_eq!(refused(later).len(), 2);
    assert_eq!(refused(&later.replace("3.4", "3.7")), [""; 0]);
}

/// The same keys in every way in which TOML writes them.
#[test]
fn ways_to_write() {
    let expected = Config::parse("[auth.sessions]\nlifetime_minutes = 90\n").unwrap();
    for text in [
        "auth.sessions.lifetime_minutes = 90",
        "auth = { sessions = { lifetime_minutes = 90 } }",
        "[auth]\nsessions.lifetime_minutes = 0x5A",
        "\u{feff}[auth.sessions]\r\nlifetime_minutes = 90\r\n",
        "[auth.\"sessions\"]\n'lifetime_minutes' = +9_0 # minutes",
    ] {
        assert_eq!(Config::parse(text).unwrap(), expected, "{text}");
    }
    let rows = Config::parse("registries = [{ host_address = \"a\", service_id = \"b\" }]").unwrap();
    assert_eq!(rows.registries.len(), 1);
    // Lines and columns are right behind a byte order mark and with line ends of Windows.
    assert!(refused("\u{feff}[auth]\r\nbackend = 1\r\n")[0].starts_with("line 2, column 11: "));
}

/// config-01, config-02: size, depth and duplicates end in an error, not in a crash.
#[test]
fn sec_config_hostile_text() {
    let deep = [
        "[".repeat(20_000),
        format!("a = {}", "[".repeat(20_000)),
        format!("a = {}", "{a=".repeat(20_000)),
        format!("{}a = 1", "a.".repeat(100_000)),
        format!("[{}a]", "a.".repeat(100_000)),
        format!("a = {}1{}", "{a.a.a.a.a.a.a.a = ".repeat(60), "}".repeat(60)),
    ];
    for text in deep {
        assert!(Config::parse(&text).is_err());
        assert!(Ldap::parse_json(&text).is_err());
    }
    assert!(Config::parse(&"#".repeat(MAX_BYTES + 1)).is_err());
    assert!(Ldap::parse_json(&" ".repeat(MAX_BYTES + 1)).is_err());
    let long = "x".repeat(MAX_TEXT + 1);
    assert!(Config::parse(&format!("[auth.ldap]\nroot_certs = \"{long}\"")).is_err());
    assert!(Ldap::parse_json(&format!("{{\"rootCerts\":\"{long}\"}}")).is_err());
    for text in [
        "[auth]\nbackend = \"managed\"\nbackend = \"managed\"\n",
        "[auth]\n[auth]\n",
        "auth = 1",
        "[[auth]]",
        "[registries]",
        "registries = [1]",
    ] {
        assert!(!refused(text)[0].starts_with("line 0"), "{text}");
    }
    // Of very many mistakes as many are told as anybody reads.
    let many: String = (0..5_000).map(|index| format!("k{index} = 1\n")).collect();
    assert_eq!(refused(&many).len(), 200);
    // All faults of the syntax are told at once too.
    assert_eq!(refused("a = \nb = ]\n[c\n").len(), 3);
}

/// The JSON bodies name fields by pointers, with line and column.
#[test]
fn json_bodies() {
    let text = "{\n  \"serverURL\": \"http://l\",\n  \"server_url\": \"ldap://l\",\n  \"userSearchConfigs\": [\n    {\"matchGroup\": 1}\n  ]\n}";
    let problems = lines(Ldap::parse_json(text).unwrap_err());
    assert_eq!(
        problems,
        [
            "line 2, column 16: `/serverURL`: `http://l` is not allowed, use an address that starts with ldap:// or ldaps://",
            "line 3, column 3: `/server_url`: unknown key, remove it or see the exported configuration for the known ones",
            "line 5, column 5: `/userSearchConfigs/0/baseDN`: must be given, such as `ou=people,dc=example,dc=com`",
            "line 5, column 5: `/userSearchConfigs/0/matchGroupDN`: must be given while `match_group` is true",
            "line 5, column 20: `/userSearchConfigs/0/matchGroup`: expected true or false, found a whole number",
        ]
    );
    assert!(Ldap::parse_json("[]").is_err());
    assert!(Ldap::parse_json("{\"startTLS\": true, \"startTLS\": false}").is_err());
    let twice = lines(AzureConfig::parse("{\"tenantId\": \"a\",\n\"tenantId\": \"b\"}").unwrap_err());
    assert!(twice[0].starts_with("line 2, column 1: "), "{twice:?}");
}
