//! How a request is named on the command line: an operation in a collection, a call of the Engine API, or a
//! Kubernetes request. One way for every command that asks about one.

use std::path::PathBuf;

use mke_rbac::operation::{Modifier, Operation};
use mke_rbac::question::{ApiQuestion, Ask, CheckQuestion, KubernetesQuestion, Question};
use serde_json::Value;

use super::authz;
use crate::error::CliError;

/// What is to be done.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The request")]
pub(crate) struct RequestArgs {
    /// An operation ("Service Create"), or verb and resource of Kubernetes (get pods, get pods/NAME, get
    /// deployments.apps, get /healthz).
    #[arg(value_name = "WHAT", num_args = 1.., conflicts_with_all = ["api", "question"])]
    what: Vec<String>,
    /// The collection in which the operation is used, `/` by default.
    #[arg(long, value_name = "PATH")]
    pub(super) collection: Option<String>,
    /// A modifier that the use needs, such as Privileged; repeatable.
    #[arg(long, value_parser = modifier)]
    modifier: Vec<Modifier>,
    /// A call of the Engine API: "METHOD PATH".
    #[arg(long, value_name = "CALL", conflicts_with_all = ["question", "modifier"])]
    api: Option<String>,
    /// The JSON body of the call, `-` for standard input.
    #[arg(long, value_name = "FILE", requires = "api")]
    body: Option<PathBuf>,
    /// The Kubernetes namespace; without it the request is about the cluster or all namespaces.
    #[arg(short, long, value_name = "NAME")]
    pub(super) namespace: Option<String>,
    /// A subresource, such as log.
    #[arg(long, value_name = "NAME")]
    subresource: Option<String>,
    /// The user of a Kubernetes request, as Kubernetes sees it: an account id, any name, or
    /// system:serviceaccount:NAMESPACE:NAME.
    #[arg(long = "as", value_name = "NAME")]
    pub(super) as_user: Option<String>,
    /// A group that this user is in; repeatable.
    #[arg(long, value_name = "GROUP")]
    pub(super) as_group: Vec<String>,
    /// A whole question as a JSON file, `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "api")]
    question: Option<PathBuf>,
}

impl RequestArgs {
    /// The request of this account. That of a Kubernetes request may be named by `--as` instead.
    pub(super) fn question(&self, account: Option<&str>) -> Result<Question, CliError> {
        let account = account.map(ToOwned::to_owned);
        let mut question = match &self.question {
            Some(path) => serde_json::from_str(&authz::read(path)?)
                .map_err(|error| CliError::Usage(format!("{} is no question: {error}", path.display())))?,
            None => Question {
                user: None,
                ask: self.ask()?,
            },
        };
        match &mut question.ask {
            Ask::K8s(ask) => {
                if account.is_some() {
                    ask.account = account;
                }
                if self.as_user.is_some() {
                    question.user.clone_from(&self.as_user);
                }
            }
            _ if self.as_user.is_some() => {
                return Err(CliError::Usage(
                    "--as names a user of Kubernetes; name an account by --user".to_owned(),
                ));
            }
            _ if account.is_some() => question.user = account,
            _ => {}
        }
        Ok(question)
    }

    /// Whether the arguments name a request at all.
    pub(super) fn is_empty(&self) -> bool {
        self.what.is_empty() && self.api.is_none() && self.question.is_none()
    }

    /// The request that the arguments describe.
    fn ask(&self) -> Result<Ask, CliError> {
        if let Some(call) = &self.api {
            return self.call(call);
        }
        if self.what.is_empty() {
            return Err(CliError::Usage(
                "say what is to be done: an operation, a Kubernetes verb with its resource, or --api"
                    .to_owned(),
            ));
        }
        let text = self.what.join(" ");
        if let Some(operation) = Operation::from_name(&text) {
            return self.check(operation);
        }
        match &self.what[..] {
            [verb, resource] if verb.chars().all(|c| !c.is_uppercase()) => self.kubernetes(verb, resource),
            _ => Err(CliError::Usage(format!(
                "`{text}` is neither an operation (`ucp role show fullcontrol` lists all) nor a Kubernetes verb with its resource"
            ))),
        }
    }

    fn check(&self, operation: Operation) -> Result<Ask, CliError> {
        if self.namespace.is_some() || self.subresource.is_some() || !self.as_group.is_empty() {
            return Err(CliError::Usage(format!(
                "`{operation}` is no Kubernetes request: --namespace, --subresource and --as-group do not go with it"
            )));
        }
        Ok(Ask::Check(CheckQuestion {
            operation,
            modifiers: self.modifier.clone(),
            collection: self.collection.clone().unwrap_or_else(|| "/".to_owned()),
        }))
    }

    fn call(&self, call: &str) -> Result<Ask, CliError> {
        let (method, path) = call.split_once(' ').ok_or_else(|| {
            CliError::Usage(format!(
                "`{call}` is no call, write \"METHOD PATH\", such as \"GET /services\""
            ))
        })?;
        let body = match &self.body {
            // As it is, so that it is judged as the proxy would judge it.
            Some(path) => Value::String(authz::read(path)?),
            None => Value::Null,
        };
        Ok(Ask::Api(ApiQuestion {
            method: method.to_owned(),
            path: path.trim().to_owned(),
            resource: None,
            other: None,
            modifiers: Vec::new(),
            body: Some(body),
        }))
    }

    fn kubernetes(&self, verb: &str, resource: &str) -> Result<Ask, CliError> {
        if !self.modifier.is_empty() {
            return Err(CliError::Usage(
                "--modifier does not go with a Kubernetes request".to_owned(),
            ));
        }
        let mut question = KubernetesQuestion {
            account: None,
            groups: self.as_group.clone(),
            verb: verb.to_owned(),
            group: String::new(),
            resource: None,
            subresource: self.subresource.clone(),
            name: None,
            namespace: self.namespace.clone(),
            path: None,
        };
        if resource.starts_with('/') {
            if self.namespace.is_some() || self.subresource.is_some() {
                return Err(CliError::Usage(
                    "a URL has neither namespace nor subresource".to_owned(),
                ));
            }
            question.path = Some(resource.to_owned());
            return Ok(Ask::K8s(question));
        }
        let (resource, name) = match resource.split_once('/') {
            Some((resource, name)) => (resource, Some(name)),
            None => (resource, None),
        };
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        question.resource = Some(resource.to_owned());
        question.group = group.to_owned();
        question.name = name.map(ToOwned::to_owned);
        Ok(Ask::K8s(question))
    }
}

pub(super) fn modifier(text: &str) -> Result<Modifier, String> {
    Modifier::from_name(text).ok_or_else(|| {
        let names: Vec<_> = Modifier::ALL.iter().map(|modifier| modifier.name()).collect();
        format!("no such modifier, use one of {}", names.join(", "))
    })
}
