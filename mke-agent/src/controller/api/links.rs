//! What ties teams and organizations to a source of people: `memberSyncConfig` and `adminMemberSyncConfig` of LDAP,
//! `groupLinkConfig` of SAML; and when members cannot be changed by hand for it.

use http::StatusCode;
use mke_auth::accounts::TeamLink;
use mke_auth::jobs::{LDAP_SYNC, NewJob};
use mke_auth::ldap::{SyncTarget, TeamSync};
use mke_auth::records::{Account, MemberSync, Team};
use mke_core::ids::AccountId;
use serde_json::{Value, json};

use super::Call;
use crate::controller::body::{self, Response};
use crate::controller::error::{ApiError, Kind};
use crate::controller::fields::Fields;
use crate::controller::jobs::requester;
use crate::controller::rng;

/// How members of a team are found in the LDAP directory.
pub(super) async fn show_member_sync(call: Call) -> Result<Response, ApiError> {
    let (_, team) = call.team()?;
    Ok(body::json(StatusCode::OK, &sync_shape(team.sync.as_ref())))
}

/// Says how members of a team are found in the LDAP directory. Switched on, it is done at once (LDAP-018).
pub(super) async fn set_member_sync(call: Call) -> Result<Response, ApiError> {
    let (organization, team) = call.team()?;
    let sync = sync_of(&call.fields()?, team.sync.as_ref())?;
    let link = TeamLink::Sync(Some(sync.clone()));
    let (team, revision) = call
        .state
        .accounts
        .link_team(&organization.id, &team.id, &link)
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(team.id.as_str());
    sync_now(&call, &sync).await?;
    Ok(body::json(StatusCode::OK, &sync_shape(team.sync.as_ref())))
}

/// How administrators of an organization are found in the LDAP directory.
pub(super) async fn show_admin_sync(call: Call) -> Result<Response, ApiError> {
    let organization = call.organization()?;
    let shape = sync_shape(organization.admin_sync.as_deref());
    Ok(body::json(StatusCode::OK, &shape))
}

/// Says how administrators of an organization are found in the LDAP directory. Switched on, it is done at once.
pub(super) async fn set_admin_sync(call: Call) -> Result<Response, ApiError> {
    let organization = call.organization()?;
    let sync = sync_of(&call.fields()?, organization.admin_sync.as_deref())?;
    let (organization, revision) = call
        .state
        .accounts
        .sync_administrators(&organization.id, Some(&sync))
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(organization.id.as_str());
    sync_now(&call, &sync).await?;
    let shape = sync_shape(organization.admin_sync.as_deref());
    Ok(body::json(StatusCode::OK, &shape))
}

/// The group of the identity provider that a team is linked to.
pub(super) async fn show_group_link(call: Call) -> Result<Response, ApiError> {
    let (_, team) = call.team()?;
    Ok(body::json(StatusCode::OK, &link_shape(&team)))
}

/// Links a team to a group of the identity provider: members follow at each of their logins.
pub(super) async fn set_group_link(call: Call) -> Result<Response, ApiError> {
    let (organization, team) = call.team()?;
    let fields = call.fields()?;
    let group = if fields.flag("enableLink")?.unwrap_or(false) {
        Some(fields.required_text("groupName")?.to_owned())
    } else {
        None
    };
    let (team, revision) = call
        .state
        .accounts
        .link_team(&organization.id, &team.id, &TeamLink::Group(group))
        .await?;
    call.in_force(revision).await?;
    call.notes.object_id(team.id.as_str());
    Ok(body::json(StatusCode::OK, &link_shape(&team)))
}

/// Refuses to change by hand whether somebody from a directory belongs to a team that the directory fills. Whether a
/// member is an administrator of the team stays a matter of hand.
pub(super) fn may_change_team_member(team: &Team, user: &Account) -> Result<(), ApiError> {
    match team.is_kept_by_source() {
        Some(source) if user.user().is_some_and(|user| user.is_imported) => Err(kept(&format!(
            "members of team `{}` who come from a directory are kept by {source}; change the group there, or end the \
             synchronisation of the team",
            team.name
        ))),
        _ => Ok(()),
    }
}

/// Refuses to change by hand how somebody from a directory belongs to an organization whose administrators the directory
/// names.
pub(super) fn may_change_member(organization: &Account, user: &Account) -> Result<(), ApiError> {
    let synced = organization
        .admin_sync
        .as_deref()
        .is_some_and(|sync| sync.enabled);
    if synced && user.user().is_some_and(|user| user.is_imported) {
        return Err(kept(&format!(
            "administrators of organization `{}` are kept by ldap; change them there, or end the synchronisation of its \
             administrators",
            organization.name
        )));
    }
    Ok(())
}

fn kept(text: &str) -> ApiError {
    ApiError::new(Kind::Conflict, text)
}

/// `MemberSyncOpts` of the API, and `allowNonLDAPMembers`.
fn sync_shape(sync: Option<&MemberSync>) -> Value {
    let unset = MemberSync {
        allow_others: true,
        ..MemberSync::default()
    };
    let sync = sync.unwrap_or(&unset);
    json!({
        "enableSync": sync.enabled,
        "selectGroupMembers": sync.by_group,
        "groupDN": sync.group_dn,
        "groupMemberAttr": sync.group_member_attribute,
        "searchBaseDN": sync.search_base_dn,
        "searchScopeSubtree": sync.search_subtree,
        "searchFilter": sync.search_filter,
        "allowNonLDAPMembers": sync.allow_others,
    })
}

/// Reads `MemberSyncOpts`. Clients that do not know `allowNonLDAPMembers` leave out nobody by it.
fn sync_of(fields: &Fields, before: Option<&MemberSync>) -> Result<MemberSync, ApiError> {
    let flag = |key| Ok::<_, ApiError>(fields.flag(key)?.unwrap_or(false));
    let text = |key| Ok::<_, ApiError>(fields.text(key)?.unwrap_or_default().to_owned());
    let allowed_before = before.is_none_or(|sync| sync.allow_others);
    let sync = MemberSync {
        enabled: flag("enableSync")?,
        by_group: flag("selectGroupMembers")?,
        group_dn: text("groupDN")?,
        group_member_attribute: text("groupMemberAttr")?,
        search_base_dn: text("searchBaseDN")?,
        search_subtree: flag("searchScopeSubtree")?,
        search_filter: text("searchFilter")?,
        allow_others: fields.flag("allowNonLDAPMembers")?.unwrap_or(allowed_before),
    };
    // A DN or filter that cannot be read would only show when the synchronisation fails.
    let target = SyncTarget::OrganizationAdmins {
        organization: AccountId::from(""),
    };
    TeamSync::read(target, "", &sync).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        ApiError::malformed(texts.join("; "))
    })?;
    Ok(sync)
}

fn link_shape(team: &Team) -> Value {
    json!({
        "enableLink": team.group_link.is_some(),
        "groupName": team.group_link.as_deref().unwrap_or_default(),
    })
}

/// Asks for a synchronisation when one was switched on and there is a directory.
async fn sync_now(call: &Call, sync: &MemberSync) -> Result<(), ApiError> {
    if sync.enabled && call.state.snapshot().config.auth.backend == "ldap" {
        let new = NewJob {
            action: LDAP_SYNC,
            dry_run: false,
            accepted: false,
            by: requester(call.identity()?),
        };
        call.state.jobs.create(&new, &mut rng()).await?;
        call.state.job_made.notify_one();
    }
    Ok(())
}
