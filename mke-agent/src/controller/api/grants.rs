//! `/collectionGrants`: who holds which role on what.
//!
//! Administrators see and write all grants; everybody else sees those that apply to it (R28, RBAC-029).

use std::collections::BTreeSet;

use http::StatusCode;
use mke_auth::directory::Directory;
use mke_core::ids::{AccountId, RoleId, TeamId};
use mke_rbac::Subject;
use mke_rbac::model::{Grant, GrantObject, GrantSubject};
use serde_json::{Value, json};

use super::{Call, shapes};
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;
use crate::controller::policy_store::{ALL_NAMESPACES, object_word, subject_word};

/// Grants with their subjects, filtered and paged.
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let policy = &call.snapshot.policy;
    let mut grants: Vec<Grant> = if call.by_administrator() {
        policy.grants().collect()
    } else {
        policy.grants_of(call.subject())
    };
    if let Some(id) = call.query("subjectID")? {
        if call.query.switch("expandUser")? {
            let reached: Vec<_> = policy.grants_of(&Subject::Account(id.into()));
            grants.retain(|grant| reached.contains(grant));
        } else {
            grants.retain(|grant| subject_word(&grant.subject) == id);
        }
    }
    if let Some(id) = call.query("objectID")? {
        grants.retain(|grant| object_word(&grant.object) == id);
    }
    if let Some(id) = call.query("roleID")? {
        grants.retain(|grant| grant.role.as_str() == id);
    }
    if let Some(wanted) = call.query("subjectType")? {
        grants.retain(|grant| subject_type(&grant.subject) == wanted);
    }
    let show_paths = call.query.switch("showPaths")?;
    let page = call.paging()?.cut(grants, marker);
    let subjects: BTreeSet<&GrantSubject> = page.items.iter().map(|grant| &grant.subject).collect();
    let directory = &call.snapshot.directory;
    let shape = |grant: &Grant| {
        let mut shape = json!({
            "subjectID": subject_word(&grant.subject),
            "objectID": object_word(&grant.object),
            "roleID": grant.role,
        });
        if show_paths && let GrantObject::Collection(id) = &grant.object {
            let path = policy.collection(id.as_str()).map(|info| info.path.as_str());
            shape["collectionPath"] = json!(path.unwrap_or_default());
        }
        shape
    };
    Ok(body::json(
        StatusCode::OK,
        &json!({
            "grants": page.items.iter().map(shape).collect::<Vec<_>>(),
            "subjects": subjects.iter().map(|subject| subject_shape(directory, subject)).collect::<Vec<_>>(),
            "nextPageStart": page.next,
            "resourceCount": page.total,
        }),
    ))
}

fn marker(grant: &Grant) -> String {
    let (subject, object) = (subject_word(&grant.subject), object_word(&grant.object));
    format!("{subject}:{object}:{}", grant.role)
}

fn subject_type(subject: &GrantSubject) -> &'static str {
    match subject {
        GrantSubject::User(_) => "user",
        GrantSubject::Organization(_) => "org",
        GrantSubject::Team(_) => "team",
        GrantSubject::Authenticated => "authenticated",
        GrantSubject::Anonymous => "anonymous",
    }
}

fn subject_shape(directory: &Directory, subject: &GrantSubject) -> Value {
    let mut shape = json!({ "id": subject_word(subject), "subject_type": subject_type(subject) });
    match subject {
        GrantSubject::User(id) | GrantSubject::Organization(id) => {
            if let Some(account) = directory.account(id) {
                shape["account"] = shapes::account(directory, account);
            }
        }
        GrantSubject::Team(id) => {
            if let Some(team) = directory.team(id) {
                shape["team"] = shapes::team(directory, team);
                if let Some(organization) = directory.account(&team.organization) {
                    shape["account"] = shapes::account(directory, organization);
                }
            }
        }
        GrantSubject::Authenticated | GrantSubject::Anonymous => {}
    }
    shape
}

/// The grant that the path and the query parameter `type` name, and the organization of its team.
fn named_grant(call: &Call) -> Result<(Grant, Option<AccountId>), ApiError> {
    let (subject, object, role) = (call.param(0), call.param(1), call.param(2));
    let directory = &call.snapshot.directory;
    let team = directory.team(&TeamId::new(subject));
    let subject = match subject {
        "authenticated" => GrantSubject::Authenticated,
        "anonymous" => GrantSubject::Anonymous,
        id => match (directory.account(&AccountId::new(id)), team) {
            (Some(account), _) if account.is_organization() => GrantSubject::Organization(id.into()),
            (Some(_), _) => GrantSubject::User(id.into()),
            (None, Some(_)) => GrantSubject::Team(id.into()),
            (None, None) => return Err(ApiError::not_found("subject", id)),
        },
    };
    let object = match call.query("type")?.unwrap_or("collection") {
        _ if object == ALL_NAMESPACES => GrantObject::AllNamespaces,
        "collection" => GrantObject::Collection(object.into()),
        "namespace" => GrantObject::Namespace(object.to_owned()),
        other => {
            return Err(ApiError::malformed(format!(
                "`type` must be collection, namespace or, for {ALL_NAMESPACES}, grantobject; it is `{}`",
                other.escape_debug()
            )));
        }
    };
    let grant = Grant {
        subject,
        object,
        role: RoleId::new(role),
    };
    Ok((grant, team.map(|team| team.organization.clone())))
}

/// Makes a grant; one that exists stays (R28).
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let (grant, organization) = named_grant(&call)?;
    let revision = call
        .state
        .policy_store
        .put_grant(&grant, organization.as_ref())
        .await?;
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::CREATED))
}

/// Deletes exactly this grant.
pub(super) async fn delete(call: Call) -> Result<Response, ApiError> {
    let (grant, _) = named_grant(&call)?;
    if !call.snapshot.policy.has_grant(&grant) {
        return Err(ApiError::not_found("grant", &marker(&grant)));
    }
    let revision = call.state.policy_store.delete_grant(&grant).await?;
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}
