//! Teams that follow groups of an LDAP directory or of an identity provider.

use serde_json::json;

use crate::joined::Joined;
use crate::support::directory::{group, members_of};
use crate::support::until;

/// LDAP-018: a team is filled as soon as that is switched on, by a group or by a search; who comes from the directory is
/// not added or removed by hand meanwhile, others are.
#[tokio::test]
async fn teams_follow_the_directory() {
    let joined = Joined::new(false).await;
    joined.sync().await;
    let team = joined.team("web").await;
    let options = format!("{team}/memberSyncConfig");
    let unset = joined.admin.get(&options).await.ok();
    assert_eq!(
        (&unset["enableSync"], &unset["allowNonLDAPMembers"]),
        (&json!(false), &json!(true))
    );
    let local = joined.controller.user(&joined.admin, "local").await;

    let on = joined.admin.put(&options, members_of("web")).await.ok();
    assert_eq!(on["groupDN"], group("web"));
    until("the members arrive", async || {
        (joined.members(&team).await == ["jane", "joe"]).then_some(())
    })
    .await;

    for (method, who) in [("PUT", "kim"), ("DELETE", "jane")] {
        let path = format!("{team}/members/{who}");
        let answer = joined.admin.send(joined.admin.request(method, &path)).await;
        assert_eq!(answer.status, 409, "{method} {who}: {}", answer.text());
        assert!(answer.text().contains("ldap"), "{}", answer.text());
    }
    joined
        .admin
        .put(&format!("{team}/members/local"), json!({}))
        .await
        .ok();
    let lead = joined
        .admin
        .put(&format!("{team}/members/jane"), json!({ "isAdmin": true }))
        .await;
    assert_eq!(
        lead.ok()["isAdmin"],
        true,
        "who leads the team is a matter of hand"
    );
    assert_eq!(joined.admin.delete("/accounts/ops/members/joe").await.status, 409);

    // Who leads the team may say how it is filled; who is a member only, or nobody, may not.
    let jane = joined.login("jane").await;
    jane.get(&options).await.ok();
    for client in [
        &local.client,
        &joined.login("joe").await,
        &joined.login("carol").await,
    ] {
        assert_eq!(client.get(&options).await.status, 403);
        assert_eq!(client.put(&options, members_of("web")).await.status, 403);
        assert_eq!(
            client
                .put("/accounts/ops/adminMemberSyncConfig", json!({}))
                .await
                .status,
            403
        );
        assert_eq!(
            client
                .put(&format!("{team}/groupLinkConfig"), json!({}))
                .await
                .status,
            403
        );
    }

    let mut search = members_of("web");
    for (key, value) in [
        ("selectGroupMembers", json!(false)),
        ("searchBaseDN", json!("ou=people,dc=example,dc=com")),
        ("searchFilter", json!("(|(uid=kim)(uid=lee)(uid=outsider))")),
        ("allowNonLDAPMembers", json!(false)),
    ] {
        search[key] = value;
    }
    jane.put(&options, search.clone()).await.ok();
    until("the members change", async || {
        (joined.members(&team).await == ["kim", "lee"]).then_some(())
    })
    .await;
    for (key, value) in [
        ("searchFilter", json!("(uid=kim")),
        ("searchBaseDN", json!("no dn")),
    ] {
        let mut wrong = search.clone();
        wrong[key] = value;
        let answer = joined.admin.put(&options, wrong).await;
        assert_eq!(answer.status, 400, "{key}: {}", answer.text());
    }

    let admins = joined
        .admin
        .put(
            "/accounts/ops/adminMemberSyncConfig",
            members_of("platform-admins"),
        )
        .await;
    assert_eq!(admins.ok()["enableSync"], true);
    until("alice administers the organization", async || {
        let member = joined.admin.get("/accounts/ops/members/alice").await;
        (member.status == 200 && member.json()["isAdmin"] == true).then_some(())
    })
    .await;
    let by_hand = joined
        .admin
        .put("/accounts/ops/members/max", json!({ "isAdmin": true }))
        .await;
    assert_eq!(by_hand.status, 409, "{}", by_hand.text());
}

/// A team is linked to a group of an identity provider by who leads it; people from a directory are then not added by hand.
#[tokio::test]
async fn teams_of_an_identity_provider() {
    let joined = Joined::new(true).await;
    joined.login("jane").await;
    let team = joined.team("web").await;
    let path = format!("{team}/groupLinkConfig");
    let admin = &joined.admin;
    let off = json!({ "enableLink": false, "groupName": "" });
    assert_eq!(admin.get(&path).await.ok(), off);
    for wrong in [
        json!({ "enableLink": true }),
        json!({ "enableLink": true, "groupName": " " }),
    ] {
        assert_eq!(admin.put(&path, wrong.clone()).await.status, 400, "{wrong}");
    }
    let on = json!({ "enableLink": true, "groupName": "web developers" });
    assert_eq!(admin.put(&path, on.clone()).await.ok(), on);
    assert_eq!(admin.get(&path).await.ok(), on);
    let member = format!("{team}/members/jane");
    assert_eq!(admin.put(&member, json!({})).await.status, 409);
    assert_eq!(admin.put(&path, off.clone()).await.ok(), off);
    admin.put(&member, json!({})).await.ok();
}
