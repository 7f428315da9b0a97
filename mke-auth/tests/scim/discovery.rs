//! What the service says of itself, and which methods are possible where.

use serde_json::json;

use crate::client::{BASE, Client, body, refusal};

/// SCIM-013: three documents, each part by its own address too, with the URNs of SCIM 2.0.
#[tokio::test]
async fn documents() {
    let client = Client::new().await;
    let config = body(client.get("/ServiceProviderConfig").await);
    assert_eq!(
        config["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"])
    );
    for (feature, supported) in [
        ("patch", true),
        ("filter", true),
        ("etag", true),
        ("bulk", false),
        ("sort", false),
        ("changePassword", false),
    ] {
        assert_eq!(config[feature]["supported"], json!(supported), "{feature}");
    }
    let types = body(client.get("/ResourceTypes").await);
    assert_eq!(types["totalResults"], 2);
    let schemas = body(client.get("/Schemas").await);
    for (index, (name, endpoint)) in [("User", "/Users"), ("Group", "/Groups")].into_iter().enumerate() {
        let kind = &types["Resources"][index];
        assert_eq!((&kind["id"], &kind["endpoint"]), (&json!(name), &json!(endpoint)));
        assert_eq!(*kind, body(client.get(&format!("/ResourceTypes/{name}")).await));
        let urn = format!("urn:ietf:params:scim:schemas:core:2.0:{name}");
        assert_eq!(kind["schema"], json!(urn));
        let schema = &schemas["Resources"][index];
        assert_eq!(schema["id"], json!(urn));
        assert_eq!(schema["meta"]["location"], json!(format!("{BASE}/Schemas/{urn}")));
        assert_eq!(*schema, body(client.get(&format!("/Schemas/{urn}")).await));
    }
    for unknown in [
        "/Schemas/urn:x",
        "/ResourceTypes/Device",
        "/Devices",
        "/Users/a/b",
        "/",
    ] {
        assert_eq!(refusal(&client.get(unknown).await).0, 404, "{unknown}");
    }
    assert_eq!(client.get("/Schemas?filter=id eq \"x\"").await.status, 403);
}

/// SCIM-013: what is announced comes back as it was sent, for every attribute that a client may write.
#[tokio::test]
async fn what_is_announced_is_kept() {
    let client = Client::new().await;
    let schema = body(
        client
            .get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:User")
            .await,
    );
    let mut sent = json!({});
    for attribute in schema["attributes"].as_array().unwrap() {
        let name = attribute["name"].as_str().unwrap();
        let value = |attribute: &serde_json::Value| match attribute["type"].as_str().unwrap() {
            "boolean" => json!(true),
            _ => json!(
                format!("a {}", attribute["name"].as_str().unwrap())
                    .to_lowercase()
                    .replace(' ', "-")
            ),
        };
        let one = match attribute["subAttributes"].as_array() {
            Some(parts) => parts
                .iter()
                .map(|part| (part["name"].as_str().unwrap().to_owned(), value(part)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            None => value(attribute),
        };
        sent[name] = if attribute["multiValued"] == json!(true) {
            json!([one])
        } else {
            one
        };
    }
    let made = body(client.post("/Users", sent.clone()).await);
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(&made[name], value, "{name}");
    }
}

/// Other methods are answered 405 with those that are possible; what the RFC has and this has not, 501.
#[tokio::test]
async fn methods() {
    let client = Client::new().await;
    for (path, possible) in [
        ("/ServiceProviderConfig", "GET"),
        ("/Schemas", "GET"),
        ("/ResourceTypes/User", "GET"),
        ("/Users", "GET, POST"),
        ("/Users/x", "GET, PUT, PATCH, DELETE"),
        ("/Groups", "GET, POST"),
        ("/Groups/.search", "POST"),
        ("/.search", "POST"),
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"] {
            let answer = client.call(method, path, json!({})).await;
            let listed = possible.split(", ").any(|known| known == method);
            assert_eq!(answer.status != 405, listed, "{method} {path}");
            if answer.status == 405 {
                refusal(&answer);
                assert_eq!(answer.allow, Some(possible));
            }
        }
    }
    for path in ["/Me", "/Bulk"] {
        assert_eq!(refusal(&client.post(path, json!({})).await).0, 501, "{path}");
    }
}
