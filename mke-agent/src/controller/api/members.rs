//! Members of organizations and teams.

use std::sync::Arc;

use http::StatusCode;
use mke_auth::directory::Member;
use mke_auth::records::{Account, Membership};
use serde_json::json;

use super::{Call, links, shapes};
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};

/// The user that a path element names.
fn user(call: &Call, position: usize) -> Result<Arc<Account>, ApiError> {
    let name = call.param(position);
    call.snapshot
        .directory
        .resolve(name)
        .filter(|account| !account.is_organization())
        .cloned()
        .ok_or_else(|| ApiError::not_found("user", name))
}

fn page(call: &Call, members: Vec<Member>) -> Result<Response, ApiError> {
    let directory = &call.snapshot.directory;
    let wanted: fn(&Member) -> bool = match call.query("filter")?.unwrap_or("all") {
        "all" => |_| true,
        "admins" => |member| member.membership.is_admin,
        "non-admins" => |member| !member.membership.is_admin,
        _ => return Err(ApiError::malformed("`filter` must be all, admins or non-admins")),
    };
    let members = members.into_iter().filter(wanted).collect();
    let page = call
        .paging()?
        .cut(members, |member: &Member| member.account.id.to_string());
    let shapes: Vec<_> = page
        .items
        .iter()
        .map(|member| shapes::member(directory, member))
        .collect();
    Ok(body::json(
        StatusCode::OK,
        &json!({ "members": shapes, "nextPageStart": page.next, "resourceCount": page.total }),
    ))
}

/// The membership that a body asks for; without a body a plain one.
fn wanted(call: &Call) -> Result<Membership, ApiError> {
    Ok(Membership {
        is_admin: call.fields()?.flag("isAdmin")?.unwrap_or(false),
    })
}

fn shown(call: &Call, account: Arc<Account>, membership: Membership) -> Response {
    let member = Member { account, membership };
    body::json(StatusCode::OK, &shapes::member(&call.snapshot.directory, &member))
}

/// Members of an organization, by user id.
pub(super) async fn of_organization(call: Call) -> Result<Response, ApiError> {
    let organization = call.organization()?;
    page(&call, call.snapshot.directory.members(&organization.id))
}

/// One member of an organization.
pub(super) async fn show_of_organization(call: Call) -> Result<Response, ApiError> {
    let (organization, user) = (call.organization()?, user(&call, 1)?);
    let membership = call
        .snapshot
        .directory
        .membership(&organization.id, &user.id)
        .ok_or_else(|| ApiError::not_found("member", call.param(1)))?;
    Ok(shown(&call, user, membership))
}

/// Makes a user a member of an organization, or changes how it is one.
pub(super) async fn put_in_organization(call: Call) -> Result<Response, ApiError> {
    let (organization, user, membership) = (call.organization()?, user(&call, 1)?, wanted(&call)?);
    links::may_change_member(&organization, &user)?;
    let revision = call
        .state
        .accounts
        .put_member(&organization.id, &user.id, membership)
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(user.id.as_str());
    Ok(shown(&call, user, membership))
}

/// Ends a membership of an organization and of all its teams.
pub(super) async fn remove_from_organization(call: Call) -> Result<Response, ApiError> {
    let (organization, user) = (call.organization()?, user(&call, 1)?);
    links::may_change_member(&organization, &user)?;
    for (team, _) in call.snapshot.directory.teams_of(&user.id) {
        if team.organization == organization.id {
            links::may_change_team_member(team, &user)?;
        }
    }
    let revision = call
        .state
        .accounts
        .remove_member(&organization.id, &user.id)
        .await?;
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}

/// The teams of a member within the organization.
pub(super) async fn teams_of_member(call: Call) -> Result<Response, ApiError> {
    let (organization, user) = (call.organization()?, user(&call, 1)?);
    let directory = &call.snapshot.directory;
    let teams = directory
        .teams_of(&user.id)
        .filter(|(team, _)| team.organization == organization.id)
        .collect();
    let page = call
        .paging()?
        .cut(teams, |(team, _): &(&Arc<_>, Membership)| team.id.to_string());
    let shapes: Vec<_> = page
        .items
        .iter()
        .map(|(team, membership)| {
            json!({ "team": shapes::team(directory, team), "isAdmin": membership.is_admin })
        })
        .collect();
    Ok(body::json(
        StatusCode::OK,
        &json!({ "memberTeams": shapes, "nextPageStart": page.next }),
    ))
}

/// Members of a team, by user id.
pub(super) async fn of_team(call: Call) -> Result<Response, ApiError> {
    let (_, team) = call.team()?;
    page(&call, call.snapshot.directory.team_members(&team.id).collect())
}

/// One member of a team.
pub(super) async fn show_of_team(call: Call) -> Result<Response, ApiError> {
    let ((_, team), user) = (call.team()?, user(&call, 2)?);
    let membership = call
        .snapshot
        .directory
        .team_membership(&team.id, &user.id)
        .ok_or_else(|| ApiError::not_found("member", call.param(2)))?;
    Ok(shown(&call, user, membership))
}

/// Whether the caller decides who belongs to an organization.
fn may_invite(call: &Call, organization: &Account) -> bool {
    let directory = &call.snapshot.directory;
    let own = call
        .identity
        .as_ref()
        .and_then(|identity| directory.membership(&organization.id, identity.account()));
    call.by_administrator() || own.is_some_and(|membership| membership.is_admin)
}

/// Makes a user a member of a team, or changes how it is one. Who is not in its organization yet joins that as well,
/// when the caller may decide so; administrators of the team alone do not learn whether the user exists.
pub(super) async fn put_in_team(call: Call) -> Result<Response, ApiError> {
    let (organization, team) = call.team()?;
    let named = user(&call, 2);
    let is_member = named.as_ref().is_ok_and(|user| {
        call.snapshot
            .directory
            .membership(&organization.id, &user.id)
            .is_some()
    });
    if !is_member && !may_invite(&call, &organization) {
        return Err(ApiError::new(
            Kind::Forbidden,
            "access denied: only administrators of the organization let others join it",
        ));
    }
    let (user, membership) = (named?, wanted(&call)?);
    let directory = &call.snapshot.directory;
    if directory.team_membership(&team.id, &user.id).is_none() {
        links::may_change_team_member(&team, &user)?;
    }
    let revision = call
        .state
        .accounts
        .put_team_member(&organization.id, &team.id, &user.id, membership)
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(user.id.as_str());
    Ok(shown(&call, user, membership))
}

/// Ends a membership of a team; that of the organization stays.
pub(super) async fn remove_from_team(call: Call) -> Result<Response, ApiError> {
    let ((organization, team), user) = (call.team()?, user(&call, 2)?);
    links::may_change_team_member(&team, &user)?;
    let revision = call
        .state
        .accounts
        .remove_team_member(&organization.id, &team.id, &user.id)
        .await?;
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}
