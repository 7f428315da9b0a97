//! Which kept password a directory server goes on with when it comes without one: the one that was given for the same
//! address and the same reader, and no other. A password never goes to another server without being given again.

use super::path::{KeyPath, Step};
use super::problem::{Problem, Problems};
use super::{Ldap, LdapDomain};
use crate::secret::Secret;

impl Ldap {
    /// Gives servers that come without a password the one that is kept for them. An empty password is one: it binds
    /// without.
    ///
    /// # Errors
    /// Every server whose kept password cannot be taken over, because it was given for another address or reader.
    pub fn keep_passwords(&mut self, before: &Self) -> Result<(), Problems> {
        let mut problems = Vec::new();
        if self.reader_password.is_none() {
            if same_reader(self, before) {
                self.reader_password.clone_from(&before.reader_password);
            } else if is_given(self.reader_dn.as_deref()) && holds(before.reader_password.as_ref()) {
                problems.push(moved("/readerPassword".to_owned()));
            }
        }
        for (row, domain) in self.additional_domains.iter_mut().enumerate() {
            if domain.reader_password.is_some() {
                continue;
            }
            if let Some(twin) = twin(domain, before) {
                domain.reader_password.clone_from(&twin.reader_password);
            } else if is_given(domain.reader_dn.as_deref())
                && before
                    .additional_domains
                    .iter()
                    .any(|known| known.domain == domain.domain && holds(known.reader_password.as_ref()))
            {
                problems.push(moved(format!("/additionalDomains/{row}/readerPassword")));
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Problems(problems))
        }
    }

    /// The password that is kept for the server at `path`.
    pub(super) fn kept_password(&self, before: &Self, path: &KeyPath) -> Option<Secret> {
        let row = path.0.iter().find_map(|step| match step {
            Step::Row(row) => Some(*row),
            Step::Name(_) => None,
        });
        match row {
            None => before
                .reader_password
                .clone()
                .filter(|_| same_reader(self, before)),
            Some(row) => twin(self.additional_domains.get(row)?, before)?
                .reader_password
                .clone(),
        }
    }
}

fn same_reader(after: &Ldap, before: &Ldap) -> bool {
    after.server_url == before.server_url && after.reader_dn == before.reader_dn
}

/// The same server as it was before, whatever its row was.
fn twin<'b>(domain: &LdapDomain, before: &'b Ldap) -> Option<&'b LdapDomain> {
    let mut known = before.additional_domains.iter();
    known.find(|known| known.server_url == domain.server_url && known.reader_dn == domain.reader_dn)
}

fn is_given(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn holds(secret: Option<&Secret>) -> bool {
    secret.is_some_and(|secret| !secret.is_empty())
}

fn moved(key: String) -> Problem {
    Problem {
        key,
        message: "the kept password was given for another server or reader: give it again, or an empty one to bind \
                  without"
            .to_owned(),
        ..Problem::default()
    }
}
