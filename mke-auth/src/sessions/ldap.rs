//! The LDAP directory as a back end of logins.

use std::sync::Arc;

use mke_core::secret::Secret;
use mke_core::time::Clock;

use super::backends::{Answer, Belongs, DirectoryFailure, PasswordDirectory};
use crate::accounts::{Join, Person, Place};
use crate::directory::Directory;
use crate::ldap::{self, LoginFailure, Settings, SyncTarget, TeamSync};
use crate::records::Source;

/// Asks the servers of some settings.
#[derive(Debug, Clone)]
pub struct LdapLogins {
    settings: Arc<Settings>,
    clock: ClockOf,
}

/// Clocks show nothing of themselves.
#[derive(Clone)]
struct ClockOf(Arc<dyn Clock>);

impl std::fmt::Debug for ClockOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl LdapLogins {
    /// Logins that these settings allow; the clock decides which entries have expired.
    pub fn new(settings: Arc<Settings>, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            clock: ClockOf(clock),
        }
    }
}

impl From<ldap::Person> for Person {
    fn from(person: ldap::Person) -> Self {
        Self {
            name: person.name,
            // A directory that says nothing takes nothing away.
            full_name: Some(person.full_name).filter(|name| !name.is_empty()),
            origin: person.origin,
            is_admin: person.is_admin,
        }
    }
}

impl From<LoginFailure> for DirectoryFailure {
    fn from(failure: LoginFailure) -> Self {
        match failure {
            LoginFailure::Denied(denial) => Self::Refused(denial.to_string()),
            LoginFailure::Unavailable(error) => Self::Unavailable(error.to_string()),
            LoginFailure::TooSlow => Self::Unavailable(failure.to_string()),
        }
    }
}

impl PasswordDirectory for LdapLogins {
    fn source(&self) -> Source {
        Source::Ldap
    }

    fn check<'a>(&'a self, name: &'a str, password: &'a Secret) -> Answer<'a> {
        Box::pin(async move {
            let person = ldap::login(&self.settings, name, password, self.clock.0.now()).await?;
            Ok(person.into())
        })
    }

    fn belongs<'a>(&'a self, person: &'a Person, known: &'a Directory) -> Belongs<'a> {
        Box::pin(async move {
            let unavailable =
                |error: &dyn std::fmt::Display| DirectoryFailure::Unavailable(error.to_string());
            let teams = TeamSync::of(known).map_err(|problems| {
                let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
                unavailable(&texts.join("; "))
            })?;
            let asked = ldap::Person {
                name: person.name.clone(),
                full_name: String::new(),
                origin: person.origin.clone(),
                is_admin: person.is_admin,
            };
            let belongs = ldap::memberships(&self.settings, &asked, &teams)
                .await
                .map_err(|error| unavailable(&error))?;
            let joins = teams
                .into_iter()
                .zip(belongs)
                .filter(|(_, belongs)| *belongs)
                .map(|(team, _)| match team.target {
                    SyncTarget::Team { organization, team } => Join {
                        place: Place {
                            organization,
                            team: Some(team),
                        },
                        is_admin: false,
                    },
                    SyncTarget::OrganizationAdmins { organization } => Join {
                        place: Place {
                            organization,
                            team: None,
                        },
                        is_admin: true,
                    },
                });
            Ok(joins.collect())
        })
    }
}
