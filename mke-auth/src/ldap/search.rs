//! A whole search: all pages, and the parts of the tree that other servers hold.
//!
//! Referrals are followed to servers of the settings only, with what the settings say for each, so no password ever
//! goes where somebody else points (ldap-06). One that leads elsewhere is left alone and reported; one to a server
//! that does not answer is an error, because what lies there is unknown and not absent (LDAP-020).

use std::sync::Arc;

use super::dn::Dn;
use super::error::LdapError;
use super::settings::{Server, Settings, scheme_host_port};
use super::wire::{Connection, Entry, Scope, Search};

/// Entries in one page. Active Directory sends no more at once, others are asked for as many.
const PAGE_ENTRIES: u32 = 1000;

/// How many referrals in a row are followed.
const MAX_REFERRALS: usize = 3;

/// Most entries of one search. Beyond it something is wrong, if only the filter.
const MAX_ENTRIES: usize = 5_000_000;

/// Connections to the servers of the settings, opened when they are needed and bound as each server's reader.
pub(super) struct Pool<'s> {
    settings: &'s Settings,
    open: Vec<(Arc<Server>, Connection)>,
}

/// What a search came to, beside its entries.
#[derive(Debug, Default)]
pub(super) struct Searched {
    /// How many entries were found.
    pub(super) entries: usize,
    /// Referrals that lead to servers that are not in the settings.
    pub(super) left_alone: Vec<String>,
}

/// One stop on the way of referrals.
struct Stop {
    server: Arc<Server>,
    base: String,
    scope: Scope,
    /// How many referrals led here.
    depth: usize,
}

impl<'s> Pool<'s> {
    pub(super) fn new(settings: &'s Settings) -> Self {
        Self {
            settings,
            open: Vec::new(),
        }
    }

    /// A connection that may search.
    pub(super) async fn to(&mut self, server: &Arc<Server>) -> Result<&mut Connection, LdapError> {
        let at = match self.open.iter().position(|(of, _)| Arc::ptr_eq(of, server)) {
            Some(at) => at,
            None => {
                let mut connection = Connection::open(server).await?;
                if let Some((name, password)) = &server.reader
                    && !connection.bind(name, password).await?
                {
                    return Err(LdapError::Reader {
                        server: server.to_string(),
                    });
                }
                self.open.push((Arc::clone(server), connection));
                self.open.len() - 1
            }
        };
        match self.open.get_mut(at) {
            Some((_, connection)) => Ok(connection),
            // Just found or pushed.
            None => Err(LdapError::Unexpected {
                server: server.to_string(),
            }),
        }
    }

    /// Searches with all pages and referrals. The server is the one that answers for the base.
    pub(super) async fn search<F>(
        &mut self,
        search: &Search<'_>,
        mut on_entry: F,
    ) -> Result<Searched, LdapError>
    where
        F: FnMut(Entry<'_>) -> Result<(), LdapError>,
    {
        // The settings only hold bases that are DNs; elsewhere the default server says what is wrong.
        let base_dn = Dn::parse(search.base).unwrap_or_default();
        let mut searched = Searched::default();
        let mut stops = vec![Stop {
            server: Arc::clone(self.settings.server_for(&base_dn)),
            base: search.base.to_owned(),
            scope: search.scope,
            depth: 0,
        }];
        while let Some(stop) = stops.pop() {
            let references = self.stop(search, &stop, &mut searched, &mut on_entry).await?;
            for addresses in references {
                let ours = addresses.iter().find_map(|address| self.follow(address, &stop));
                match ours {
                    Some(next) if next.depth > MAX_REFERRALS => {
                        return Err(LdapError::TooManyReferrals {
                            server: stop.server.to_string(),
                            max: next.depth,
                        });
                    }
                    Some(next) => stops.push(next),
                    None => searched.left_alone.extend(addresses.into_iter().next()),
                }
            }
        }
        Ok(searched)
    }

    /// All pages of one server.
    async fn stop<F>(
        &mut self,
        search: &Search<'_>,
        stop: &Stop,
        searched: &mut Searched,
        on_entry: &mut F,
    ) -> Result<Vec<Vec<String>>, LdapError>
    where
        F: FnMut(Entry<'_>) -> Result<(), LdapError>,
    {
        let search = Search {
            base: &stop.base,
            scope: stop.scope,
            ..*search
        };
        // One entry fits into any page.
        let pages = stop.server.pages && stop.scope != Scope::Base && search.size_limit == 0;
        let server = stop.server.to_string();
        let connection = self.to(&stop.server).await?;
        let mut references = Vec::new();
        let mut cookie = Vec::new();
        let mut idle = 0;
        loop {
            let before = searched.entries;
            let page = pages.then_some((PAGE_ENTRIES, cookie.as_slice()));
            let done = connection
                .search(&search, page, &mut |entry: Entry<'_>| {
                    searched.entries += 1;
                    if searched.entries > MAX_ENTRIES {
                        return Err(LdapError::TooMuch {
                            server: server.clone(),
                            what: "entries",
                            max: MAX_ENTRIES,
                        });
                    }
                    on_entry(entry)
                })
                .await?;
            references.extend(done.references);
            if done.cookie.is_empty() {
                return Ok(references);
            }
            // A page may be empty, but a server that sends nothing else would be listened to for ever.
            idle = if searched.entries == before { idle + 1 } else { 0 };
            if idle > 1000 || references.len() > MAX_ENTRIES {
                return Err(LdapError::TooMuch {
                    server,
                    what: "pages without entries",
                    max: 1000,
                });
            }
            cookie = done.cookie;
        }
    }

    /// Where a referral leads, if that is one of our servers.
    fn follow(&self, address: &str, from: &Stop) -> Option<Stop> {
        let (start, rest) = match address.find("://") {
            Some(at) => match address.get(at + 3..)?.find('/') {
                Some(slash) => address.split_at(at + 3 + slash),
                None => (address, ""),
            },
            None => return None,
        };
        let (_, host, port) = scheme_host_port(start)?;
        let server = self.settings.server_at(&host, port)?;
        let mut parts = rest.strip_prefix('/').unwrap_or(rest).split('?');
        let base = percent_decoded(parts.next().unwrap_or_default())?;
        let scope = match parts.nth(1).unwrap_or_default() {
            "base" => Scope::Base,
            "one" => Scope::OneLevel,
            "sub" => Scope::Subtree,
            _ => from.scope,
        };
        Some(Stop {
            server: Arc::clone(server),
            base: if base.is_empty() { from.base.clone() } else { base },
            scope,
            depth: from.depth + 1,
        })
    }

    /// Says goodbye to all servers.
    pub(super) async fn close(self) {
        for (_, connection) in self.open {
            connection.close().await;
        }
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        octets.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                *hex::decode(digits).ok()?.first()?
            }
            other => other,
        });
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs() {
        assert_eq!(percent_decoded("ou=a%20b,dc=x").as_deref(), Some("ou=a b,dc=x"));
        assert_eq!(percent_decoded("%c3%bc").as_deref(), Some("ü"));
        for wrong in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(percent_decoded(wrong), None, "{wrong}");
        }
    }
}
