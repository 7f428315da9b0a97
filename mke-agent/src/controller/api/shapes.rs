//! The JSON forms of accounts, teams, members and public keys (section 5 of the API reference).

use mke_auth::directory::{Directory, Member};
use mke_auth::records::{Account, PublicKey, Team};
use serde_json::{Value, json};

/// A user or an organization. Password and other secrets have no place here.
pub(super) fn account(directory: &Directory, account: &Account) -> Value {
    let mut shape = json!({
        "name": account.name,
        "id": account.id,
        "fullName": account.full_name,
        "isOrg": account.is_organization(),
    });
    match account.user() {
        Some(user) => {
            shape["isAdmin"] = json!(user.is_admin);
            shape["isActive"] = json!(user.is_active);
            shape["isImported"] = json!(user.is_imported);
            shape["onDemand"] = json!(user.on_demand);
            shape["otpEnabled"] = json!(directory.has_second_factor(&account.id));
        }
        None => {
            shape["membersCount"] = json!(directory.members_count(&account.id));
            shape["teamsCount"] = json!(directory.teams_of_organization(&account.id).count());
        }
    }
    shape
}

/// A team.
pub(super) fn team(directory: &Directory, team: &Team) -> Value {
    json!({
        "orgID": team.organization,
        "name": team.name,
        "id": team.id,
        "description": team.description,
        "membersCount": directory.team_members_count(&team.id),
    })
}

/// A member of an organization or a team.
pub(super) fn member(directory: &Directory, member: &Member) -> Value {
    json!({
        "member": account(directory, &member.account),
        "isAdmin": member.membership.is_admin,
    })
}

/// A registered public key.
pub(super) fn public_key(key: &PublicKey) -> Value {
    json!({
        "id": key.id,
        "accountID": key.account,
        "publicKey": key.public_key,
        "label": key.label,
        "certificates": [],
    })
}
