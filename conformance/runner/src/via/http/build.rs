//! Building a world through the API, in the order in which an administrator would.

use std::collections::{BTreeMap, BTreeSet};

use mke_rbac::role::builtin;
use mke_rbac::state::WorldRecord;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::AskError;
use super::client::Client;
use super::server::PASSWORD;

/// The organization that holds everybody.
const EVERYBODY: &str = "docker-datacenter";

/// Builds everything that the server itself keeps, and leaves the client logged in as the administrator.
pub(super) async fn build(
    client: &mut Client,
    record: &WorldRecord,
    administrator: &str,
) -> Result<(), AskError> {
    let token = client.log_in(administrator).await?;
    client.use_token(token);
    settings(client, record).await?;
    people(client, record, administrator).await?;
    for path in &record.collections {
        client
            .json(Method::POST, "/collections", &json!({"path": path}))
            .await?;
    }
    grants(client, record).await?;
    let ids = ids_by_path(client).await?;
    for (name, user) in &record.users {
        if let Some(path) = &user.default_collection {
            let body = json!({"id": id(&ids, path)?});
            client
                .json(Method::PUT, &format!("/defaultCollection/{name}"), &body)
                .await?;
        }
    }
    for (name, user) in &record.users {
        if !user.active {
            client
                .json(
                    Method::PATCH,
                    &format!("/accounts/{name}"),
                    &json!({"isActive": false}),
                )
                .await?;
        }
    }
    Ok(())
}

/// The paths of all collections by id.
pub(super) async fn collection_paths(client: &Client) -> Result<BTreeMap<String, String>, AskError> {
    let ids = ids_by_path(client).await?;
    Ok(ids.into_iter().map(|(path, id)| (id, path)).collect())
}

async fn ids_by_path(client: &Client) -> Result<BTreeMap<String, String>, AskError> {
    let found = client.plain(Method::GET, "/collections?limit=1000").await?;
    let found = found.as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(found
        .iter()
        .filter_map(|info| Some((info["path"].as_str()?.to_owned(), info["id"].as_str()?.to_owned())))
        .collect())
}

async fn settings(client: &Client, record: &WorldRecord) -> Result<(), AskError> {
    let text = format!(
        "[auth]\ndefault_new_user_role = \"{}\"\n[scheduling_configuration]\nenable_admin_ucp_scheduling = {}\n",
        record.settings.default_new_user_role, record.settings.enable_admin_ucp_scheduling
    );
    client
        .send(Method::PUT, "/api/ucp/config-toml", Some(text))
        .await
        .map(drop)
}

/// Accounts and memberships. Everybody who logged in does so once, for the private collection.
async fn people(client: &Client, record: &WorldRecord, administrator: &str) -> Result<(), AskError> {
    for (name, user) in &record.users {
        if name != administrator {
            let body = json!({"name": name, "password": PASSWORD, "isAdmin": user.admin, "isActive": true});
            client.json(Method::POST, "/accounts", &body).await?;
            if user.logged_in {
                client.log_in(name).await?;
            }
        }
    }
    for (name, organization) in &record.orgs {
        if name != EVERYBODY {
            let body = json!({"name": name, "isOrg": true});
            client.json(Method::POST, "/accounts", &body).await?;
        }
        let in_teams = organization.teams.values().flatten();
        let members: BTreeSet<_> = organization.members.iter().chain(in_teams).collect();
        for member in members {
            let path = format!("/accounts/{name}/members/{member}");
            client.json(Method::PUT, &path, &json!({})).await?;
        }
        for (team, members) in &organization.teams {
            let path = format!("/accounts/{name}/teams");
            client.json(Method::POST, &path, &json!({"name": team})).await?;
            for member in members {
                let path = format!("/accounts/{name}/teams/{team}/members/{member}");
                client.json(Method::PUT, &path, &json!({})).await?;
            }
        }
    }
    Ok(())
}

async fn grants(client: &Client, record: &WorldRecord) -> Result<(), AskError> {
    let mut roles: BTreeMap<&str, String> = builtin::IDS.iter().map(|id| (*id, (*id).to_owned())).collect();
    for (name, operations) in &record.roles {
        let body = json!({"name": name, "operations": operations});
        let made = client.json(Method::POST, "/roles", &body).await?;
        roles.insert(name, text(&made["id"]));
    }
    let collections = ids_by_path(client).await?;
    for grant in &record.grants {
        let subject = subject_id(client, &grant.subject).await?;
        let collection = id(&collections, &grant.collection)?;
        let role = roles.get(grant.role.as_str()).cloned().unwrap_or_default();
        let path = format!("/collectionGrants/{subject}/{collection}/{role}");
        client.plain(Method::PUT, &path).await?;
    }
    if !record.settings.docker_datacenter_scheduler {
        let everybody = subject_id(client, &format!("org:{EVERYBODY}")).await?;
        let path = format!("/collectionGrants/{everybody}/shared/{}", builtin::SCHEDULER);
        client.plain(Method::DELETE, &path).await?;
    }
    Ok(())
}

/// The id of `user:<name>`, `org:<name>` or `team:<org>/<name>`; `authenticated` and `anonymous` are their own.
async fn subject_id(client: &Client, subject: &str) -> Result<String, AskError> {
    let path = match subject.split_once(':') {
        Some(("team", team)) => {
            let (organization, name) = team.split_once('/').unwrap_or((team, ""));
            format!("/accounts/{organization}/teams/{name}")
        }
        Some((_, name)) => format!("/accounts/{name}"),
        None => return Ok(subject.to_owned()),
    };
    let found = client.plain(Method::GET, &path).await?;
    Ok(text(&found["id"]))
}

fn id<'i>(ids: &'i BTreeMap<String, String>, path: &str) -> Result<&'i str, AskError> {
    ids.get(path)
        .map(String::as_str)
        .ok_or_else(|| AskError::Unbuilt {
            what: format!("collection `{path}`"),
        })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
