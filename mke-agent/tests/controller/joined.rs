//! A control plane joined to LDAP directory servers, and what tests ask of it.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::directory::{Directories, SECRET};
use crate::support::{Controller, until};

/// Where the settings of the directory are.
pub(crate) const SETTINGS: &str = "/enzi/v0/config/auth/ldap";

/// A controller whose logins ask the directory.
pub(crate) struct Joined {
    pub(crate) directories: Directories,
    pub(crate) controller: Controller,
    pub(crate) admin: Client,
}

impl Joined {
    pub(crate) async fn new(just_in_time: bool) -> Self {
        let directories = Directories::start();
        let controller = Controller::start().await;
        let admin = controller.admin().await;
        admin.put(SETTINGS, directories.settings(just_in_time)).await.ok();
        let joined = Self {
            directories,
            controller,
            admin,
        };
        joined.switch(json!({ "backend": "ldap" })).await.ok();
        joined
    }

    pub(crate) async fn switch(&self, body: Value) -> crate::support::client::Answer {
        self.admin.put("/enzi/v0/config/auth", body).await
    }

    /// Asks for a job and waits until it is over.
    pub(crate) async fn job(&self, options: Value) -> Value {
        let mut body = json!({ "action": "ldap-sync" });
        for (key, value) in options.as_object().unwrap() {
            body[key] = value.clone();
        }
        let made = self.admin.post("/enzi/v0/jobs/", body).await.created();
        self.ended(made["id"].as_str().unwrap()).await
    }

    pub(crate) async fn sync(&self) -> Value {
        let job = self.job(json!({})).await;
        assert_eq!(job["status"], "done", "{job}\n{}", self.log(&job).await);
        job
    }

    pub(crate) async fn ended(&self, id: &str) -> Value {
        let path = format!("/enzi/v0/jobs/{id}");
        until("a job ends", async || {
            let job = self.admin.get(&path).await.ok();
            (!["waiting", "running"].contains(&job["status"].as_str().unwrap())).then_some(job)
        })
        .await
    }

    pub(crate) async fn log(&self, job: &Value) -> String {
        let path = format!("/enzi/v0/jobs/{}/logs", job["id"].as_str().unwrap());
        self.admin.get(&path).await.text()
    }

    pub(crate) async fn try_login(&self, name: &str, password: &str) -> u16 {
        let body = json!({ "username": name, "password": password });
        let client = self.controller.anonymous();
        client.post("/auth/login", body).await.status
    }

    pub(crate) async fn login(&self, name: &str) -> Client {
        self.controller.login(name, SECRET).await
    }

    pub(crate) async fn account(&self, name: &str) -> Value {
        self.admin.get(&format!("/accounts/{name}")).await.ok()
    }

    pub(crate) async fn exists(&self, name: &str) -> bool {
        self.admin.get(&format!("/accounts/{name}")).await.status == 200
    }

    pub(crate) async fn team(&self, name: &str) -> String {
        self.admin
            .post("/accounts", json!({ "name": "ops", "isOrg": true }))
            .await;
        let team = self
            .admin
            .post("/accounts/ops/teams", json!({ "name": name }))
            .await;
        team.created();
        format!("/accounts/ops/teams/{name}")
    }

    pub(crate) async fn members(&self, team: &str) -> Vec<String> {
        let members = self.admin.get(&format!("{team}/members?limit=100")).await.ok();
        let members = members["members"].as_array().unwrap().clone();
        let mut names: Vec<String> = members
            .iter()
            .map(|member| member["member"]["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }
}
