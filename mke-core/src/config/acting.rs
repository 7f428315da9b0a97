//! Which keys this version acts on. All others are stored, compared and rendered, and wait for the component that
//! reads them; whoever changes one of these is told so.
//!
//! The list stands here and nowhere else: answers to changes, the reference page and the README take it from here.

use super::diff::Difference;
use super::key::Key;

/// Keys that one part of the program acts on.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// What the keys are about, as the README names it.
    pub name: &'static str,
    /// The keys.
    pub keys: &'static [Acting],
}

/// A key that the program acts on.
#[derive(Debug, Clone, Copy)]
pub struct Acting {
    /// The key, as [`Key::path`] writes it.
    pub key: &'static str,
    /// The file that acts, from the root of the repository.
    pub file: &'static str,
    /// The text in that file by which it reads the key.
    pub reads: &'static str,
}

const fn acting(key: &'static str, file: &'static str, reads: &'static str) -> Acting {
    Acting { key, file, reads }
}

/// Every topic, in the order of the README.
pub const ACTING: &[Topic] = &[
    Topic {
        name: "sessions",
        keys: &[
            acting(
                "auth.sessions.lifetime_minutes",
                "mke-auth/src/sessions/login.rs",
                "settings.lifetime()",
            ),
            acting(
                "auth.sessions.renewal_threshold_minutes",
                "mke-auth/src/sessions/live.rs",
                "settings.renewal_threshold()",
            ),
            acting(
                "auth.sessions.per_user_limit",
                "mke-auth/src/sessions/login.rs",
                "settings.per_user_limit",
            ),
        ],
    },
    Topic {
        name: "locks of accounts",
        keys: &[
            acting(
                "auth.account_lock.enabled",
                "mke-auth/src/sessions/pace.rs",
                "settings.enabled",
            ),
            acting(
                "auth.account_lock.failureTrigger",
                "mke-auth/src/sessions/pace.rs",
                ".failure_trigger",
            ),
            acting(
                "auth.account_lock.durationSeconds",
                "mke-auth/src/sessions/pace.rs",
                ".duration_seconds",
            ),
        ],
    },
    Topic {
        name: "password logins and the LDAP directory",
        keys: &[
            acting(
                "auth.managedPasswordDisabled",
                "mke-auth/src/sessions/backends.rs",
                "auth.managed_password_disabled",
            ),
            acting(
                "auth.managedPasswordFallbackUser",
                "mke-auth/src/sessions/backends.rs",
                "auth.managed_password_fallback_user",
            ),
            acting(
                "auth.backend",
                "mke-agent/src/controller/jobs.rs",
                "config.auth.backend",
            ),
            acting(
                "auth.ldap.server_url",
                "mke-auth/src/ldap/settings/mod.rs",
                "config.server_url",
            ),
            acting(
                "auth.ldap.no_simple_pagination",
                "mke-auth/src/ldap/settings/mod.rs",
                "config.no_simple_pagination",
            ),
            acting(
                "auth.ldap.start_tls",
                "mke-auth/src/ldap/settings/read.rs",
                "config.start_tls",
            ),
            acting(
                "auth.ldap.root_certs",
                "mke-auth/src/ldap/settings/read.rs",
                "config.root_certs",
            ),
            acting(
                "auth.ldap.tls_skip_verify",
                "mke-auth/src/ldap/settings/mod.rs",
                "config.tls_skip_verify",
            ),
            acting(
                "auth.ldap.reader_dn",
                "mke-auth/src/ldap/settings/read.rs",
                "config.reader_dn",
            ),
            acting(
                "auth.ldap.reader_password",
                "mke-auth/src/ldap/settings/read.rs",
                "config.reader_password",
            ),
            acting(
                "auth.ldap.sync_schedule",
                "mke-auth/src/ldap/settings/mod.rs",
                "config.sync_schedule",
            ),
            acting(
                "auth.ldap.jit_user_provisioning",
                "mke-auth/src/ldap/settings/mod.rs",
                "config.jit_user_provisioning",
            ),
            acting(
                "auth.ldap.recovery_admin_username",
                "mke-auth/src/ldap/settings/mod.rs",
                ".recovery_admin_username",
            ),
            acting(
                "auth.ldap.additional_domains[].domain",
                "mke-auth/src/ldap/settings/read.rs",
                "domain.domain",
            ),
            acting(
                "auth.ldap.additional_domains[].server_url",
                "mke-auth/src/ldap/settings/read.rs",
                "domain.server_url",
            ),
            acting(
                "auth.ldap.additional_domains[].no_simple_pagination",
                "mke-auth/src/ldap/settings/read.rs",
                "domain.no_simple_pagination",
            ),
            acting(
                "auth.ldap.additional_domains[].start_tls",
                "mke-auth/src/ldap/settings/read.rs",
                "domain.start_tls",
            ),
            acting(
                "auth.ldap.additional_domains[].root_certs",
                "mke-auth/src/ldap/settings/read.rs",
                "domain.root_certs",
            ),
            acting(
                "auth.ldap.additional_domains[].tls_skip_verify",
                "mke-auth/src/ldap/settings/read.rs",
                "domain.tls_skip_verify",
            ),
            acting(
                "auth.ldap.additional_domains[].reader_dn",
                "mke-auth/src/ldap/settings/read.rs",
                "domain.reader_dn",
            ),
            acting(
                "auth.ldap.additional_domains[].reader_password",
                "mke-auth/src/ldap/settings/read.rs",
                "domain.reader_password",
            ),
            acting(
                "auth.ldap.user_search_configs[].base_dn",
                "mke-auth/src/ldap/settings/read.rs",
                ".base_dn",
            ),
            acting(
                "auth.ldap.user_search_configs[].scope_subtree",
                "mke-auth/src/ldap/settings/read.rs",
                ".scope_subtree",
            ),
            acting(
                "auth.ldap.user_search_configs[].username_attr",
                "mke-auth/src/ldap/settings/read.rs",
                ".username_attr",
            ),
            acting(
                "auth.ldap.user_search_configs[].full_name_attr",
                "mke-auth/src/ldap/settings/read.rs",
                ".full_name_attr",
            ),
            acting(
                "auth.ldap.user_search_configs[].filter",
                "mke-auth/src/ldap/settings/read.rs",
                ".filter",
            ),
            acting(
                "auth.ldap.user_search_configs[].match_group",
                "mke-auth/src/ldap/settings/read.rs",
                ".match_group",
            ),
            acting(
                "auth.ldap.user_search_configs[].match_group_dn",
                "mke-auth/src/ldap/settings/read.rs",
                ".match_group_dn",
            ),
            acting(
                "auth.ldap.user_search_configs[].match_group_member_attr",
                "mke-auth/src/ldap/settings/read.rs",
                ".match_group_member_attr",
            ),
            acting(
                "auth.ldap.user_search_configs[].match_group_iterate",
                "mke-auth/src/ldap/settings/read.rs",
                ".match_group_iterate",
            ),
            acting(
                "auth.ldap.admin_sync_opts.enable_sync",
                "mke-auth/src/ldap/settings/read.rs",
                ".enable_sync",
            ),
            acting(
                "auth.ldap.admin_sync_opts.select_group_members",
                "mke-auth/src/ldap/settings/read.rs",
                ".select_group_members",
            ),
            acting(
                "auth.ldap.admin_sync_opts.group_dn",
                "mke-auth/src/ldap/settings/mod.rs",
                "options.group_dn",
            ),
            acting(
                "auth.ldap.admin_sync_opts.group_member_attr",
                "mke-auth/src/ldap/settings/read.rs",
                ".group_member_attr",
            ),
            acting(
                "auth.ldap.admin_sync_opts.search_base_dn",
                "mke-auth/src/ldap/settings/mod.rs",
                "options.search_base_dn",
            ),
            acting(
                "auth.ldap.admin_sync_opts.search_scope_subtree",
                "mke-auth/src/ldap/settings/read.rs",
                ".search_scope_subtree",
            ),
            acting(
                "auth.ldap.admin_sync_opts.search_filter",
                "mke-auth/src/ldap/settings/mod.rs",
                "options.search_filter",
            ),
        ],
    },
    Topic {
        name: "SAML",
        keys: &[
            acting(
                "auth.samlEnabled",
                "mke-agent/src/controller/api/saml.rs",
                "auth.saml_enabled",
            ),
            acting(
                "auth.samlLoginText",
                "mke-agent/src/controller/api/saml.rs",
                "auth.saml_login_text",
            ),
            acting(
                "auth.saml.idpMetadataURL",
                "mke-auth/src/saml/fetch.rs",
                "auth.saml.idp_metadata_url",
            ),
            acting(
                "auth.saml.rootCerts",
                "mke-auth/src/saml/fetch.rs",
                "auth.saml.root_certs",
            ),
            acting(
                "auth.saml.tlsSkipVerify",
                "mke-auth/src/saml/fetch.rs",
                "auth.saml.tls_skip_verify",
            ),
            acting(
                "auth.saml.spHost",
                "mke-agent/src/controller/saml/mod.rs",
                ".sp_host",
            ),
            acting(
                "auth.samlProxy.enabled",
                "mke-auth/src/saml/fetch.rs",
                "proxy.enabled",
            ),
            acting(
                "auth.samlProxy.proxy_url",
                "mke-auth/src/saml/fetch.rs",
                "proxy.proxy_url",
            ),
            acting(
                "auth.samlProxy.credentials.basic.user",
                "mke-auth/src/saml/fetch.rs",
                "basic.user",
            ),
            acting(
                "auth.samlProxy.credentials.basic.password",
                "mke-auth/src/saml/fetch.rs",
                "basic.password",
            ),
        ],
    },
    Topic {
        name: "provisioning over SCIM",
        keys: &[acting(
            "auth.scimEnabled",
            "mke-agent/src/controller/identify.rs",
            "config.auth.scim_enabled",
        )],
    },
    Topic {
        name: "the role of new users",
        keys: &[acting(
            "auth.default_new_user_role",
            "mke-agent/src/controller/snapshot.rs",
            "config.auth.default_new_user_role",
        )],
    },
    Topic {
        name: "scheduling by administrators",
        keys: &[acting(
            "scheduling_configuration.enable_admin_ucp_scheduling",
            "mke-agent/src/controller/snapshot.rs",
            "config.scheduling.enable_admin_ucp_scheduling",
        )],
    },
    Topic {
        name: "the strategy of the classic scheduler",
        keys: &[acting(
            "cluster_config.swarm_strategy",
            "mke-agent/src/proxy/make.rs",
            "config.cluster.swarm_strategy",
        )],
    },
    Topic {
        name: "the orchestrator of new nodes",
        keys: &[acting(
            "scheduling_configuration.default_node_orchestrator",
            "mke-agent/src/proxy/nodes.rs",
            "config.scheduling.default_node_orchestrator",
        )],
    },
    Topic {
        name: "defaults of new services",
        keys: &[
            acting(
                r#"user_workload_defaults.swarm_defaults."tasktemplate.restartpolicy.delay".value"#,
                "mke-agent/src/controller/live/workloads.rs",
                "swarm.restart_delay.value",
            ),
            acting(
                r#"user_workload_defaults.swarm_defaults."tasktemplate.restartpolicy.maxattempts".value"#,
                "mke-agent/src/controller/live/workloads.rs",
                "swarm.restart_attempts.value",
            ),
        ],
    },
    Topic {
        name: "how old the access data of lists may be",
        keys: &[acting(
            "cluster_config.authz_cache_timeout",
            "mke-agent/src/proxy/handle.rs",
            "config.cluster.authz_cache_timeout",
        )],
    },
    Topic {
        name: "the message before a login",
        keys: &[acting(
            "cluster_config.pre_logon_message",
            "mke-agent/src/controller/api/system.rs",
            "config.cluster.pre_logon_message",
        )],
    },
    Topic {
        name: "what a controller does with processors and memory",
        keys: &[acting(
            "cluster_config.profiling_enabled",
            "mke-agent/src/controller/api/debug.rs",
            "config.cluster.profiling_enabled",
        )],
    },
    Topic {
        name: "registries and their authorities",
        keys: &[
            acting(
                "registries[].host_address",
                "mke-agent/src/controller/live/registries.rs",
                "registry.host_address",
            ),
            acting(
                "registries[].ca_bundle",
                "mke-agent/src/controller/live/registries.rs",
                "registry.ca_bundle",
            ),
            acting(
                "registries[].service_id",
                "mke-agent/src/controller/registry/mod.rs",
                "registry.service_id",
            ),
        ],
    },
    Topic {
        name: "names in server certificates",
        keys: &[acting(
            "cluster_config.shared_sans",
            "mke-agent/src/controller/live/mod.rs",
            "config.cluster.shared_sans",
        )],
    },
    Topic {
        name: "polling",
        keys: &[acting(
            "cluster_config.swarm_polling_disabled",
            "mke-agent/src/controller/start.rs",
            "config.cluster.swarm_polling_disabled",
        )],
    },
    Topic {
        name: "the audit level",
        keys: &[acting(
            "audit_log_configuration.level",
            "mke-agent/src/controller/journey.rs",
            "config.audit_log.level",
        )],
    },
    Topic {
        name: "the log level and the remote syslog",
        keys: &[
            acting(
                "log_configuration.level",
                "mke-agent/src/controller/live/logs.rs",
                "log.level",
            ),
            acting(
                "log_configuration.host",
                "mke-agent/src/controller/live/syslog/target.rs",
                "log.host",
            ),
            acting(
                "log_configuration.protocol",
                "mke-agent/src/controller/live/syslog/target.rs",
                "log.protocol",
            ),
        ],
    },
    Topic {
        name: "response headers and identity headers",
        keys: &[
            acting(
                "custom_api_server_headers[].name",
                "mke-agent/src/controller/headers.rs",
                "custom.name",
            ),
            acting(
                "custom_api_server_headers[].value",
                "mke-agent/src/controller/headers.rs",
                "custom.value",
            ),
            acting(
                "cluster_config.exclude_server_identity_headers",
                "mke-agent/src/controller/headers.rs",
                "config.cluster.exclude_server_identity_headers",
            ),
        ],
    },
    Topic {
        name: "resolvers and ports of components and the settings of etcd on nodes with agents",
        keys: &[
            acting(
                "cluster_config.dns",
                "mke-agent/src/node/desired/own.rs",
                "settings.dns.clone()",
            ),
            acting(
                "cluster_config.dns_opt",
                "mke-agent/src/node/desired/own.rs",
                "settings.dns_opt.clone()",
            ),
            acting(
                "cluster_config.dns_search",
                "mke-agent/src/node/desired/own.rs",
                "settings.dns_search.clone()",
            ),
            acting(
                "cluster_config.controller_port",
                "mke-agent/src/node/desired/own.rs",
                "settings.controller_port",
            ),
            acting(
                "cluster_config.swarm_port",
                "mke-agent/src/node/desired/own.rs",
                "settings.swarm_port",
            ),
            acting(
                "cluster_config.kv_timeout",
                "mke-agent/src/node/desired/own.rs",
                "settings.stores.kv_timeout",
            ),
            acting(
                "cluster_config.kv_snapshot_count",
                "mke-core/src/render/etcd.rs",
                "stores.kv_snapshot_count",
            ),
            acting(
                "cluster_config.etcd_storage_quota",
                "mke-core/src/render/etcd.rs",
                "stores.etcd_storage_quota",
            ),
            acting(
                "cluster_config.cipher_suites_for_etcd_server",
                "mke-core/src/render/etcd.rs",
                "stores.cipher_suites_for_etcd_server",
            ),
        ],
    },
];

impl Key {
    /// Whether this version acts on it.
    pub fn is_acted_on(&self) -> bool {
        let path = self.path();
        let mut keys = ACTING.iter().flat_map(|topic| topic.keys);
        keys.any(|acting| acting.key == path)
    }
}

/// The keys among these changes that nothing acts on yet, by their paths: what an answer to a change warns of.
pub fn without_effect(differences: &[Difference]) -> Vec<String> {
    let waiting = differences.iter().filter(|change| !change.key.is_acted_on());
    waiting.map(|change| change.path.to_string()).collect()
}

/// The topics in one phrase: "a, b and c".
pub fn acting_topics() -> String {
    let names: Vec<_> = ACTING.iter().map(|topic| topic.name).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{}, and {last}", before.join(", ")),
        None => "nothing".to_owned(),
    }
}
