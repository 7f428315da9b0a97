//! Logins through a directory.

use serde_json::Value as Json;

use super::{MASKED, Work};
use crate::config::{MASK, UserSearch};

const KEY: &str = "auth.ldap";
const TO: &str = "authentication.ldap";

pub(super) fn convert(work: &mut Work<'_>) {
    let config = work.config;
    let ldap = &config.auth.ldap;
    work.seen.insert("auth.backend".to_owned());
    if config.auth.backend != "ldap" {
        return;
    }
    work.put("auth.backend", &format!("{TO}.enabled"), true.into());
    server(work);
    if ldap.start_tls {
        put(work, "start_tls", "startTLS", true.into());
    }
    if ldap.tls_skip_verify {
        put(work, "tls_skip_verify", "insecureSkipVerify", true.into());
    }
    if let Some(dn) = &ldap.reader_dn {
        put(work, "reader_dn", "bindDN", dn.as_str().into());
    }
    if let Some(password) = &ldap.reader_password {
        if password.expose() == MASK {
            see(work, "reader_password");
            work.leave(&format!("{KEY}.reader_password"), MASK, MASKED);
        } else {
            put(work, "reader_password", "bindPW", password.expose().into());
        }
    }
    if !ldap.root_certs.is_empty() {
        see(work, "root_certs");
        let why = "MKE 4 wants the path of a file: save the certificates on the managers and set authentication.ldap.rootCA";
        work.leave(&format!("{KEY}.root_certs"), "certificates", why);
    }
    if let Some((first, others)) = ldap.user_search_configs.split_first() {
        search(work, first);
        for (row, other) in others.iter().enumerate() {
            let key = format!("{KEY}.user_search_configs[{}]", row + 1);
            work.leave(
                &key,
                other.base_dn.as_deref().unwrap_or_default(),
                "MKE 4 has one search only",
            );
            see_search(work, row + 1);
        }
    }
}

fn see(work: &mut Work<'_>, name: &str) {
    work.seen.insert(format!("{KEY}.{name}"));
}

fn see_search(work: &mut Work<'_>, row: usize) {
    work.see_below(&format!("{KEY}.user_search_configs[{row}]"));
}

fn put(work: &mut Work<'_>, from: &str, to: &str, value: Json) {
    see(work, from);
    work.put(&format!("{KEY}.{from}"), &format!("{TO}.{to}"), value);
}

/// `ldaps://host` becomes `host:636`, `ldap://host` becomes `host:389` without TLS.
fn server(work: &mut Work<'_>) {
    let Some(url) = &work.config.auth.ldap.server_url else {
        return;
    };
    let (plain, host) = match url.split_once("://") {
        Some(("ldap", host)) => (true, host),
        Some((_, host)) => (false, host),
        None => (true, url.as_str()),
    };
    let host = host.split('/').next().unwrap_or(host);
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let host = match (has_port, plain) {
        (true, _) => host.to_owned(),
        (false, true) => format!("{host}:389"),
        (false, false) => format!("{host}:636"),
    };
    put(work, "server_url", "host", host.into());
    if plain && !work.config.auth.ldap.start_tls {
        put(work, "server_url", "insecureNoSSL", true.into());
    }
}

fn search(work: &mut Work<'_>, search: &UserSearch) {
    let texts = [
        ("base_dn", "baseDN", search.base_dn.as_deref().unwrap_or_default()),
        ("filter", "filter", search.filter.as_str()),
        ("username_attr", "username", search.username_attr.as_str()),
        ("full_name_attr", "nameAttr", search.full_name_attr.as_str()),
    ];
    for (from, to, text) in texts.into_iter().filter(|(.., text)| !text.is_empty()) {
        put(
            work,
            &format!("user_search_configs[0].{from}"),
            &format!("userSearch.{to}"),
            text.into(),
        );
    }
    if search.match_group && search.match_group_dn.is_some() {
        let found = search.match_group_dn.as_deref().unwrap_or_default();
        let why = "MKE 4 cannot limit logins to a group this way; put the condition into the filter, or everybody below the base may log in";
        work.leave(&format!("{KEY}.user_search_configs[0].match_group"), found, why);
    }
    see_search(work, 0);
}
