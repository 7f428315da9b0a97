//! `/accounts`: users and organizations.

use std::sync::Arc;

use http::StatusCode;
use mke_auth::accounts::{AccountError, BulkChange, NewOrganization, NewUser, PasswordChange, UserChange};
use mke_auth::ldap::{LoginFailure, Settings, look_up};
use mke_auth::records::{Account, Source};
use mke_auth::sessions::{Backends, LoginError, LoginRequest};
use mke_core::config::Auth;
use mke_core::ids::AccountId;
use mke_core::secret::Secret;
use serde_json::{Value, json};

use super::{Call, shapes};
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};
use crate::controller::fields::Fields;
use crate::controller::identify::user_agent;
use crate::controller::rng;

impl Call {
    /// The account that the path names first, by name or id.
    pub(super) fn account(&self) -> Result<Arc<Account>, ApiError> {
        let name = self.param(0);
        self.snapshot
            .directory
            .resolve(name)
            .cloned()
            .ok_or_else(|| ApiError::not_found("account", name))
    }
}

/// Users and organizations, filtered, ordered and paged.
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let directory = &call.snapshot.directory;
    let filter = call.query("filter")?.unwrap_or("all");
    let fits: fn(&Account) -> bool = match filter {
        "all" => |_| true,
        "users" => |account| !account.is_organization(),
        "orgs" => Account::is_organization,
        "admins" => |account| account.user().is_some_and(|user| user.is_admin),
        "non-admins" => |account| account.user().is_some_and(|user| !user.is_admin),
        "active-users" => Account::is_active_user,
        "inactive-users" => |account| account.user().is_some_and(|user| !user.is_active),
        _ => {
            return Err(ApiError::malformed(
                "`filter` must be one of all, users, orgs, admins, non-admins, active-users, inactive-users",
            ));
        }
    };
    let contains = call.query("contains")?.map(str::to_lowercase);
    let mut accounts: Vec<&Arc<Account>> = directory
        .accounts()
        .filter(|account| fits(account))
        .filter(|account| {
            contains.as_ref().is_none_or(|part| {
                account.name.as_str().contains(part) || account.full_name.to_lowercase().contains(part)
            })
        })
        .collect();
    // A plus sign in a query may arrive as a space.
    match call
        .query("order")?
        .unwrap_or("name")
        .trim_start_matches(['+', ' '])
    {
        "name" => {}
        "-name" => accounts.reverse(),
        "fullName" => accounts.sort_by(|a, b| a.full_name.cmp(&b.full_name)),
        "-fullName" => accounts.sort_by(|a, b| b.full_name.cmp(&a.full_name)),
        _ => {
            return Err(ApiError::malformed(
                "`order` must be name or fullName, with + or - before it",
            ));
        }
    }
    let page = call
        .paging()?
        .cut_ordered(accounts, |account| account.name.to_string());
    let shapes: Vec<_> = page
        .items
        .iter()
        .map(|account| shapes::account(directory, account))
        .collect();
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "accounts": shapes,
            "usersCount": directory.users_count(),
            "orgsCount": directory.organizations_count(),
            "resourceCount": page.total,
            "nextPageStart": page.next,
        }),
    ))
}

/// Makes a user or an organization. A user is active unless the body says otherwise: clients that mean an
/// active one leave the key out.
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let name = fields.required_text("name")?.to_owned();
    let full_name = fields.text("fullName")?.unwrap_or_default().to_owned();
    let accounts = &call.state.accounts;
    let (account, revision) = if fields.flag("isOrg")?.unwrap_or(false) {
        let new = NewOrganization { name, full_name };
        accounts.create_organization(new, &mut rng()).await?
    } else {
        if fields.flag("searchLDAP")?.unwrap_or(false) {
            return create_from_directory(&call, &fields, &name).await;
        }
        let new = NewUser {
            name,
            full_name,
            password: fields.secret("password")?,
            is_admin: fields.flag("isAdmin")?.unwrap_or(false),
            is_active: fields.flag("isActive")?.unwrap_or(true),
            origin: None,
            on_demand: false,
        };
        accounts.create_user(new, &mut rng()).await?
    };
    let snapshot = call.in_force(revision).await?;
    call.notes.object_id(account.id.as_str());
    Ok(body::json(
        StatusCode::CREATED,
        &shapes::account(&snapshot.directory, &account),
    ))
}

/// Makes the account of somebody in the LDAP directory, without waiting for a login or a synchronisation. What the
/// directory says counts: full name, entry and, when it names administrators, whether it is one.
async fn create_from_directory(call: &Call, fields: &Fields, name: &str) -> Result<Response, ApiError> {
    let auth = &call.snapshot.config.auth;
    if auth.backend != "ldap" {
        return Err(ApiError::new(
            Kind::Conflict,
            "LDAP is not switched on: leave out searchLDAP and give a password, or set `auth.backend` to `ldap`",
        ));
    }
    if fields.value("password").is_some() {
        return Err(ApiError::malformed(
            "a user from a directory keeps its password there, leave `password` out",
        ));
    }
    let person = match ldap_settings(auth) {
        Ok(settings) => look_up(&settings, name, call.state.clock.now()).await,
        Err(problem) => return Err(ApiError::malformed(problem)),
    };
    let person = person.map_err(|failure| match failure {
        LoginFailure::Denied(why) => ApiError::malformed(format!(
            "the directory has no `{}` who may come in: {why}",
            name.escape_debug()
        )),
        LoginFailure::Unavailable(_) | LoginFailure::TooSlow => {
            ApiError::new(Kind::BadGateway, "the directory cannot be asked, see the log").because(failure)
        }
    })?;
    let new = NewUser {
        full_name: person.full_name,
        is_admin: match person.is_admin {
            Some(said) => said,
            None => fields.flag("isAdmin")?.unwrap_or(false),
        },
        is_active: fields.flag("isActive")?.unwrap_or(true),
        ..NewUser::imported(person.name.as_str(), person.origin)
    };
    let (account, revision) = call.state.accounts.create_user(new, &mut rng()).await?;
    let snapshot = call.in_force(revision).await?;
    call.notes.object_id(account.id.as_str());
    call.notes.changed_by(Source::Ldap, "create");
    Ok(body::json(
        StatusCode::CREATED,
        &shapes::account(&snapshot.directory, &account),
    ))
}

fn ldap_settings(auth: &Auth) -> Result<Settings, String> {
    Settings::read(&auth.ldap).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        texts.join("; ")
    })
}

/// One account.
pub(super) async fn show(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    Ok(body::json(
        StatusCode::OK,
        &shapes::account(&call.snapshot.directory, &account),
    ))
}

fn change_of(fields: &Fields) -> Result<UserChange, ApiError> {
    Ok(UserChange {
        full_name: fields.text("fullName")?.map(str::to_owned),
        is_admin: fields.flag("isAdmin")?,
        is_active: fields.flag("isActive")?,
        origin: None,
    })
}

/// Changes an account. Only administrators touch the administrator flag and the activity: nobody raises or locks
/// itself.
pub(super) async fn update(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let change = change_of(&call.fields()?)?;
    let current = account.user();
    let raises = change
        .is_admin
        .is_some_and(|wanted| current.is_none_or(|user| user.is_admin != wanted))
        || change
            .is_active
            .is_some_and(|wanted| current.is_none_or(|user| user.is_active != wanted));
    if raises && !call.by_administrator() {
        return Err(ApiError::new(
            Kind::Forbidden,
            "access denied: only administrators change isAdmin and isActive",
        ));
    }
    let (account, revision) = call.state.accounts.update_account(&account.id, &change).await?;
    let snapshot = call.in_force(revision).await?;
    call.notes.object_id(account.id.as_str());
    Ok(body::json(
        StatusCode::OK,
        &shapes::account(&snapshot.directory, &account),
    ))
}

/// Deletes an account with everything that is its own.
pub(super) async fn delete(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let mut revision = call.state.accounts.delete_account(&account.id).await?;
    if !account.is_organization() {
        let private = call
            .state
            .policy_store
            .delete_private_collection(&account.id)
            .await?;
        revision = private.unwrap_or(revision);
    }
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}

/// Changes a password: the user's own with the old one, anybody else's by an administrator. Wrong old ones count like
/// failed logins, so a stolen session cannot find the password out.
pub(super) async fn change_password(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let fields = call.fields()?;
    let new = fields
        .secret("newPassword")?
        .ok_or_else(|| ApiError::malformed("`newPassword` is missing"))?;
    let own = *call.identity()?.account() == account.id;
    let change = match fields.secret("oldPassword")? {
        _ if account.user().is_some_and(|user| user.is_imported) => {
            return Err(AccountError::Imported {
                name: account.name.clone(),
            }
            .into());
        }
        Some(old) if own => {
            must_be_password(&call, &account, &old).await?;
            PasswordChange::Own { old }
        }
        None if own => return Err(ApiError::malformed("`oldPassword` is missing")),
        Some(_) | None => PasswordChange::Reset,
    };
    let (account, revision) = call
        .state
        .accounts
        .change_password(&account.id, &change, &new, &mut rng())
        .await?;
    let snapshot = call.in_force(revision).await?;
    call.notes.object_id(account.id.as_str());
    Ok(body::json(
        StatusCode::OK,
        &shapes::account(&snapshot.directory, &account),
    ))
}

/// Checks the caller's own password at the pace of logins.
async fn must_be_password(call: &Call, account: &Account, password: &Secret) -> Result<(), ApiError> {
    let request = LoginRequest {
        username: account.name.as_str(),
        password,
        source: call.peer.ip(),
        user_agent: user_agent(&call.headers),
        code: None,
    };
    match call
        .state
        .logins
        .confirm_password(
            &call.snapshot.directory,
            request,
            &Backends::managed_at_pace_of(&call.snapshot.config.auth),
            &mut rng(),
        )
        .await
    {
        Ok(_) => Ok(()),
        Err(LoginError::InvalidCredentials) => Err(AccountError::WrongPassword.into()),
        Err(error) => Err(error.into()),
    }
}

/// The organizations of a user, by id.
pub(super) async fn organizations(call: Call) -> Result<Response, ApiError> {
    let account = call.account()?;
    let directory = &call.snapshot.directory;
    let organizations = directory.organizations_of(&account.id);
    let page = call
        .paging()?
        .cut(organizations, |member| member.account.id.to_string());
    let shapes: Vec<_> = page
        .items
        .iter()
        .map(|member| {
            json!({
                "org": shapes::account(directory, &member.account),
                "isAdmin": member.membership.is_admin,
            })
        })
        .collect();
    Ok(body::json(
        StatusCode::OK,
        &json!({ "memberOrgs": shapes, "nextPageStart": page.next }),
    ))
}

/// Many changes at once, each with a result of its own: `op` is `update` or `delete`, `ref` names the account.
pub(super) async fn bulk(call: Call) -> Result<Response, ApiError> {
    let fields = call.fields()?;
    let operations = fields.array("operations")?.unwrap_or_default();
    let mut results = Vec::with_capacity(operations.len());
    let mut last = None;
    for operation in operations {
        let (op, reference) = (operation.get("op"), operation.get("ref"));
        let outcome = match bulk_change(&call, operation) {
            Ok(change) => {
                let mut outcome = call.state.accounts.bulk(std::slice::from_ref(&change)).await;
                last = outcome.revision.or(last);
                let result = outcome.results.pop().unwrap_or(Ok(()));
                if result.is_ok()
                    && let BulkChange::Delete(id) = &change
                {
                    let private = call.state.policy_store.delete_private_collection(id).await?;
                    last = private.or(last);
                }
                result.map_err(ApiError::from)
            }
            Err(error) => Err(error),
        };
        let error = outcome.as_ref().err().map(ApiError::to_identity_value);
        results.push(json!({ "op": op, "ref": reference, "success": outcome.is_ok(), "error": error }));
    }
    if let Some(revision) = last {
        call.in_force(revision).await?;
    }
    Ok(body::json(StatusCode::OK, &json!({ "results": results })))
}

fn bulk_change(call: &Call, operation: &Value) -> Result<BulkChange, ApiError> {
    let fields = Fields::of(operation)?;
    let id: AccountId = call
        .snapshot
        .directory
        .resolve(fields.required_text("ref")?)
        .map(|account| account.id.clone())
        .ok_or_else(|| ApiError::not_found("account", fields.required_text("ref").unwrap_or_default()))?;
    match fields.required_text("op")? {
        "delete" => Ok(BulkChange::Delete(id)),
        "update" => {
            let value = fields.value("value").cloned().unwrap_or_else(|| json!({}));
            Ok(BulkChange::Update(id, change_of(&Fields::of(&value)?)?))
        }
        other => Err(ApiError::malformed(format!(
            "`op` must be update or delete, it is `{}`",
            other.escape_debug()
        ))),
    }
}
