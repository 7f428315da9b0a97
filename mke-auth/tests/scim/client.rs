//! A client of the service in the same process.

use mke_auth::accounts::{Accounts, Provisioned};
use mke_auth::records::ScimPerson;
use mke_auth::scim::{MEDIA_TYPE, Method, Request, Response, Scim};
use serde_json::{Value, json};

use crate::support::{World, rng};

pub(crate) const BASE: &str = "https://mke.example.com/enzi/v0/scim/v2";

/// A cluster and the service on it.
pub(crate) struct Client {
    pub(crate) world: World,
    service: Scim,
}

/// Headers of a request that matter.
#[derive(Clone, Copy, Default)]
pub(crate) struct Headers<'h> {
    pub(crate) content_type: Option<&'h str>,
    pub(crate) content_encoding: Option<&'h str>,
    pub(crate) if_match: Option<&'h str>,
    pub(crate) if_none_match: Option<&'h str>,
}

impl Client {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let accounts: Accounts = world.accounts.clone();
        Self {
            world,
            service: Scim::new(accounts),
        }
    }

    /// Sends bytes with these headers to a path, which may have a query.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &[u8], headers: Headers<'_>) -> Response {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let path: Vec<String> = path.split('/').skip(1).map(str::to_owned).collect();
        let query: Vec<(String, String)> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let request = Request {
            method: Method::of(method),
            path: &path,
            query: &query,
            content_type: headers.content_type,
            content_encoding: headers.content_encoding,
            if_match: headers.if_match,
            if_none_match: headers.if_none_match,
            body,
            base: BASE,
        };
        let directory = self.world.directory().await;
        self.service.handle(&directory, &request, &mut rng()).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Response {
        let headers = Headers {
            content_type: Some(MEDIA_TYPE),
            ..Headers::default()
        };
        self.send(method, path, body.to_string().as_bytes(), headers)
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send("GET", path, b"", Headers::default()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Response {
        self.call("POST", path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Response {
        self.call("PUT", path, body).await
    }

    /// A PATCH with these operations.
    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Response {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.call("PATCH", path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, b"", Headers::default()).await
    }

    /// Makes a user and returns its id.
    pub(crate) async fn user(&self, name: &str) -> String {
        let made = self.post("/Users", user(name)).await;
        id(&made)
    }

    /// Makes many users without asking the service for each.
    pub(crate) async fn users(&self, names: impl Iterator<Item = String>) {
        for name in names {
            let new = Provisioned {
                name,
                full_name: String::new(),
                is_active: true,
                external_id: None,
                person: ScimPerson::default(),
            };
            self.world
                .accounts
                .create_provisioned(&new, &mut rng())
                .await
                .unwrap();
        }
    }

    /// Makes a group and returns its id.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let made = self.post("/Groups", group(name, members)).await;
        id(&made)
    }

    /// The members of a group, by what GET says.
    pub(crate) async fn members(&self, group: &str) -> Vec<String> {
        let shown = body(self.get(&format!("/Groups/{group}")).await);
        let members = shown["members"].as_array().cloned().unwrap_or_default();
        let mut ids: Vec<String> = members
            .iter()
            .map(|member| member["value"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    }
}

pub(crate) fn user(name: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "emails": [{ "value": format!("{name}@mail.example.com") }],
    })
}

pub(crate) fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name,
        "members": members,
    })
}

/// The body of a success.
pub(crate) fn body(response: Response) -> Value {
    assert!(response.status < 300, "{response:?}");
    response.body.unwrap()
}

pub(crate) fn id(response: &Response) -> String {
    assert_eq!(response.status, 201, "{response:?}");
    response.body.as_ref().unwrap()["id"].as_str().unwrap().to_owned()
}

/// Status and keyword of an error whose body says the same.
pub(crate) fn refusal(response: &Response) -> (u16, String) {
    let body = response.body.as_ref().unwrap();
    assert_eq!(
        body["schemas"],
        json!(["urn:ietf:params:scim:api:messages:2.0:Error"]),
        "{body}"
    );
    assert_eq!(body["status"], json!(response.status.to_string()));
    assert!(body["detail"].is_string());
    let keyword = body["scimType"].as_str().unwrap_or_default().to_owned();
    (response.status, keyword)
}
