//! Groups: teams that a SCIM client keeps. A new group makes the team `<displayName>_SCIM` in the organization that
//! holds everybody, unless an administrator has linked a team to the group's name: then that team is the group
//! (SCIM-014). Members are users that SCIM keeps; others may be in the team too and are left alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use mke_core::ids::{AccountId, TeamId};
use rand_core::CryptoRng;
use serde_json::{Map, Value, json};

use super::document::{self, Document};
use super::error::{ScimError, ScimType};
use super::message::{Request, Response};
use super::schema::{GROUPS, fold};
use super::search::{self, DEFAULT_GROUPS, Search};
use super::users::{check, check_external_id};
use super::{Scim, json, patch, version};
use crate::accounts::{AccountError, ProvisionedGroup, is_linkable, is_provisioned};
use crate::directory::Directory;
use crate::records::{ScimGroup, Team};

/// Longest name of a group, in characters: that of a team without its ending.
const MAX_NAME_CHARS: usize = mke_core::names::MAX_NAME_CHARS;

type Members = BTreeSet<AccountId>;

/// What stands between a group and its team: a member that does not exist is a bad value, not a missing resource.
struct GroupError(ScimError);

impl From<AccountError> for GroupError {
    fn from(error: AccountError) -> Self {
        Self(match error {
            AccountError::NoSuchAccount { id } => {
                ScimError::bad(ScimType::InvalidValue, format!("no such User: {id}"))
            }
            other => other.into(),
        })
    }
}

impl From<ScimError> for GroupError {
    fn from(error: ScimError) -> Self {
        Self(error)
    }
}

impl From<GroupError> for ScimError {
    fn from(GroupError(error): GroupError) -> Self {
        error
    }
}

impl Scim {
    pub(super) fn list_groups(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        search: &Search,
    ) -> Result<Response, ScimError> {
        let resource = |(team, group): (&Arc<Team>, &ScimGroup)| {
            let members = members(directory, team);
            shown(team, group, &members, request.base, &search.wanted)
        };
        let page = search.page(find(directory, search)?.into_iter(), DEFAULT_GROUPS, resource);
        Ok(Response::json(200, page))
    }

    pub(super) fn show_group(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Response, ScimError> {
        let (team, group) = known(directory, id)?;
        let members = members(directory, team);
        let unchanged = request.unchanged(&version::of(&written(group, &members, "")));
        unchanged.map_or_else(|| answer(200, team, &members, request), Ok)
    }

    pub(super) async fn create_group(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        rng: &mut (impl CryptoRng + Send + ?Sized),
    ) -> Result<Response, ScimError> {
        let document = document::read(&GROUPS, &json::object(request.body)?)?;
        let wanted = provisioned(&document)?;
        check_name_free(directory, None, &wanted.display_name)?;
        let linked = directory
            .teams()
            .find(|team| is_linkable(team, &wanted.display_name));
        let organization = match linked {
            Some(team) => team.organization.clone(),
            None => directory
                .default_organization()
                .map(|organization| organization.id.clone())
                .ok_or_else(|| ScimError::internal("there is no default organization"))?,
        };
        let made = self
            .accounts
            .create_group(
                directory,
                &organization,
                linked.map(|team| &team.id),
                &wanted,
                rng,
            )
            .await;
        let (team, revision) = made.map_err(GroupError::from)?;
        Ok(Response {
            revision: Some(revision),
            changed: vec![team.id.to_string()],
            ..answer(201, &team, &wanted.members, request)?
        })
    }

    pub(super) async fn replace_group(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Response, ScimError> {
        let document = document::read(&GROUPS, &json::object(request.body)?)?;
        self.change_group(directory, request, id, |_, _| provisioned(&document))
            .await
    }

    pub(super) async fn patch_group(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Response, ScimError> {
        let operations = patch::read(&GROUPS, &json::object(request.body)?)?;
        self.change_group(directory, request, id, |group, members| {
            let mut document = written(group, members, request.base);
            patch::apply(&GROUPS, &mut document, &operations)?;
            if !document.contains_key("displayName") {
                return Err(ScimError::bad(
                    ScimType::Mutability,
                    "`displayName` is required and cannot be removed",
                ));
            }
            provisioned(&document)
        })
        .await
    }

    async fn change_group(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        id: &str,
        change: impl Fn(&ScimGroup, &Members) -> Result<ProvisionedGroup, ScimError> + Send + Sync,
    ) -> Result<Response, ScimError> {
        let (team, _) = known(directory, id)?;
        let changed = self
            .accounts
            .change_group(directory, &team.organization, &team.id, |team, members| {
                let group = group_of(team)?;
                version::must_match(request.if_match, &version::of(&written(group, members, "")))?;
                let wanted = change(group, members)?;
                if wanted.display_name != group.display_name {
                    check_name_free(directory, Some(&team.id), &wanted.display_name)?;
                }
                Ok::<_, GroupError>(wanted)
            })
            .await;
        let (team, members, revision) = changed?;
        Ok(Response {
            revision,
            changed: vec![team.id.to_string()],
            ..answer(200, &team, &members, request)?
        })
    }

    pub(super) async fn delete_group(
        &self,
        directory: &Directory,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Response, ScimError> {
        let (team, _) = known(directory, id)?;
        let deleted = self
            .accounts
            .delete_group(directory, &team.organization, &team.id, |team, members| {
                let version = version::of(&written(group_of(team)?, members, ""));
                Ok::<_, GroupError>(version::must_match(request.if_match, &version)?)
            })
            .await;
        Ok(Response {
            revision: Some(deleted?),
            changed: vec![id.to_owned()],
            ..Response::status(204)
        })
    }
}

/// The groups that a search finds, by organization and team name.
pub(super) fn find<'d>(
    directory: &'d Directory,
    search: &Search,
) -> Result<Vec<(&'d Arc<Team>, &'d ScimGroup)>, ScimError> {
    let filter = search.filter(&GROUPS)?;
    let demanded = |name| filter.as_ref().and_then(|filter| filter.demands(name));
    let (id, display_name) = (demanded("id"), demanded("displayName").map(fold));
    let groups = directory
        .teams()
        .filter_map(|team| Some((team, team.scim.as_ref()?)))
        .filter(|(team, group)| {
            id.is_none_or(|id| team.id.as_str() == id)
                && display_name
                    .as_ref()
                    .is_none_or(|name| fold(&group.display_name) == *name)
        });
    let Some(filter) = &filter else {
        return Ok(groups.collect());
    };
    Ok(groups
        .filter(|(team, group)| {
            resource(team, group, &members(directory, team), "")
                .as_object()
                .is_some_and(|resource| filter.passes(resource))
        })
        .collect())
}

fn known<'d>(directory: &'d Directory, id: &str) -> Result<(&'d Arc<Team>, &'d ScimGroup), ScimError> {
    directory
        .team(&TeamId::from(id))
        .and_then(|team| Some((team, team.scim.as_ref()?)))
        .ok_or_else(|| ScimError::not_found("Group", id))
}

fn group_of(team: &Team) -> Result<&ScimGroup, ScimError> {
    team.scim
        .as_ref()
        .ok_or_else(|| ScimError::not_found("Group", team.id.as_str()))
}

pub(super) fn members(directory: &Directory, team: &Team) -> Members {
    directory
        .team_members(&team.id)
        .filter(|member| is_provisioned(&member.account))
        .map(|member| member.account.id.clone())
        .collect()
}

/// Two groups never have the same name, whichever teams they are.
fn check_name_free(directory: &Directory, but: Option<&TeamId>, name: &str) -> Result<(), ScimError> {
    let name = fold(name);
    let taken = directory.teams().any(|team| {
        let same = team
            .scim
            .as_ref()
            .is_some_and(|group| fold(&group.display_name) == name);
        same && Some(&team.id) != but
    });
    if taken {
        Err(ScimError::taken("another group has the `displayName`"))
    } else {
        Ok(())
    }
}

/// What clients may write of a group.
fn written(group: &ScimGroup, members: &Members, base: &str) -> Document {
    let mut document = Document::new();
    if let Some(external_id) = &group.external_id {
        document.insert("externalId".to_owned(), external_id.as_str().into());
    }
    document.insert("displayName".to_owned(), group.display_name.as_str().into());
    if !members.is_empty() {
        let members = members
            .iter()
            .map(|id| json!({ "value": id.as_str(), "$ref": format!("{base}/Users/{id}"), "type": "User" }));
        document.insert("members".to_owned(), members.collect());
    }
    document
}

fn location(team: &Team, base: &str) -> String {
    format!("{base}/Groups/{}", team.id)
}

fn resource(team: &Team, group: &ScimGroup, members: &Members, base: &str) -> Value {
    let mut resource = Map::new();
    resource.insert("schemas".to_owned(), json!([GROUPS.urn]));
    resource.insert("id".to_owned(), team.id.as_str().into());
    resource.insert(
        "meta".to_owned(),
        json!({
            "resourceType": GROUPS.name,
            "created": team.created.to_string(),
            "lastModified": group.modified.to_string(),
            "location": location(team, base),
            // The version does not depend on the name by which this server was reached.
            "version": version::of(&written(group, members, "")),
        }),
    );
    resource.extend(written(group, members, base));
    Value::Object(resource)
}

pub(super) fn shown(
    team: &Team,
    group: &ScimGroup,
    members: &Members,
    base: &str,
    wanted: &super::project::Wanted,
) -> Value {
    let mut resource = resource(team, group, members, base);
    if let Some(resource) = resource.as_object_mut() {
        wanted.apply(&GROUPS, resource);
    }
    resource
}

fn answer(status: u16, team: &Team, members: &Members, request: &Request<'_>) -> Result<Response, ScimError> {
    let group = group_of(team)?;
    let wanted = search::wanted_of(request)?;
    Ok(Response {
        location: Some(location(team, request.base)),
        etag: Some(version::of(&written(group, members, ""))),
        ..Response::json(status, shown(team, group, members, request.base, &wanted))
    })
}

/// What a document asks of a team.
fn provisioned(document: &Document) -> Result<ProvisionedGroup, ScimError> {
    let text = |name| document.get(name).and_then(Value::as_str);
    let display_name = text("displayName")
        .ok_or_else(|| ScimError::bad(ScimType::InvalidValue, "`displayName` is missing"))?;
    check("displayName", Some(display_name), MAX_NAME_CHARS)?;
    check_external_id(text("externalId"))?;
    let mut members = Members::new();
    for member in document
        .get("members")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let part = |part| member.get(part).and_then(Value::as_str);
        if part("type").is_some_and(|kind| !kind.eq_ignore_ascii_case("User")) {
            return Err(ScimError::bad(
                ScimType::InvalidValue,
                "members are users, groups within groups are not kept",
            ));
        }
        if let Some(id) = part("value") {
            members.insert(AccountId::from(id));
        }
    }
    Ok(ProvisionedGroup {
        display_name: display_name.to_owned(),
        external_id: text("externalId").map(str::to_owned),
        members,
    })
}
