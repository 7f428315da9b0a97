//! Users: accounts that a SCIM client keeps.
//!
//! | SCIM | here |
//! | --- | --- |
//! | `id` | the account's id |
//! | `userName` | the account's name, which has no capitals |
//! | `name.formatted`, or else given and family name | the account's full name |
//! | `active` | whether the account may log in |
//! | everything else | kept with the account and given back |

use std::sync::Arc;

use mke_core::ids::AccountId;
use mke_core::names::{AccountName, NameError};
use rand_core::CryptoRng;
use serde_json::{Map, Value, json};

use super::document::{self, Document};
use super::error::{ScimError, ScimType};
use super::message::{Request, Response};
use super::schema::{USERS, fold};
use super::search::{self, DEFAULT_USERS, Search};
use super::{Scim, json, patch, version};
use crate::accounts::{Provisioned, is_provisioned};
use crate::directory::Directory;
use crate::records::{Account, ScimEmail, ScimPerson, Source};

/// Longest `externalId`, in bytes.
pub const MAX_EXTERNAL_ID_BYTES: usize = 1024;
/// Longest part of a name, in characters.
const MAX_NAME_CHARS: usize = 300;
/// Longest address, in characters (RFC 5321 allows 254).
const MAX_EMAIL_CHARS: usize = 320;
/// Most addresses of a person.
const MAX_EMAILS: usize = 50;

impl Scim {
    pub(super) fn list_users(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        search: &Search,
    ) -> Result<Response, ScimError> {
        let resource = |account: &Arc<Account>| shown(account, request.base, &search.wanted);
        let page = search.page(find(directory, search)?.into_iter(), DEFAULT_USERS, resource);
        Ok(Response::json(200, page))
    }

    pub(super) fn show_user(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Response, ScimError> {
        let account = directory
            .account(&AccountId::from(id))
            .filter(|account| is_provisioned(account))
            .ok_or_else(|| ScimError::not_found("User", id))?;
        let unchanged = request.unchanged(&version::of(&written(account)));
        unchanged.map_or_else(|| answer(200, account, request), Ok)
    }

    pub(super) async fn create_user(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Response, ScimError> {
        let document = document::read(&USERS, &json::object(request.body)?)?;
        if !document.contains_key("emails") {
            return Err(ScimError::bad(
                ScimType::InvalidValue,
                "a new user needs at least one of `emails`",
            ));
        }
        let wanted = provisioned(&document, true)?;
        check_addresses(directory, None, &wanted.person)?;
        let (account, revision) = self.accounts.create_provisioned(&wanted, rng).await?;
        Ok(Response {
            revision: Some(revision),
            changed: vec![account.id.to_string()],
            ..answer(201, &account, request)?
        })
    }

    pub(super) async fn replace_user(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Response, ScimError> {
        let document = document::read(&USERS, &json::object(request.body)?)?;
        self.change_user(directory, request, id, |account| {
            // Whether somebody may log in is never decided by what a client did not say.
            let active = account.is_active_user();
            provisioned(&document, active)
        })
        .await
    }

    pub(super) async fn patch_user(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Response, ScimError> {
        let operations = patch::read(&USERS, &json::object(request.body)?)?;
        self.change_user(directory, request, id, |account| {
            let mut document = written(account);
            let had_emails = document.contains_key("emails");
            patch::apply(&USERS, &mut document, &operations)?;
            let required = ["userName", "active"]
                .into_iter()
                .chain(had_emails.then_some("emails"));
            for name in required {
                if !document.contains_key(name) {
                    return Err(ScimError::bad(
                        ScimType::Mutability,
                        format!("`{name}` is required and cannot be removed"),
                    ));
                }
            }
            provisioned(&document, account.is_active_user())
        })
        .await
    }

    async fn change_user(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        id: &str,
        change: impl Fn(&Account) -> Result<Provisioned, ScimError> + Send + Sync,
    ) -> Result<Response, ScimError> {
        let (account, revision) = self
            .accounts
            .change_provisioned(&AccountId::from(id), |account: &Account| {
                version::must_match(request.if_match, &version::of(&written(account)))?;
                let wanted = change(account)?;
                check_addresses(directory, Some(account), &wanted.person)?;
                Ok::<_, ScimError>(wanted)
            })
            .await?;
        Ok(Response {
            revision,
            changed: vec![account.id.to_string()],
            ..answer(200, &account, request)?
        })
    }

    pub(super) async fn delete_user(&self, request: &Request<'_>, id: &str) -> Result<Response, ScimError> {
        let revision = self
            .accounts
            .delete_provisioned(&AccountId::from(id), |account| {
                version::must_match(request.if_match, &version::of(&written(account)))
            })
            .await?;
        Ok(Response {
            revision: Some(revision),
            changed: vec![id.to_owned()],
            deleted_user: Some(AccountId::from(id)),
            ..Response::status(204)
        })
    }
}

/// The users that a search finds, by name. What the filter demands for certain is looked up instead of compared.
pub(super) fn find<'d>(
    directory: &'d Directory,
    search: &Search,
) -> Result<Vec<&'d Arc<Account>>, ScimError> {
    let Some(filter) = search.filter(&USERS)? else {
        return Ok(directory
            .accounts()
            .filter(|account| is_provisioned(account))
            .collect());
    };
    let passes = |account: &&Arc<Account>| {
        is_provisioned(account)
            && resource(account, "")
                .as_object()
                .is_some_and(|resource| filter.passes(resource))
    };
    let one = match (filter.demands("id"), filter.demands("userName")) {
        (Some(id), _) => Some(directory.account(&AccountId::from(id))),
        (None, Some(name)) => Some(directory.account_by_name(&account_name(name))),
        (None, None) => None,
    };
    if let Some(one) = one {
        return Ok(one.into_iter().filter(passes).collect());
    }
    let external = filter.demands("externalId");
    let likely = |account: &&Arc<Account>| match external {
        Some(external) => account.origin().and_then(|origin| origin.external_id.as_deref()) == Some(external),
        None => true,
    };
    Ok(directory.accounts().filter(likely).filter(passes).collect())
}

/// The account's name for a `userName`. Capitals are dropped; a name that looks like an id, which no account may have
/// because the API takes either in the same place, gets an ending.
fn account_name(user_name: &str) -> String {
    let name = fold(user_name);
    match name.parse::<AccountName>() {
        Err(NameError::Reserved { .. }) => format!("{name}_scim"),
        _ => name,
    }
}

/// What clients may write of an account.
fn written(account: &Account) -> Document {
    let nobody = ScimPerson::default();
    let origin = account.origin();
    let person = origin
        .and_then(|origin| origin.scim.as_deref())
        .unwrap_or(&nobody);
    let mut document = Document::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            document.insert(name.to_owned(), value.into());
        }
    };
    put(
        "externalId",
        origin.and_then(|origin| origin.external_id.as_deref()),
    );
    put(
        "userName",
        Some(person.user_name.as_deref().unwrap_or(account.name.as_str())),
    );
    put("displayName", person.display_name.as_deref());
    let mut name = Map::new();
    let formatted = (person.formatted && !account.full_name.is_empty()).then_some(account.full_name.as_str());
    for (part, value) in [
        ("formatted", formatted),
        ("familyName", person.family_name.as_deref()),
        ("givenName", person.given_name.as_deref()),
    ] {
        if let Some(value) = value {
            name.insert(part.to_owned(), value.into());
        }
    }
    if !name.is_empty() {
        document.insert("name".to_owned(), Value::Object(name));
    }
    document.insert("active".to_owned(), account.is_active_user().into());
    if !person.emails.is_empty() {
        let emails = person.emails.iter().map(|email| {
            let mut value = Map::new();
            value.insert("value".to_owned(), email.value.as_str().into());
            if let Some(kind) = &email.kind {
                value.insert("type".to_owned(), kind.as_str().into());
            }
            if let Some(primary) = email.primary {
                value.insert("primary".to_owned(), primary.into());
            }
            Value::Object(value)
        });
        document.insert("emails".to_owned(), emails.collect());
    }
    document
}

fn location(account: &Account, base: &str) -> String {
    format!("{base}/Users/{}", account.id)
}

/// The whole resource.
fn resource(account: &Account, base: &str) -> Value {
    let written = written(account);
    let modified = account
        .origin()
        .and_then(|origin| Some(origin.scim.as_ref()?.modified));
    let mut resource = Map::new();
    resource.insert("schemas".to_owned(), json!([USERS.urn]));
    resource.insert("id".to_owned(), account.id.as_str().into());
    resource.insert(
        "meta".to_owned(),
        json!({
            "resourceType": USERS.name,
            "created": account.created.to_string(),
            "lastModified": modified.unwrap_or(account.created).to_string(),
            "location": location(account, base),
            "version": version::of(&written),
        }),
    );
    resource.extend(written);
    Value::Object(resource)
}

pub(super) fn shown(account: &Account, base: &str, wanted: &super::project::Wanted) -> Value {
    let mut resource = resource(account, base);
    if let Some(resource) = resource.as_object_mut() {
        wanted.apply(&USERS, resource);
    }
    resource
}

fn answer(status: u16, account: &Account, request: &Request<'_>) -> Result<Response, ScimError> {
    let wanted = search::wanted_of(request)?;
    Ok(Response {
        location: Some(location(account, request.base)),
        etag: Some(version::of(&written(account))),
        ..Response::json(status, shown(account, request.base, &wanted))
    })
}

/// What a document asks of an account.
fn provisioned(document: &Document, active: bool) -> Result<Provisioned, ScimError> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let user_name = text(document.get("userName"))
        .ok_or_else(|| ScimError::bad(ScimType::InvalidValue, "`userName` is missing"))?;
    let name = account_name(&user_name);
    let part = |part: &str| text(document.get("name").and_then(|name| name.get(part)));
    let (formatted, given_name, family_name) = (part("formatted"), part("givenName"), part("familyName"));
    let display_name = text(document.get("displayName"));
    let emails: Vec<ScimEmail> = document
        .get("emails")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|email| ScimEmail {
            value: text(email.get("value")).unwrap_or_default(),
            kind: text(email.get("type")),
            primary: email.get("primary").and_then(Value::as_bool),
        })
        .collect();
    let external_id = text(document.get("externalId"));
    if emails.len() > MAX_EMAILS {
        return Err(ScimError::bad(
            ScimType::InvalidValue,
            format!("{} addresses, at most {MAX_EMAILS} are kept", emails.len()),
        ));
    }
    for (what, value) in [
        ("name.formatted", &formatted),
        ("name.givenName", &given_name),
        ("name.familyName", &family_name),
        ("displayName", &display_name),
    ] {
        check(what, value.as_deref(), MAX_NAME_CHARS)?;
    }
    for email in &emails {
        check("emails", Some(&email.value), MAX_EMAIL_CHARS)?;
        check("emails.type", email.kind.as_deref(), MAX_NAME_CHARS)?;
    }
    check_external_id(external_id.as_deref())?;
    let full_name = formatted.clone().unwrap_or_else(|| {
        let parts: Vec<&str> = [&given_name, &family_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        parts.join(" ")
    });
    Ok(Provisioned {
        is_active: document.get("active").and_then(Value::as_bool).unwrap_or(active),
        full_name: full_name
            .chars()
            .take(crate::records::MAX_FULL_NAME_CHARS)
            .collect(),
        external_id,
        person: ScimPerson {
            user_name: (user_name != name).then_some(user_name),
            formatted: formatted.is_some(),
            family_name,
            given_name,
            display_name,
            emails,
            ..ScimPerson::default()
        },
        name,
    })
}

/// Texts come back in lists, logs and files: bounded, without control characters.
pub(super) fn check(what: &str, text: Option<&str>, max: usize) -> Result<(), ScimError> {
    let text = text.unwrap_or_default();
    let found = text.chars().count();
    let why = if found > max {
        format!("`{what}` has {found} characters, at most {max} are kept")
    } else if text.chars().any(char::is_control) {
        format!("`{what}` must not hold control characters")
    } else {
        return Ok(());
    };
    Err(ScimError::bad(ScimType::InvalidValue, why))
}

/// Opaque, but not without a bound (scim-03).
pub(super) fn check_external_id(text: Option<&str>) -> Result<(), ScimError> {
    let bytes = text.map_or(0, str::len);
    if bytes > MAX_EXTERNAL_ID_BYTES {
        return Err(ScimError::bad(
            ScimType::InvalidValue,
            format!("`externalId` has {bytes} bytes, at most {MAX_EXTERNAL_ID_BYTES} are kept"),
        ));
    }
    check("externalId", text, MAX_EXTERNAL_ID_BYTES)
}

/// An address by which somebody else is known here is nobody's to take (scim-04).
fn check_addresses(
    directory: &Directory,
    before: Option<&Account>,
    person: &ScimPerson,
) -> Result<(), ScimError> {
    let known = before
        .and_then(|account| account.origin()?.scim.as_deref())
        .map_or(&[][..], |person| person.emails.as_slice());
    for email in &person.emails {
        if known.iter().any(|known| known.value == email.value) {
            continue;
        }
        let by_name = directory.account_by_name(&fold(&email.value));
        let by_login = directory.account_by_origin(Source::Saml, &email.value);
        if by_name
            .into_iter()
            .chain(by_login)
            .any(|other| !is_provisioned(other))
        {
            return Err(ScimError::taken(
                "the address is in use by an account that is not kept by SCIM",
            ));
        }
    }
    Ok(())
}
