//! SCIM 2.0 (RFC 7643, RFC 7644): an identity provider keeps users and groups here.
//!
//! [`Scim::handle`] takes a [`Request`] and gives a [`Response`]; neither knows of any HTTP server, so that every one
//! can mount it. It reads the directory it is given and writes through [`Accounts`], as every other source does. Who
//! may call it is decided before, with [`ScimTokens`]: the service's own token and nothing else (SCIM-002).
//!
//! What is outside: accounts and teams that were made otherwise. For a client they do not exist, except that their
//! names are taken. It can make nobody an administrator. `docs/scim.md` lists where this differs from the RFCs.
//!
//! | step | module |
//! | --- | --- |
//! | text to JSON that means one thing | [`json`] |
//! | JSON to attributes of the schema | `document`, `schema` |
//! | filters and paths | `lexer`, `filter`, `path` |
//! | changes in part | `patch` |
//! | resources to accounts and teams and back | `users`, `groups` |
//! | lists | `search`, `project` |
//! | versions and conditions | `version` |

mod discovery;
mod document;
mod error;
mod filter;
mod groups;
mod json;
mod lexer;
mod message;
mod offline;
mod patch;
mod path;
mod project;
mod schema;
mod search;
mod tokens;
mod users;
mod version;

pub use error::{ScimError, ScimType};
pub use message::{MAX_BODY, MEDIA_TYPE, Method, Request, Response};
pub use offline::{ResourceType, matches, patched};
pub use search::{DEFAULT_GROUPS, DEFAULT_USERS, MAX_PAGE};
pub use tokens::{MAX_TOKEN_BYTES, MIN_TOKEN_BYTES, ScimTokens, TokenError};
pub use users::MAX_EXTERNAL_ID_BYTES;

use rand_core::CryptoRng;

use crate::accounts::Accounts;
use crate::directory::Directory;
use search::{DEFAULT_USERS as PAGE, Search};

/// The service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Scim {
    accounts: Accounts,
}

/// What a path is.
enum Place<'p> {
    Users,
    User(&'p str),
    Groups,
    Group(&'p str),
    SearchUsers,
    SearchGroups,
    SearchAll,
    Configuration,
    Schemas(Option<&'p str>),
    ResourceTypes(Option<&'p str>),
    /// In the RFC, but not here.
    NotHere(&'static str),
}

impl<'p> Place<'p> {
    fn of(path: &'p [String]) -> Option<Self> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        Some(match path.as_slice() {
            ["Users"] => Self::Users,
            ["Users", ".search"] => Self::SearchUsers,
            ["Users", id] => Self::User(id),
            ["Groups"] => Self::Groups,
            ["Groups", ".search"] => Self::SearchGroups,
            ["Groups", id] => Self::Group(id),
            [".search"] => Self::SearchAll,
            ["ServiceProviderConfig"] => Self::Configuration,
            ["Schemas"] => Self::Schemas(None),
            ["Schemas", urn] => Self::Schemas(Some(urn)),
            ["ResourceTypes"] => Self::ResourceTypes(None),
            ["ResourceTypes", name] => Self::ResourceTypes(Some(name)),
            ["Bulk"] => Self::NotHere("bulk operations"),
            ["Me"] => Self::NotHere("the alias /Me: a token stands for no user"),
            _ => return None,
        })
    }

    /// The methods that are possible there.
    const fn methods(&self) -> &'static str {
        match self {
            Self::Users | Self::Groups => "GET, POST",
            Self::User(_) | Self::Group(_) => "GET, PUT, PATCH, DELETE",
            Self::SearchUsers | Self::SearchGroups | Self::SearchAll => "POST",
            Self::Configuration | Self::Schemas(_) | Self::ResourceTypes(_) => "GET",
            Self::NotHere(_) => "",
        }
    }
}

impl Scim {
    /// A service that writes through these accounts.
    pub const fn new(accounts: Accounts) -> Self {
        Self { accounts }
    }

    /// Answers a request of a client that has shown the token. Never fails: every failure is an answer.
    pub async fn handle(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Response {
        let Some(place) = Place::of(request.path) else {
            let path = request.path.join("/");
            return ScimError::not_found("endpoint", &format!("/{path}")).into();
        };
        match self.at(directory, request, &place, rng).await {
            Ok(response) => response,
            Err(error) => {
                let allow = (error.status == 405).then(|| place.methods());
                Response {
                    allow,
                    ..error.into()
                }
            }
        }
    }

    async fn at(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        place: &Place<'_>,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Response, ScimError> {
        use Method::{Delete, Get, Patch, Post, Put};
        match (request.method, place) {
            (_, Place::NotHere(what)) => Err(ScimError::new(501, format!("there are no {what}"))),
            (Get, Place::Users) => self.list_users(directory, request, &Search::of_query(request)?),
            (Get, Place::Groups) => self.list_groups(directory, request, &Search::of_query(request)?),
            (Get, Place::User(id)) => self.show_user(directory, request, id),
            (Get, Place::Group(id)) => self.show_group(directory, request, id),
            (Get, Place::Configuration) => discovery::configuration(request),
            (Get, Place::Schemas(urn)) => discovery::schemas(request, *urn),
            (Get, Place::ResourceTypes(name)) => discovery::resource_types(request, *name),
            (Delete, Place::User(id)) => self.delete_user(request, id).await,
            (Delete, Place::Group(id)) => self.delete_group(directory, request, id).await,
            (Post, Place::SearchUsers) => self.list_users(directory, request, &searched(request)?),
            (Post, Place::SearchGroups) => self.list_groups(directory, request, &searched(request)?),
            (Post, Place::SearchAll) => list_all(directory, request, &searched(request)?),
            (Post, Place::Users) => {
                check_media(request)?;
                self.create_user(directory, request, rng).await
            }
            (Post, Place::Groups) => {
                check_media(request)?;
                self.create_group(directory, request, rng).await
            }
            (Put, Place::User(id)) => {
                check_media(request)?;
                self.replace_user(directory, request, id).await
            }
            (Put, Place::Group(id)) => {
                check_media(request)?;
                self.replace_group(directory, request, id).await
            }
            (Patch, Place::User(id)) => {
                check_media(request)?;
                self.patch_user(directory, request, id).await
            }
            (Patch, Place::Group(id)) => {
                check_media(request)?;
                self.patch_group(directory, request, id).await
            }
            _ => Err(ScimError::new(405, format!("possible here: {}", place.methods()))),
        }
    }
}

/// Users, then groups.
fn list_all(directory: &Directory, request: &Request<'_>, search: &Search) -> Result<Response, ScimError> {
    // A filter may name attributes that only one of them has; that none has them is an error.
    let (users, groups) = match (users::find(directory, search), groups::find(directory, search)) {
        (Err(error), Err(_)) => return Err(error),
        (users, groups) => (users.unwrap_or_default(), groups.unwrap_or_default()),
    };
    let users = users.into_iter().map(|account| Found::User(account));
    let found = users.chain(groups.into_iter().map(|(team, group)| Found::Group(team, group)));
    let page = search.page(found, PAGE, |found| match found {
        Found::User(account) => users::shown(account, request.base, &search.wanted),
        Found::Group(team, group) => {
            let members = groups::members(directory, team);
            groups::shown(team, group, &members, request.base, &search.wanted)
        }
    });
    Ok(Response::json(200, page))
}

enum Found<'d> {
    User(&'d crate::records::Account),
    Group(&'d crate::records::Team, &'d crate::records::ScimGroup),
}

fn searched(request: &Request<'_>) -> Result<Search, ScimError> {
    check_media(request)?;
    Search::of_body(&json::object(request.body)?)
}

/// Bodies are JSON in UTF-8, as they are: nothing is unpacked and nothing is guessed (scim-18, SCIM-015).
fn check_media(request: &Request<'_>) -> Result<(), ScimError> {
    let unpacked = request
        .content_encoding
        .is_none_or(|encoding| encoding.trim().eq_ignore_ascii_case("identity"));
    let mut parts = request.content_type.unwrap_or_default().split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let right = [MEDIA_TYPE, "application/json"]
        .iter()
        .any(|known| media.eq_ignore_ascii_case(known));
    let utf8 = parts.filter(|part| !part.is_empty()).all(|part| {
        part.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("charset")
                && value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    });
    if unpacked && right && utf8 {
        Ok(())
    } else {
        Err(ScimError::new(
            415,
            format!("send the body as {MEDIA_TYPE}, in UTF-8 and not compressed"),
        ))
    }
}
