//! Three real directory servers with the settings for them: a default one with TLS, and one for each of two domains, of
//! which one lies below the other.

#![allow(dead_code, unreachable_pub, reason = "each test crate uses a part")]

use mke_test_support::{Certificates, Ldif, READER_PASSWORD, Slapd, SlapdOptions};
use serde_json::{Value, json};

/// What everybody in the directory has for a password.
pub const SECRET: &str = "directory secret";

/// The servers.
///
/// | who | where | groups |
/// | --- | --- | --- |
/// | alice | `ou=people,dc=example,dc=com` | platform-users, platform-admins |
/// | jane, joe | the same | platform-users, web |
/// | kim, lee, max | the same | platform-users |
/// | outsider | the same | none, so it is no user |
/// | bob@example.com | `ou=people,dc=subsidiary1,dc=com`, named by `mail` | |
/// | carol | `ou=product,dc=subsidiary2,dc=subsidiary1,dc=com` | |
pub struct Directories {
    pub main: Slapd,
    pub subsidiary: Slapd,
    pub product: Slapd,
    certificates: Certificates,
}

impl Directories {
    pub fn start() -> Self {
        let certificates = Certificates::new("IP:127.0.0.1");
        let mut main = Ldif::domain("dc=example,dc=com");
        let people: Vec<String> = ["alice", "jane", "joe", "kim", "lee", "max"]
            .iter()
            .map(|name| main.person(name, SECRET))
            .collect();
        main.person("outsider", SECRET);
        main.group("platform-users", &people);
        main.group("platform-admins", &people[..1]);
        main.group("web", &people[1..3]);
        let mut subsidiary = Ldif::domain("dc=subsidiary1,dc=com");
        subsidiary.person("bob", SECRET);
        let mut product = Ldif::domain("dc=subsidiary2,dc=subsidiary1,dc=com");
        product.unit("product").person_in("product", "carol", SECRET);
        let options = SlapdOptions {
            certificates: Some(&certificates),
            log: true,
            ..SlapdOptions::default()
        };
        Self {
            main: Slapd::start_with(&main, &options),
            subsidiary: Slapd::start(&subsidiary),
            product: Slapd::start(&product),
            certificates,
        }
    }

    /// The settings in the form of the API: accounts are made at their first login, or by a synchronisation.
    pub fn settings(&self, just_in_time: bool) -> Value {
        let domain = |server: &Slapd| {
            json!({
                "domain": server.suffix(),
                "serverURL": server.url(),
                "noSimplePagination": false,
                "startTLS": false,
                "rootCerts": "",
                "tlsSkipVerify": false,
                "readerDN": server.reader(),
                "readerPassword": READER_PASSWORD,
            })
        };
        let search = |base: &str, name: &str| {
            json!({
                "baseDN": base,
                "scopeSubtree": false,
                "usernameAttr": name,
                "fullNameAttr": "cn",
                "filter": "(objectClass=person)",
                "matchGroup": false,
            })
        };
        let mut everybody = search("ou=people,dc=example,dc=com", "uid");
        everybody["scopeSubtree"] = json!(true);
        everybody["matchGroup"] = json!(true);
        everybody["matchGroupDN"] = json!(group("platform-users"));
        everybody["matchGroupMemberAttr"] = json!("member");
        json!({
            "serverURL": self.main.tls_url(),
            "noSimplePagination": false,
            "startTLS": false,
            "rootCerts": self.certificates.authority(),
            "tlsSkipVerify": false,
            "readerDN": self.main.reader(),
            "readerPassword": READER_PASSWORD,
            "jitUserProvisioning": just_in_time,
            "syncSchedule": "@hourly",
            "recoveryAdminUsername": "admin",
            "additionalDomains": [domain(&self.subsidiary), domain(&self.product)],
            "userSearchConfigs": [
                everybody,
                search("ou=people,dc=subsidiary1,dc=com", "mail"),
                search("ou=product,dc=subsidiary2,dc=subsidiary1,dc=com", "uid"),
            ],
            "adminSyncOpts": {
                "enableSync": true,
                "selectGroupMembers": true,
                "groupDN": group("platform-admins"),
                "groupMemberAttr": "member",
                "searchBaseDN": "",
                "searchScopeSubtree": false,
                "searchFilter": "",
            },
        })
    }

    /// Takes somebody out of the main directory.
    pub fn remove(&self, name: &str) {
        self.main.delete(&person(name));
    }
}

/// The DN of somebody in the main directory.
pub fn person(name: &str) -> String {
    format!("uid={name},ou=people,dc=example,dc=com")
}

/// The DN of a group in the main directory.
pub fn group(name: &str) -> String {
    format!("cn={name},ou=groups,dc=example,dc=com")
}

/// Options for a team: the members of a group.
pub fn members_of(name: &str) -> Value {
    json!({
        "enableSync": true,
        "selectGroupMembers": true,
        "groupDN": group(name),
        "groupMemberAttr": "member",
        "searchBaseDN": "",
        "searchScopeSubtree": false,
        "searchFilter": "",
    })
}
