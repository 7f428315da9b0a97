//! `who-can`: everybody who passes a check, a call or a Kubernetes request, and through what.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Inquiry, InquiryError, Report, Scene, text};
use crate::decision::Subject;
use crate::question::{Ask, DecidedBy, Question, Verdict};

/// Who can do this? In JSON the question itself, without a user: `{"kind": "check", "operation": …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WhoCan {
    /// What is to be done: anything that is allowed or denied.
    pub ask: Ask,
}

/// Everybody who can.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoCanReport {
    /// Users by name.
    pub users: Vec<Holder>,
    /// Whether requests without credentials can.
    pub anonymous: bool,
}

/// Somebody who can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The name.
    pub name: String,
    /// Through which grants; [`DecidedBy::ADMIN`] for administrators.
    pub through: Vec<DecidedBy>,
}

impl Inquiry for WhoCan {
    const NAME: &'static str = "who-can";
    type Report = WhoCanReport;

    fn ask(&self, scene: &Scene<'_>) -> Result<WhoCanReport, InquiryError> {
        let question = Question {
            user: None,
            ask: self.ask.clone(),
        };
        let mut users = Vec::new();
        for user in scene.policy.users() {
            let subject = Subject::Account(user.id.clone());
            let answer = scene.policy.answer(&subject, &question, scene.inventory);
            if answer.decision == Verdict::Allow {
                users.push(Holder {
                    name: user.name.clone(),
                    through: answer.decided_by.unwrap_or_default(),
                });
            }
        }
        users.sort_by(|one, other| one.name.cmp(&other.name));
        let answer = scene
            .policy
            .answer(&Subject::Anonymous, &question, scene.inventory);
        Ok(WhoCanReport {
            users,
            anonymous: answer.decision == Verdict::Allow,
        })
    }
}

impl Report for WhoCanReport {
    fn is_no(&self) -> bool {
        self.users.is_empty() && !self.anonymous
    }
}

impl fmt::Display for WhoCanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_no() {
            return f.write_str("nobody");
        }
        let mut rows = Vec::new();
        for holder in &self.users {
            for through in &holder.through {
                rows.push([holder.name.clone(), through.to_string()]);
            }
        }
        text::table(f, ["USER", "THROUGH"], &rows)
    }
}
