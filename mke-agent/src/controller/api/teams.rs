//! `/accounts/{org}/teams`.

use std::sync::Arc;

use http::StatusCode;
use mke_auth::accounts::{NewTeam, TeamChange};
use mke_auth::records::{Account, Team};
use serde_json::json;

use super::{Call, shapes};
use crate::controller::body::{self, Response};
use crate::controller::error::ApiError;
use crate::controller::rng;

impl Call {
    /// The organization that the path names first.
    pub(super) fn organization(&self) -> Result<Arc<Account>, ApiError> {
        self.account().and_then(|account| {
            if account.is_organization() {
                Ok(account)
            } else {
                Err(ApiError::not_found("organization", self.param(0)))
            }
        })
    }

    /// The team that the path names second.
    pub(super) fn team(&self) -> Result<(Arc<Account>, Arc<Team>), ApiError> {
        let organization = self.organization()?;
        let name = self.param(1);
        let team = self
            .snapshot
            .directory
            .resolve_team(&organization.id, name)
            .cloned()
            .ok_or_else(|| ApiError::not_found("team", name))?;
        Ok((organization, team))
    }
}

/// The teams of an organization, by name.
pub(super) async fn list(call: Call) -> Result<Response, ApiError> {
    let organization = call.organization()?;
    let directory = &call.snapshot.directory;
    let teams = directory.teams_of_organization(&organization.id).collect();
    let page = call
        .paging()?
        .cut(teams, |team: &&Arc<Team>| team.name.to_string());
    let shapes: Vec<_> = page
        .items
        .iter()
        .map(|team| shapes::team(directory, team))
        .collect();
    Ok(body::json(
        StatusCode::OK,
        &json!({ "teams": shapes, "nextPageStart": page.next, "resourceCount": page.total }),
    ))
}

/// Makes a team.
pub(super) async fn create(call: Call) -> Result<Response, ApiError> {
    let organization = call.organization()?;
    let fields = call.fields()?;
    let new = NewTeam {
        name: fields.required_text("name")?.to_owned(),
        description: fields.text("description")?.unwrap_or_default().to_owned(),
    };
    let (team, revision) = call
        .state
        .accounts
        .create_team(&organization.id, new, &mut rng())
        .await?;
    let snapshot = call.in_force(revision).await?;
    call.notes.object_id(team.id.as_str());
    Ok(body::json(
        StatusCode::CREATED,
        &shapes::team(&snapshot.directory, &team),
    ))
}

/// One team.
pub(super) async fn show(call: Call) -> Result<Response, ApiError> {
    let (_, team) = call.team()?;
    Ok(body::json(
        StatusCode::OK,
        &shapes::team(&call.snapshot.directory, &team),
    ))
}

/// Changes name or description.
pub(super) async fn update(call: Call) -> Result<Response, ApiError> {
    let (organization, team) = call.team()?;
    let fields = call.fields()?;
    let change = TeamChange {
        name: fields.text("name")?.map(str::to_owned),
        description: fields.text("description")?.map(str::to_owned),
    };
    let (team, revision) = call
        .state
        .accounts
        .update_team(&organization.id, &team.id, &change)
        .await?;
    let snapshot = call.in_force(revision).await?;
    call.notes.object_id(team.id.as_str());
    Ok(body::json(
        StatusCode::OK,
        &shapes::team(&snapshot.directory, &team),
    ))
}

/// Deletes a team with its grants.
pub(super) async fn delete(call: Call) -> Result<Response, ApiError> {
    let (organization, team) = call.team()?;
    let revision = call
        .state
        .accounts
        .delete_team(&organization.id, &team.id)
        .await?;
    call.in_force(revision).await?;
    Ok(body::status(StatusCode::NO_CONTENT))
}
