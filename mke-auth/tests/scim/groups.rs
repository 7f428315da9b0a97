//! Groups: teams by another name.

use mke_auth::accounts::{NewOrganization, NewTeam, TeamLink};
use mke_auth::records::Membership;
use mke_core::ids::{AccountId, TeamId};
use serde_json::{Value, json};

use crate::client::{BASE, Client, body, group, refusal};
use crate::support::rng;

/// SCIM-010, SCIM-014: the team has the group's name with the ending, in the organization of everybody, and its
/// members are the users that were named.
#[tokio::test]
async fn creation() {
    let client = Client::new().await;
    let (a, b) = (client.user("a").await, client.user("b").await);
    let made = client.post("/Groups", group("Dev Ops", &[&a, &b])).await;
    assert_eq!(made.status, 201);
    let shown = made.body.unwrap();
    assert_eq!(shown["displayName"], "Dev Ops");
    let member = &shown["members"][0];
    assert_eq!(member["type"], "User");
    assert_eq!(
        member["$ref"],
        json!(format!("{BASE}/Users/{}", member["value"].as_str().unwrap()))
    );
    let directory = client.world.directory().await;
    let team = directory
        .resolve_team(&client.world.everyone, "Dev Ops_SCIM")
        .unwrap();
    assert_eq!(shown["id"], team.id.as_str());
    assert_eq!(directory.team_members_count(&team.id), 2);
    for (refused, expected) in [
        (json!({ "members": [] }), (400, "invalidValue")),
        (group("", &[]), (400, "invalidValue")),
        (group("a/b", &[]), (400, "invalidValue")),
        (group("new", &["no-such-user"]), (400, "invalidValue")),
        (
            group("new", &[client.world.admin.as_str()]),
            (400, "invalidValue"),
        ),
        (group("Dev Ops", &[]), (409, "uniqueness")),
        (group("DEV OPS", &[]), (409, "uniqueness")),
        (
            json!({ "displayName": "new", "members": [{ "value": team.id.as_str(), "type": "Group" }] }),
            (400, "invalidValue"),
        ),
    ] {
        let answer = client.post("/Groups", refused.clone()).await;
        assert_eq!(refusal(&answer), (expected.0, expected.1.to_owned()), "{refused}");
    }
}

/// SCIM-009: ten in a page unless asked otherwise, by name; no sorting.
#[tokio::test]
async fn pages() {
    let client = Client::new().await;
    for number in 0..35 {
        client.group(&format!("g{number:02}"), &[]).await;
    }
    let mut names = Vec::new();
    for (start, items) in [(1, 10), (11, 10), (21, 10), (31, 5)] {
        let page = body(
            client
                .get(&format!(
                    "/Groups?startIndex={start}&sortBy=displayName&sortOrder=descending"
                ))
                .await,
        );
        assert_eq!(
            (&page["totalResults"], &page["itemsPerPage"]),
            (&json!(35), &json!(items))
        );
        let resources = page["Resources"].as_array().unwrap();
        names.extend(
            resources
                .iter()
                .map(|group| group["displayName"].as_str().unwrap().to_owned()),
        );
    }
    let expected: Vec<String> = (0..35).map(|number| format!("g{number:02}")).collect();
    assert_eq!(names, expected);
    assert_eq!(
        body(client.get("/Groups?startIndex=4&count=500").await)["itemsPerPage"],
        32
    );
    let found = body(client.get("/Groups?filter=displayName eq \"G07\"").await);
    assert_eq!(found["totalResults"], 1);
    let id = found["Resources"][0]["id"].as_str().unwrap();
    assert_eq!(
        body(client.get(&format!("/Groups/{id}")).await)["displayName"],
        "g07"
    );
    assert_eq!(refusal(&client.get("/Groups/x").await).0, 404);
}

/// SCIM-011: several operations in one call, in every documented form.
#[tokio::test]
async fn changing_members() {
    let client = Client::new().await;
    let mut users = [
        client.user("a").await,
        client.user("b").await,
        client.user("c").await,
    ];
    users.sort();
    let [a, b, c] = &users[..] else { panic!() };
    let group = client.group("dev", &[a]).await;
    let path = format!("/Groups/{group}");
    for (change, expected) in [
        // Add is the default; a member object with operation=delete is removed.
        (json!({ "members": [{ "value": b }] }), vec![a, b]),
        (
            json!({ "members": [{ "value": c }, { "value": a, "operation": "delete" }] }),
            vec![b, c],
        ),
        (
            json!({ "Operations": [{ "path": "members", "value": [{ "value": a }] }] }),
            vec![a, b, c],
        ),
        (
            json!({ "Operations": [
                { "op": "remove", "path": format!("members[value eq \"{a}\"]") },
                { "op": "Add", "path": "members", "value": [{ "value": b, "Operation": "Delete" }] },
                { "op": "add", "value": { "members": [{ "value": a }] } },
            ] }),
            vec![a, c],
        ),
        (
            json!({ "Operations": [{ "op": "Remove", "path": "members", "value": [{ "value": c }] }] }),
            vec![a],
        ),
        (
            json!({ "Operations": [{ "op": "replace", "path": "members", "value": [{ "value": b }] }] }),
            vec![b],
        ),
        (
            json!({ "Operations": [{ "op": "remove", "path": "members" }] }),
            vec![],
        ),
    ] {
        let changed = client.call("PATCH", &path, change.clone()).await;
        assert_eq!(changed.status, 200, "{change} {changed:?}");
        let members = client.members(&group).await;
        assert_eq!(members.iter().collect::<Vec<_>>(), expected, "{change}");
    }
}

/// SCIM-012: members are those of the body, and what is absent is blank.
#[tokio::test]
async fn replacing() {
    let client = Client::new().await;
    let (a, b) = (client.user("a").await, client.user("b").await);
    let mut sent = group("dev", &[&a]);
    sent["externalId"] = json!("7");
    let id = crate::client::id(&client.post("/Groups", sent).await);
    let path = format!("/Groups/{id}");
    let replaced = body(client.put(&path, group("ops", &[&b])).await);
    assert_eq!(replaced.get("externalId"), None);
    assert_eq!(client.members(&id).await, [b]);
    let directory = client.world.directory().await;
    let team = directory
        .resolve_team(&client.world.everyone, "ops_SCIM")
        .unwrap();
    assert_eq!(team.id.as_str(), id, "the team keeps its id and grants");
    assert!(
        directory
            .resolve_team(&client.world.everyone, "dev_SCIM")
            .is_none()
    );
    let replaced = body(client.put(&path, json!({ "displayName": "ops" })).await);
    assert_eq!(replaced.get("members"), None);
    assert_eq!(refusal(&client.put(&path, json!({ "members": [] })).await).0, 400);
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.delete(&path).await.status, 404);
    let directory = client.world.directory().await;
    assert!(directory.team(&TeamId::from(id)).is_none());
}

/// SCIM-014: a team that an administrator linked to the name is the group: it keeps its name, its id and its other
/// members, and outlives the group.
#[tokio::test]
async fn linked_teams() {
    let client = Client::new().await;
    let accounts = &client.world.accounts;
    let organization = NewOrganization {
        name: "acme".to_owned(),
        full_name: String::new(),
    };
    let (acme, _) = accounts
        .create_organization(organization, &mut rng())
        .await
        .unwrap();
    let new = NewTeam {
        name: "engineers".to_owned(),
        description: String::new(),
    };
    let (team, _) = accounts.create_team(&acme.id, new, &mut rng()).await.unwrap();
    let local = client.world.user("local").await;
    let plain = Membership { is_admin: false };
    accounts
        .put_team_member(&acme.id, &team.id, &local.id, plain)
        .await
        .unwrap();
    let link = TeamLink::Group(Some("Dev".to_owned()));
    accounts.link_team(&acme.id, &team.id, &link).await.unwrap();

    let user = client.user("jane").await;
    let id = client.group("Dev", &[&user]).await;
    assert_eq!(id, team.id.as_str());
    assert_eq!(
        client.members(&id).await,
        std::slice::from_ref(&user),
        "others are not the client's to see"
    );
    let directory = client.world.directory().await;
    assert_eq!(directory.team_members_count(&team.id), 2);
    assert!(
        directory
            .membership(&acme.id, &AccountId::from(user.as_str()))
            .is_some()
    );
    client.put(&format!("/Groups/{id}"), group("Dev", &[])).await;
    let directory = client.world.directory().await;
    assert_eq!(
        directory.team_members_count(&team.id),
        1,
        "the local member stays"
    );
    assert_eq!(directory.team(&team.id).unwrap().name.as_str(), "engineers");
    assert_eq!(client.delete(&format!("/Groups/{id}")).await.status, 204);
    let directory = client.world.directory().await;
    let left = directory.team(&team.id).unwrap();
    assert_eq!(
        (left.scim.as_ref(), left.group_link.as_deref()),
        (None, Some("Dev"))
    );
    assert_eq!(directory.team_members_count(&team.id), 1);
}

/// A search over everything, with attributes that only one type has.
#[tokio::test]
async fn searching_everything() {
    let client = Client::new().await;
    let user = client.user("jane").await;
    client.group("dev", &[&user]).await;
    let names = async |filter: Value| {
        let page = body(client.post("/.search", json!({ "filter": filter })).await);
        let resources = page["Resources"].as_array().unwrap().clone();
        resources
            .iter()
            .map(|found| found["meta"]["resourceType"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Value::Null).await, ["User", "Group"]);
    assert_eq!(names(json!("userName eq \"jane\"")).await, ["User"]);
    assert_eq!(names(json!(format!("members eq \"{user}\""))).await, ["Group"]);
    assert_eq!(names(json!("displayName eq \"dev\"")).await, ["Group"]);
    let answer = client
        .post("/.search", json!({ "filter": "nothing eq \"x\"" }))
        .await;
    assert_eq!(refusal(&answer), (400, "invalidFilter".to_owned()));
}

/// SCIM-014: when an administrator ends the link, or links the team to another group, the client keeps the team no
/// longer: it is not there for it, and its members are changed by hand again.
#[tokio::test]
async fn ended_links() {
    let client = Client::new().await;
    let accounts = &client.world.accounts;
    let everyone = &client.world.everyone;
    for (name, after) in [("one", None), ("two", Some("Other".to_owned()))] {
        let new = NewTeam {
            name: name.to_owned(),
            description: String::new(),
        };
        let (team, _) = accounts.create_team(everyone, new, &mut rng()).await.unwrap();
        let link = TeamLink::Group(Some(name.to_owned()));
        accounts.link_team(everyone, &team.id, &link).await.unwrap();
        let user = client.user(&format!("user-{name}")).await;
        let id = client.group(name, &[&user]).await;
        assert_eq!(id, team.id.as_str());

        // Saying the same again ends nothing.
        let (same, _) = accounts.link_team(everyone, &team.id, &link).await.unwrap();
        assert!(same.scim.is_some());
        let link = TeamLink::Group(after.clone());
        let (ended, _) = accounts.link_team(everyone, &team.id, &link).await.unwrap();
        assert_eq!((ended.scim.as_ref(), &ended.group_link), (None, &after));
        let answer = client.put(&format!("/Groups/{id}"), group(name, &[])).await;
        assert_eq!(answer.status, 404, "{name}");
        let directory = client.world.directory().await;
        assert_eq!(
            directory.team_members_count(&team.id),
            1,
            "{name}: who is a member stays one"
        );
    }
    // A team that was made for a group hangs on no link.
    let id = client.group("three", &[]).await;
    let team = TeamId::from(id.as_str());
    for link in [Some("x".to_owned()), None] {
        let link = TeamLink::Group(link);
        let (team, _) = accounts.link_team(everyone, &team, &link).await.unwrap();
        assert!(team.scim.is_some());
    }
}
