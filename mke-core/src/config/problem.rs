//! What is wrong with a file, for people and for programs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::read::ReadOptions;

/// One mistake: where, what was found, what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The file, where the caller named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line from 1; 0 when the problem is about the whole text.
    pub line: usize,
    /// Column from 1, in characters.
    pub column: usize,
    /// The key with its table, such as `auth.sessions.lifetime_minutes` or `registries[1].host_address`; in JSON a
    /// pointer such as `/userSearchConfigs/0/baseDN`. Empty when the text is no TOML or JSON at all.
    pub key: String,
    /// What is wrong and how to mend it.
    pub message: String,
    /// What was found. Stars for a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What is allowed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
    /// The known key that is most like an unknown one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), 0) => write!(f, "{file}: ")?,
            (Some(file), line) => write!(f, "{file}:{line}:{}: ", self.column)?,
            (None, 0) => {}
            (None, line) => write!(f, "line {line}, column {}: ", self.column)?,
        }
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a file, in the order of its lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(transparent)]
#[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("; "))]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// One problem about the text as a whole.
    pub(super) fn whole(message: String) -> Self {
        Self(vec![Problem {
            message,
            ..Problem::default()
        }])
    }

    /// Names the file that the options name, if they do.
    pub(super) fn in_file_of(self, options: &ReadOptions<'_>) -> Self {
        match options.file {
            Some(file) => self.in_file(file),
            None => self,
        }
    }

    /// Names the file in every problem.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        for problem in &mut self.0 {
            problem.file = Some(file.to_owned());
        }
        self
    }
}
