//! Entries of a directory as LDIF text, with the `memberOf` that a running server would keep.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Entries below a suffix. `slapadd` runs no overlay, so groups write `memberOf` into the entries of their members.
#[derive(Debug, Clone, Default)]
pub struct Ldif {
    suffix: String,
    entries: Vec<(String, String)>,
    member_of: BTreeMap<String, Vec<String>>,
}

impl Ldif {
    /// The root of a domain such as `dc=example,dc=com`, with `ou=people` and `ou=groups` below it.
    pub fn domain(suffix: &str) -> Self {
        let mut ldif = Self {
            suffix: suffix.to_owned(),
            ..Self::default()
        };
        let dc = suffix
            .split(',')
            .next()
            .and_then(|part| part.strip_prefix("dc="))
            .expect("a suffix that starts with dc=");
        ldif.add(
            suffix,
            &format!("objectClass: dcObject\nobjectClass: organization\ndc: {dc}\no: {dc}"),
        );
        ldif.unit("people");
        ldif.unit("groups");
        ldif
    }

    /// The DN of something below the suffix.
    pub fn dn(&self, relative: &str) -> String {
        format!("{relative},{}", self.suffix)
    }

    /// Adds an entry with these lines of attributes.
    pub fn add(&mut self, dn: &str, lines: &str) -> &mut Self {
        self.entries.push((dn.to_owned(), lines.to_owned()));
        self
    }

    /// Adds `ou=<name>` below the suffix.
    pub fn unit(&mut self, name: &str) -> &mut Self {
        let dn = self.dn(&format!("ou={name}"));
        self.add(&dn, &format!("objectClass: organizationalUnit\nou: {name}"))
    }

    /// Adds a person to `ou=people` with this password, whose `cn` is `Full <uid>`. Returns the DN.
    pub fn person(&mut self, uid: &str, password: &str) -> String {
        self.person_in("people", uid, password)
    }

    /// Adds a person to a unit. Returns the DN.
    pub fn person_in(&mut self, unit: &str, uid: &str, password: &str) -> String {
        let dn = self.dn(&format!("uid={uid},ou={unit}"));
        self.add(
            &dn,
            &format!(
                "objectClass: inetOrgPerson\nuid: {uid}\ncn: Full {uid}\nsn: {uid}\nmail: {uid}@example.com\n\
                 userPassword: {password}"
            ),
        );
        dn
    }

    /// Adds a group to `ou=groups`. An empty one gets its own DN as a member, because the class wants one. Returns
    /// the DN.
    pub fn group(&mut self, name: &str, members: &[String]) -> String {
        let dn = self.dn(&format!("cn={name},ou=groups"));
        let mut lines = format!("objectClass: groupOfNames\ncn: {name}");
        if members.is_empty() {
            let _ = write!(lines, "\nmember: {dn}");
        }
        for member in members {
            let _ = write!(lines, "\nmember: {member}");
            self.member_of.entry(member.clone()).or_default().push(dn.clone());
        }
        self.add(&dn, &lines);
        dn
    }

    /// Adds an entry that stands for a part of the tree that another server holds.
    pub fn referral(&mut self, relative: &str, address: &str) -> &mut Self {
        let dn = self.dn(relative);
        let name = relative.replacen('=', ": ", 1);
        self.add(
            &dn,
            &format!("objectClass: referral\nobjectClass: extensibleObject\n{name}\nref: {address}"),
        )
    }

    /// The text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (dn, lines) in &self.entries {
            let _ = write!(text, "dn: {dn}\n{lines}\n");
            for group in self.member_of.get(dn).into_iter().flatten() {
                let _ = writeln!(text, "memberOf: {group}");
            }
            text.push('\n');
        }
        text
    }

    /// The suffix.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }
}
