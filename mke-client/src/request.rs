//! What a request consists of.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use crate::error::ClientError;

/// What is sent along.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Body {
    /// Nothing.
    #[default]
    Nothing,
    /// A JSON document.
    Json(Value),
    /// Bytes of this media type; no type when it is empty.
    Bytes {
        /// Such as `application/toml`.
        content_type: String,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, from the first `/`; escaped, see [`escape`].
    pub path: String,
    /// What is sent along.
    pub body: Body,
    /// The entity tag that the object must have for the change to be made.
    pub if_match: Option<String>,
    /// The media type that is wanted.
    pub accept: Option<String>,
    /// Whether it changes nothing, so that it may be sent twice. True for GET and HEAD without being said.
    pub reads_only: bool,
    /// How long it may take as a whole, other than the client's usual time.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A request without a body.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            body: Body::Nothing,
            if_match: None,
            accept: None,
            reads_only: false,
            timeout: None,
        }
    }

    /// Asks for an object.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// The same with a JSON document.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// The same with a text of no particular type.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.body = Body::Bytes {
            content_type: String::new(),
            bytes: text.into().into_bytes(),
        };
        self
    }

    /// Whether it may be sent twice.
    pub(crate) fn is_safe(&self) -> bool {
        self.reads_only || matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Refuses a path that would put the credential into another server's hands: the base and the path are joined as texts, and
    /// `@other.example` after a host is a host of its own. Refuses `.` and `..` as well, which URLs resolve: somebody called `..`
    /// must not turn "remove this member" into "remove this organization".
    pub(crate) fn check(&self) -> Result<(), ClientError> {
        let fine = self.path.starts_with('/')
            && !self.path.starts_with("//")
            && !climbs(&self.path)
            && !self
                .path
                .contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\' || c == '#');
        if fine {
            Ok(())
        } else {
            Err(ClientError::Path {
                path: self.path.escape_debug().to_string(),
            })
        }
    }
}

/// Whether an element of the path means "here" or "above", also when its dots are escaped.
fn climbs(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    path.split('/').any(|element| {
        let element = element.to_ascii_lowercase().replace("%2e", ".");
        element == "." || element == ".."
    })
}

/// Percent-escapes one path element or query value.
pub fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_elements_are_escaped() {
        assert_eq!(escape("a/b c:ü"), "a%2Fb%20c%3A%C3%BC");
    }

    /// ux-03: no path leads the credential to another server.
    #[test]
    fn paths_stay_on_the_server() {
        for path in [
            "/",
            "/accounts/jane?limit=1&start=",
            "/a%40b",
            "/a:b@c",
            "/a..b/...?x=/../",
        ] {
            assert!(Request::get(path).check().is_ok(), "{path}");
        }
        for path in [
            "",
            "accounts",
            "@evil.example/",
            ":1@evil/",
            ".evil.example/",
            "//evil",
            "/a b",
            "/a\nb",
            "/\\x",
            "/a#b",
            "/accounts/bank/members/..",
            "/a/%2E%2e/b",
            "/./a",
        ] {
            assert!(Request::get(path).check().is_err(), "{path:?}");
        }
    }
}
