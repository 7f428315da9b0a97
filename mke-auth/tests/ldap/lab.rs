//! A cluster beside a directory.

use mke_auth::accounts::NewTeam;
use mke_auth::accounts::{NewOrganization, TeamLink};
use mke_auth::directory::Directory;
use mke_auth::ldap::{Denial, LoginFailure, Options, Outcome, Settings, SyncError, login, sync};
use mke_auth::records::{Account, MemberSync};
use mke_core::config::{Ldap, LdapDomain, UserSearch};
use mke_core::ids::{AccountId, TeamId};
use mke_core::secret::Secret;
use mke_core::store::{KeyRange, Revision, Store as _, layout};
use mke_core::time::Clock as _;
use mke_test_support::{READER_PASSWORD, Slapd};

use crate::support::{World, rng};

/// One search below `ou=people` of a server, for everybody with a `uid`.
pub(crate) fn search(server: &Slapd) -> UserSearch {
    UserSearch {
        base_dn: Some(format!("ou=people,{}", server.suffix())),
        scope_subtree: true,
        filter: "(objectClass=inetOrgPerson)".to_owned(),
        match_group: false,
        ..UserSearch::default()
    }
}

/// Settings with one server and [`search`], accounts made by synchronisation.
pub(crate) fn config(server: &Slapd) -> Ldap {
    Ldap {
        server_url: Some(server.url()),
        reader_dn: Some(server.reader()),
        reader_password: Some(Secret::new(READER_PASSWORD)),
        jit_user_provisioning: false,
        user_search_configs: vec![search(server)],
        ..Ldap::default()
    }
}

/// A further server for everything below its suffix.
pub(crate) fn domain(server: &Slapd) -> LdapDomain {
    LdapDomain {
        domain: Some(server.suffix().to_owned()),
        server_url: Some(server.url()),
        reader_dn: Some(server.reader()),
        reader_password: Some(Secret::new(READER_PASSWORD)),
        ..LdapDomain::default()
    }
}

pub(crate) fn read(config: &Ldap) -> Settings {
    Settings::read(config).unwrap()
}

impl World {
    pub(crate) async fn sync(&self, settings: &Settings) -> Result<Outcome, SyncError> {
        self.sync_with(settings, &Options::of(settings)).await
    }

    pub(crate) async fn sync_with(
        &self,
        settings: &Settings,
        options: &Options,
    ) -> Result<Outcome, SyncError> {
        let directory = self.directory().await;
        sync(settings, &self.accounts, &directory, options, &mut rng(), &|_| {}).await
    }

    pub(crate) async fn ldap_login(
        &self,
        settings: &Settings,
        name: &str,
        password: &str,
    ) -> Result<(), Denial> {
        match login(settings, name, &Secret::new(password), self.clock.now()).await {
            Ok(_) => Ok(()),
            Err(LoginFailure::Denied(denial)) => Err(denial),
            Err(other) => panic!("{other}"),
        }
    }

    /// The account of this name, which must be there.
    pub(crate) async fn account(&self, name: &str) -> Account {
        let directory = self.directory().await;
        let account = directory.account_by_name(name);
        account
            .unwrap_or_else(|| panic!("no account {name}"))
            .as_ref()
            .clone()
    }

    /// Names of active users, in order.
    pub(crate) async fn active(&self) -> Vec<String> {
        names(&self.directory().await, |account| account.is_active_user())
    }

    pub(crate) async fn revision(&self) -> Revision {
        self.store.range(KeyRange::key("none"), 1).await.unwrap().revision
    }

    /// Makes a team that follows the directory.
    pub(crate) async fn team(&self, organization: &str, name: &str, sync: MemberSync) -> (AccountId, TeamId) {
        let directory = self.directory().await;
        let organization = match directory.account_by_name(organization) {
            Some(account) => account.id.clone(),
            None => {
                let new = NewOrganization {
                    name: organization.to_owned(),
                    full_name: String::new(),
                };
                self.accounts
                    .create_organization(new, &mut rng())
                    .await
                    .unwrap()
                    .0
                    .id
            }
        };
        let new = NewTeam {
            name: name.to_owned(),
            description: String::new(),
        };
        let (team, _) = self
            .accounts
            .create_team(&organization, new, &mut rng())
            .await
            .unwrap();
        let link = TeamLink::Sync(Some(sync));
        self.accounts
            .link_team(&organization, &team.id, &link)
            .await
            .unwrap();
        (organization, team.id)
    }

    /// Names of a team's members, in order.
    pub(crate) async fn members(&self, team: &TeamId) -> Vec<String> {
        let directory = self.directory().await;
        let mut names: Vec<String> = directory
            .team_members(team)
            .map(|member| member.account.name.to_string())
            .collect();
        names.sort();
        names
    }

    /// Everything that is stored, as text.
    pub(crate) async fn dump(&self) -> String {
        let all = self
            .store
            .range(KeyRange::prefix(layout::ROOT), 100_000)
            .await
            .unwrap();
        let lines = all
            .entries
            .iter()
            .map(|entry| format!("{} {}\n", entry.key, String::from_utf8_lossy(&entry.value)));
        lines.collect()
    }
}

pub(crate) fn names(directory: &Directory, wanted: impl Fn(&Account) -> bool) -> Vec<String> {
    directory
        .accounts()
        .filter(|account| wanted(account))
        .map(|account| account.name.to_string())
        .collect()
}

pub(crate) fn by_group(dn: String) -> MemberSync {
    MemberSync {
        enabled: true,
        by_group: true,
        group_dn: dn,
        group_member_attribute: "member".to_owned(),
        allow_others: true,
        ..MemberSync::default()
    }
}
