//! The words of filters and of paths of changes.

use std::fmt;

use serde_json::Number;

use super::error::{ScimError, ScimType};

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name, an operator or `true`, as it is spelled.
    Word(String),
    /// A text in quotation marks, without them and with its escapes resolved.
    Text(String),
    Number(Number),
    Open,
    Close,
    OpenValue,
    CloseValue,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "`{}`", word.escape_debug()),
            Self::Text(_) => f.write_str("a text"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Open => f.write_str("`(`"),
            Self::Close => f.write_str("`)`"),
            Self::OpenValue => f.write_str("`[`"),
            Self::CloseValue => f.write_str("`]`"),
        }
    }
}

/// Takes a text apart.
#[derive(Clone)]
pub(super) struct Lexer<'t> {
    rest: &'t str,
}

fn bad(detail: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidFilter, detail)
}

/// What names consist of, with URNs before them.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '$' | '_' | '-' | '.' | ':')
}

impl<'t> Lexer<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// The next word, nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, ScimError> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        let sign = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '[' => Some(Token::OpenValue),
            ']' => Some(Token::CloseValue),
            _ => None,
        };
        if let Some(sign) = sign {
            self.rest = self.rest.get(1..).unwrap_or_default();
            return Ok(Some(sign));
        }
        if first == '"' {
            return self.text().map(Some);
        }
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return Err(bad(&format!("`{}` is not possible here", first.escape_debug())));
        }
        // Words end at a space or bracket, so that nothing hides behind a name.
        if rest.starts_with('"') {
            return Err(bad("a space is missing before a text"));
        }
        self.rest = rest;
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let number = serde_json::from_str(word).map_err(|_| bad("a number cannot be read"))?;
            return Ok(Some(Token::Number(number)));
        }
        Ok(Some(Token::Word(word.to_owned())))
    }

    /// A text: JSON's rules for escapes (RFC 7644, section 3.4.2.2).
    fn text(&mut self) -> Result<Token, ScimError> {
        let mut escaped = false;
        let inner = self.rest.get(1..).unwrap_or_default();
        let end = inner.char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let Some((end, _)) = end else {
            return Err(bad("a text has no closing quotation mark"));
        };
        let (quoted, rest) = self.rest.split_at(end + 2);
        if !rest.is_empty() && !rest.starts_with([' ', '\t', ')', ']']) {
            return Err(bad("a space is missing behind a text"));
        }
        let text =
            serde_json::from_str(quoted).map_err(|_| bad("a text has an escape that JSON does not know"))?;
        self.rest = rest;
        Ok(Token::Text(text))
    }

    /// What was not read yet.
    pub(super) const fn rest(&self) -> &'t str {
        self.rest
    }
}
