//! Filters (RFC 7644, section 3.4.2.2): text to a tree that knows its attributes, and whether a document passes.
//!
//! ```text
//! filter = and *( "or" and )      and = term *( "and" term )
//! term   = "not" "(" filter ")" / "(" filter ")" / attribute "[" filter "]" / attribute "pr" / attribute op value
//! ```
//!
//! Length, depth and the number of conditions are bounded, so every text takes bounded time (scim-11). A filter is
//! only compared with documents; no part of it reaches the store.

use serde_json::{Map, Value};

use super::document;
use super::error::{ScimError, ScimType};
use super::lexer::{Lexer, Token};
use super::schema::{Attribute, Kind, Named, Schema};

/// Longest filter, in bytes.
pub(super) const MAX_FILTER_BYTES: usize = 8 * 1024;
/// Deepest nesting of brackets.
pub(super) const MAX_FILTER_DEPTH: usize = 64;
/// Most conditions.
const MAX_TERMS: usize = 256;

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Operator {
    fn of(word: &str) -> Option<Self> {
        const WORDS: [(&str, Operator); 9] = [
            ("eq", Operator::Equal),
            ("ne", Operator::NotEqual),
            ("co", Operator::Contains),
            ("sw", Operator::StartsWith),
            ("ew", Operator::EndsWith),
            ("gt", Operator::Greater),
            ("ge", Operator::GreaterOrEqual),
            ("lt", Operator::Less),
            ("le", Operator::LessOrEqual),
        ];
        WORDS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(word))
            .map(|(_, operator)| *operator)
    }
}

/// A condition on a resource, or on one value of a complex attribute.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Present(Named),
    Compare(Named, Operator, Value),
    /// Some value of the attribute passes.
    Values(&'static Attribute, Box<Filter>),
}

/// What the names in a filter mean.
#[derive(Clone, Copy)]
pub(super) enum Scope<'s> {
    /// Attributes of a resource.
    Resource(&'s Schema),
    /// Parts of one complex attribute.
    Parts(&'static Attribute),
}

impl Scope<'_> {
    fn named(self, text: &str) -> Result<Named, ScimError> {
        match self {
            Self::Resource(schema) => schema.named(text, ScimType::InvalidFilter),
            Self::Parts(attribute) => match attribute.part(text) {
                Some(part) => Ok(Named {
                    attribute: part,
                    part: None,
                }),
                None => Err(bad(format!(
                    "`{}` has no part `{}`",
                    attribute.name,
                    text.escape_debug()
                ))),
            },
        }
    }
}

fn bad(detail: impl Into<String>) -> ScimError {
    ScimError::bad(ScimType::InvalidFilter, detail)
}

/// Reads a whole filter.
///
/// # Errors
///
/// 400 `invalidFilter`, saying what is wrong.
pub(super) fn parse(text: &str, scope: Scope<'_>) -> Result<Filter, ScimError> {
    if text.len() > MAX_FILTER_BYTES {
        return Err(bad(format!(
            "the filter has {} bytes, at most {MAX_FILTER_BYTES} are taken",
            text.len()
        )));
    }
    let mut parser = Parser::new(text)?;
    let filter = parser.any(scope, 0)?;
    parser.end()?;
    Ok(filter)
}

/// Reads a filter up to a closing bracket, for paths of changes.
pub(super) struct Parser<'t> {
    lexer: Lexer<'t>,
    next: Option<Token>,
    terms: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, ScimError> {
        let mut lexer = Lexer::new(text);
        let next = lexer.next()?;
        Ok(Self {
            lexer,
            next,
            terms: 0,
        })
    }

    fn take(&mut self) -> Result<Option<Token>, ScimError> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn end(&self) -> Result<(), ScimError> {
        match &self.next {
            None => Ok(()),
            Some(token) => Err(bad(format!("the filter must end before {token}"))),
        }
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.next, Some(Token::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    /// Reads alternatives.
    fn any(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, ScimError> {
        let mut found = vec![self.all(scope, depth)?];
        while self.is_word("or") {
            self.take()?;
            found.push(self.all(scope, depth)?);
        }
        Ok(single(found).unwrap_or_else(Filter::Any))
    }

    fn all(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, ScimError> {
        let mut found = vec![self.term(scope, depth)?];
        while self.is_word("and") {
            self.take()?;
            found.push(self.term(scope, depth)?);
        }
        Ok(single(found).unwrap_or_else(Filter::All))
    }

    fn term(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, ScimError> {
        self.terms += 1;
        if self.terms > MAX_TERMS || depth > MAX_FILTER_DEPTH {
            return Err(bad(format!(
                "the filter is too large: at most {MAX_TERMS} conditions, {MAX_FILTER_DEPTH} levels deep"
            )));
        }
        match self.take()? {
            Some(Token::Open) => self.bracketed(scope, depth),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("not") && self.next == Some(Token::Open) => {
                self.take()?;
                Ok(Filter::Not(Box::new(self.bracketed(scope, depth)?)))
            }
            Some(Token::Word(name)) => self.condition(scope, &name, depth),
            Some(token) => Err(bad(format!("expected an attribute, found {token}"))),
            None => Err(bad("expected an attribute, but the filter ends")),
        }
    }

    fn bracketed(&mut self, scope: Scope<'_>, depth: usize) -> Result<Filter, ScimError> {
        let inner = self.any(scope, depth + 1)?;
        match self.take()? {
            Some(Token::Close) => Ok(inner),
            _ => Err(bad("a `(` is not closed")),
        }
    }

    fn condition(&mut self, scope: Scope<'_>, name: &str, depth: usize) -> Result<Filter, ScimError> {
        let named = scope.named(name)?;
        if self.next == Some(Token::OpenValue) {
            self.take()?;
            let filter = self.values(named, name, depth)?;
            return match self.take()? {
                Some(Token::CloseValue) => Ok(filter),
                _ => Err(bad("a `[` is not closed")),
            };
        }
        let Some(Token::Word(word)) = self.take()? else {
            return Err(bad(format!("`{name}` needs an operator, such as eq")));
        };
        if word.eq_ignore_ascii_case("pr") {
            return Ok(Filter::Present(named));
        }
        let operator =
            Operator::of(&word).ok_or_else(|| bad(format!("`{}` is no operator", word.escape_debug())))?;
        let value = match self.take()? {
            Some(Token::Text(text)) => Value::String(text),
            Some(Token::Number(number)) => Value::Number(number),
            Some(Token::Word(word)) if word == "true" => Value::Bool(true),
            Some(Token::Word(word)) if word == "false" => Value::Bool(false),
            Some(Token::Word(word)) if word == "null" => Value::Null,
            _ => {
                return Err(bad(format!(
                    "`{name}` needs a value behind its operator: a text in quotation marks, true, false or a number"
                )));
            }
        };
        comparison(named, operator, value, name)
    }

    /// Reads `…]` and what stands behind it, for paths of changes.
    pub(super) fn up_to_bracket(
        &mut self,
        attribute: &'static Attribute,
    ) -> Result<(Filter, &'t str), ScimError> {
        let filter = self.any(Scope::Parts(attribute), 1)?;
        match self.next {
            // The word was read ahead, so the rest begins behind it.
            Some(Token::CloseValue) => Ok((filter, self.lexer.rest())),
            _ => Err(bad("a `[` is not closed")),
        }
    }

    /// The condition between `[` and `]`.
    fn values(&mut self, named: Named, name: &str, depth: usize) -> Result<Filter, ScimError> {
        if named.part.is_some() || !named.attribute.is_complex() || !named.attribute.multi_valued {
            return Err(bad(format!("`{name}` has no values to choose from")));
        }
        let inner = self.any(Scope::Parts(named.attribute), depth + 1)?;
        Ok(Filter::Values(named.attribute, Box::new(inner)))
    }
}

fn single(mut filters: Vec<Filter>) -> Result<Filter, Vec<Filter>> {
    match filters.pop() {
        Some(only) if filters.is_empty() => Ok(only),
        last => {
            filters.extend(last);
            Err(filters)
        }
    }
}

/// A comparison that makes sense. A complex attribute is compared by its part `value` (RFC 7643, section 2.4).
fn comparison(named: Named, operator: Operator, value: Value, name: &str) -> Result<Filter, ScimError> {
    let target = named.part.unwrap_or(named.attribute);
    let named = match (target.is_complex(), target.part("value")) {
        (true, None) => return Err(bad(format!("`{name}` has parts, name one"))),
        (true, part) => Named {
            attribute: named.attribute,
            part,
        },
        (false, _) => named,
    };
    let target = named.part.unwrap_or(named.attribute);
    let fits = match (&value, target.kind) {
        (Value::Null, _) => matches!(operator, Operator::Equal | Operator::NotEqual),
        (Value::Bool(_), Kind::Flag) => matches!(operator, Operator::Equal | Operator::NotEqual),
        (Value::String(_), Kind::Text | Kind::Reference(_) | Kind::Moment) => true,
        // The same leniency as for values that are written.
        (Value::String(_), Kind::Flag) => matches!(operator, Operator::Equal | Operator::NotEqual),
        _ => false,
    };
    if !fits {
        return Err(bad(format!("`{name}` cannot be compared so")));
    }
    let value = match target.kind {
        Kind::Flag => document::read_one(target, &value).map_err(|error| bad(error.detail))?,
        _ => Some(value),
    };
    Ok(Filter::Compare(named, operator, value.unwrap_or(Value::Null)))
}

impl Filter {
    /// Whether a resource, or one value of an attribute, passes.
    pub(super) fn passes(&self, resource: &Map<String, Value>) -> bool {
        match self {
            Self::All(filters) => filters.iter().all(|filter| filter.passes(resource)),
            Self::Any(filters) => filters.iter().any(|filter| filter.passes(resource)),
            Self::Not(filter) => !filter.passes(resource),
            Self::Present(named) => values(*named, resource).next().is_some(),
            Self::Compare(named, operator, Value::Null) => {
                values(*named, resource).next().is_none() == (*operator == Operator::Equal)
            }
            // A resource without the attribute is unlike every value.
            Self::Compare(named, Operator::NotEqual, value) => {
                let target = named.part.unwrap_or(named.attribute);
                !values(*named, resource).any(|found| holds(target, Operator::Equal, found, value))
            }
            Self::Compare(named, operator, value) => {
                let target = named.part.unwrap_or(named.attribute);
                values(*named, resource).any(|found| holds(target, *operator, found, value))
            }
            Self::Values(attribute, filter) => items(resource.get(attribute.name))
                .any(|item| item.as_object().is_some_and(|item| filter.passes(item))),
        }
    }

    /// Every comparison, for whoever supports some only.
    pub(super) fn operators(&self, found: &mut impl FnMut(Option<Operator>)) {
        match self {
            Self::All(filters) | Self::Any(filters) => {
                filters.iter().for_each(|filter| filter.operators(found));
            }
            Self::Not(filter) | Self::Values(_, filter) => filter.operators(found),
            Self::Present(_) => found(None),
            Self::Compare(_, operator, _) => found(Some(*operator)),
        }
    }

    /// The text that a top-level attribute must equal for the whole to pass, if there is one.
    pub(super) fn demands(&self, name: &str) -> Option<&str> {
        match self {
            Self::Compare(named, Operator::Equal, Value::String(text))
                if named.part.is_none() && named.attribute.name == name =>
            {
                Some(text)
            }
            Self::All(filters) => filters.iter().find_map(|filter| filter.demands(name)),
            _ => None,
        }
    }

    /// The parts that a value must have for the whole to pass, when it says nothing else: `type eq "work"`.
    pub(super) fn as_value(&self) -> Option<Map<String, Value>> {
        let mut value = Map::new();
        let conditions = match self {
            Self::All(filters) => filters.as_slice(),
            one => std::slice::from_ref(one),
        };
        for condition in conditions {
            match condition {
                Self::Compare(named, Operator::Equal, wanted) if !wanted.is_null() => {
                    value.insert(named.attribute.name.to_owned(), wanted.clone());
                }
                _ => return None,
            }
        }
        Some(value)
    }
}

fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let many = value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let one = value.filter(|value| !value.is_array());
    many.iter().chain(one)
}

fn values(named: Named, resource: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    items(resource.get(named.attribute.name)).filter_map(move |item| match named.part {
        Some(part) => item.get(part.name),
        None => Some(item),
    })
}

fn holds(attribute: &Attribute, operator: Operator, found: &Value, wanted: &Value) -> bool {
    let (Value::String(found), Value::String(wanted)) = (found, wanted) else {
        return operator == Operator::Equal && found == wanted;
    };
    if operator == Operator::Equal {
        return attribute.same(found, wanted);
    }
    let plain = |text: &str| {
        if attribute.case_exact {
            text.to_owned()
        } else {
            super::schema::fold(text)
        }
    };
    let (found, wanted) = (plain(found), plain(wanted));
    match operator {
        Operator::Equal => found == wanted,
        Operator::NotEqual => found != wanted,
        Operator::Contains => found.contains(&wanted),
        Operator::StartsWith => found.starts_with(&wanted),
        Operator::EndsWith => found.ends_with(&wanted),
        Operator::Greater => found > wanted,
        Operator::GreaterOrEqual => found >= wanted,
        Operator::Less => found < wanted,
        Operator::LessOrEqual => found <= wanted,
    }
}
