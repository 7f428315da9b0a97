//! Why an inquiry has no answer.

use crate::judge::JudgeError;
use crate::question::Unanswered;

/// Why an inquiry has no answer, whatever the policy says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InquiryError {
    /// A field is missing, unknown or of the wrong kind.
    #[error("`{field}`: {problem}")]
    Field {
        /// The path of the field.
        field: String,
        /// What is wrong with it, and what belongs there.
        problem: String,
    },
    /// The whole question has the wrong form.
    #[error("{0}")]
    Form(String),
    /// A name that stands for nothing.
    #[error("`{field}`: there is no {what} `{name}`")]
    Unknown {
        /// The field that holds it.
        field: &'static str,
        /// What it should be: `user`, `collection`, …
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The request that is asked about cannot be understood or judged, whoever makes it.
    #[error("the request has no verdict: {message}")]
    Request {
        /// The word for it in answers to scripts.
        code: String,
        /// What is wrong with it.
        message: String,
    },
}

impl InquiryError {
    /// A field that cannot stay as it is.
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// The same complaint about a field of the field `outer`.
    #[must_use]
    pub fn within(self, outer: &str) -> Self {
        match self {
            Self::Form(problem) => Self::field(outer, problem),
            Self::Field { field, problem } => Self::field(format!("{outer}.{field}"), problem),
            other => other,
        }
    }

    /// A name that stands for nothing.
    pub fn unknown(field: &'static str, what: &'static str, name: &str) -> Self {
        Self::Unknown {
            field,
            what,
            name: name.to_owned(),
        }
    }
}

impl From<Unanswered> for InquiryError {
    fn from(problem: Unanswered) -> Self {
        Self::Request {
            code: problem.code,
            message: problem.message,
        }
    }
}

impl From<JudgeError> for InquiryError {
    fn from(error: JudgeError) -> Self {
        Self::Request {
            code: error.code().to_owned(),
            message: error.to_string(),
        }
    }
}
