//! Questions about the whole policy over HTTP, with the examples of their document.

use serde_json::{Value, json};

use crate::support::Controller;

/// The document of the API, with references in the place of what they refer to.
struct Document(Value);

impl Document {
    fn read() -> Self {
        let text = include_str!("../../../docs/api/authz.yaml");
        Self(serde_yaml_ng::from_str(text).unwrap())
    }

    fn resolved<'d>(&'d self, value: &'d Value) -> &'d Value {
        match value["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => value,
        }
    }

    fn endpoints(&self) -> impl Iterator<Item = (&str, &Value)> {
        let paths = self.0["paths"].as_object().unwrap();
        paths
            .iter()
            .map(|(path, methods)| (path.as_str(), &methods["post"]))
    }

    fn examples(&self, endpoint: &Value) -> Vec<Value> {
        let body = self.resolved(&endpoint["requestBody"]);
        let examples = body["content"]["application/json"]["examples"]
            .as_object()
            .unwrap();
        examples
            .values()
            .map(|example| example["value"].clone())
            .collect()
    }

    /// The fields that every answer has, and one answer as it is written down.
    fn answer(&self, endpoint: &Value) -> (Vec<String>, Value) {
        let answer = &endpoint["responses"]["200"]["content"]["application/json"];
        let schema = self.resolved(&answer["schema"]);
        let required = schema["required"].as_array().into_iter().flatten();
        let required = required.map(|name| name.as_str().unwrap().to_owned()).collect();
        (required, answer["example"].clone())
    }
}

/// RBAC-029, API-001: every example of the document is understood, and answered with the fields that it promises.
#[tokio::test]
async fn the_document_tells_the_truth() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    controller.user(&admin, "jane").await;
    let document = Document::read();
    for (path, endpoint) in document.endpoints() {
        let examples = document.examples(endpoint);
        assert!(!examples.is_empty(), "{path} has an example");
        let (required, example) = document.answer(endpoint);
        for body in examples {
            let answer = admin.post(path, body.clone()).await;
            assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text());
            let answer = answer.json();
            for field in &required {
                assert!(
                    answer.get(field).is_some(),
                    "{path} {body}: no {field} in {answer}"
                );
                assert!(
                    example.is_null() || example.get(field).is_some(),
                    "{path}: no {field} in the example"
                );
            }
        }
    }
}

/// rbac-12, RBAC-002: reports name users and grants, so they are for administrators; a question about oneself is for everybody.
#[tokio::test]
async fn sec_rbac_12_reports_are_for_administrators() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let document = Document::read();
    for (path, endpoint) in document.endpoints() {
        for body in document.examples(endpoint) {
            let nobody = controller.anonymous().post(path, body.clone()).await;
            assert_eq!(nobody.status, 401, "{path} {body}");
            let about_others = body["user"].is_string() || body["kind"] == "k8s";
            let open = path.ends_with("/can-i") && !about_others;
            let answer = jane.client.post(path, body.clone()).await;
            assert_eq!(answer.status, if open { 200 } else { 403 }, "{path} {body}");
            if !open {
                let text = answer.text();
                assert!(
                    !text.contains("admin\"") && !text.contains("fullcontrol"),
                    "{path}: {text}"
                );
            }
        }
    }
    // An administrator without the right any more.
    admin
        .patch("/accounts/jane", json!({ "isAdmin": true }))
        .await
        .ok();
    let question = json!({ "kind": "check", "operation": "Service View", "collection": "/" });
    assert_eq!(
        jane.client
            .post("/api/ucp/authz/who-can", question.clone())
            .await
            .status,
        200
    );
    admin
        .patch("/accounts/jane", json!({ "isAdmin": false }))
        .await
        .ok();
    assert_eq!(
        jane.client.post("/api/ucp/authz/who-can", question).await.status,
        403
    );
}

/// API-001: what is no question is refused with the name of the field, and what is too large before it is read.
#[tokio::test]
async fn malformed_questions_are_refused() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let check = |field: &str, value: Value| {
        let mut body = json!({ "kind": "check", "operation": "Service View", "collection": "/" });
        body[field] = value;
        body
    };
    for (name, body, field) in [
        ("can-i", check("collection", json!(1)), "collection"),
        ("can-i", check("operation", json!("Fly")), "operation"),
        ("can-i", check("surprise", json!(1)), "surprise"),
        (
            "can-i",
            check("inventory", json!({ "nodes": [] })),
            "inventory.nodes",
        ),
        ("who-can", check("collection", json!("/nowhere")), "collection"),
        (
            "who-can",
            check("modifiers", json!(["Privileged", "Flying"])),
            "modifiers[1]",
        ),
        (
            "who-can",
            check(
                "inventory",
                json!({ "resources": [{ "type": "service", "name": 1 }] }),
            ),
            "inventory.resources[0].name",
        ),
        ("who-can", json!({ "kind": "list", "type": "service" }), "kind"),
        ("explain", check("user", json!("nobody")), "user"),
        ("explain", json!({ "kind": "check" }), "operation"),
        ("explain", json!({}), "kind"),
        ("access", json!({}), "collection"),
        (
            "access",
            json!({ "collection": "/", "namespace": "x" }),
            "collection",
        ),
        ("access", json!({ "collection": "/", "rows": "nodes" }), "rows"),
        ("access", json!({ "collection": "/", "extra": 1 }), "extra"),
    ] {
        let answer = admin.post(&format!("/api/ucp/authz/{name}"), body.clone()).await;
        assert_eq!(answer.status, 400, "{name} {body}: {}", answer.text());
        assert!(answer.text().contains(field), "{name} {body}: {}", answer.text());
    }
    let document = Document::read();
    for (path, _) in document.endpoints() {
        for text in ["", "null", "[]", "{", "\"x\"", "{\"kind\":"] {
            let request = admin.request("POST", path).body(text);
            let answer = admin.send(request).await;
            assert_eq!(answer.status, 400, "{path} {text:?}: {}", answer.text());
        }
        let huge = format!("{{\"kind\":\"{}\"}}", "x".repeat(17 << 20));
        // The server may answer and close before the whole body is sent.
        let request = admin.request("POST", path).body(huge);
        if let Ok(answer) = admin.try_send(request).await {
            assert_eq!(answer.status, 413, "{path}");
        }
        assert_eq!(admin.get(path).await.status, 405, "{path}");
    }
}

/// RBAC-019: what is asked over HTTP is the policy in force, and the picture comes as an image to who asks for one.
#[tokio::test]
async fn reports_follow_the_policy() {
    let controller = Controller::start().await;
    let admin = controller.admin().await;
    let jane = controller.user(&admin, "jane").await;
    let who = json!({ "kind": "check", "operation": "Service View", "collection": "/Shared" });
    let users = async || {
        let report = admin.post("/api/ucp/authz/who-can", who.clone()).await.ok();
        let users = report["users"].as_array().unwrap().clone();
        users
            .iter()
            .map(|user| user["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(users().await, ["admin"]);
    let grant = format!("/collectionGrants/{}/shared/viewonly?type=collection", jane.id);
    assert_eq!(admin.send(admin.request("PUT", &grant)).await.status, 201);
    assert_eq!(users().await, ["admin", "jane"]);

    let question =
        json!({ "user": "jane", "kind": "check", "operation": "Service View", "collection": "/Shared" });
    let explained = admin.post("/api/ucp/authz/explain", question.clone()).await.ok();
    assert_eq!(explained["decision"], "allow");
    assert_eq!(
        explained["checks"][0]["through"][0]["grant"]["subject"],
        "user:jane"
    );
    assert!(explained["proof"]["swarm"].is_object(), "{explained}");

    let request = admin
        .request("POST", "/api/ucp/authz/access")
        .header("accept", "image/svg+xml");
    let image = admin
        .send(request.json(&json!({ "collection": "/Shared" })))
        .await;
    assert_eq!(
        (image.status, image.header("content-type")),
        (200, "image/svg+xml")
    );
    assert!(image.text().starts_with("<svg ") && image.text().contains("jane"));

    assert_eq!(admin.send(admin.request("DELETE", &grant)).await.status, 204);
    assert_eq!(users().await, ["admin"]);
    let explained = admin.post("/api/ucp/authz/explain", question).await.ok();
    assert_eq!(explained["decision"], "deny");
    assert_eq!(explained["allowed_by"][0]["collection"], "/Shared");
}
