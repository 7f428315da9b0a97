//! Paths of changes (RFC 7644, section 3.5.2): `attribute`, `attribute.part`, `attribute[filter]` and
//! `attribute[filter].part`.

use super::error::{ScimError, ScimType};
use super::filter::{Filter, MAX_FILTER_BYTES, Parser};
use super::schema::{Attribute, Mutability, Schema};

/// What a change is about.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    pub(super) attribute: &'static Attribute,
    /// Which values of it; all without a filter.
    pub(super) filter: Option<Filter>,
    pub(super) part: Option<&'static Attribute>,
}

/// Reads a path.
///
/// # Errors
///
/// 400 `invalidPath` for what cannot be read and attributes that do not exist, `invalidFilter` for a bad filter,
/// `mutability` for attributes that only this side writes.
pub(super) fn parse(schema: &Schema, text: &str) -> Result<Path, ScimError> {
    let bad = |detail: String| ScimError::bad(ScimType::InvalidPath, detail);
    if text.len() > MAX_FILTER_BYTES {
        return Err(bad(format!("the path has more than {MAX_FILTER_BYTES} bytes")));
    }
    let text = text.trim();
    let path = match text.split_once('[') {
        None => {
            let named = schema.named(text, ScimType::InvalidPath)?;
            Path {
                attribute: named.attribute,
                filter: None,
                part: named.part,
            }
        }
        Some((name, behind)) => {
            let named = schema.named(name, ScimType::InvalidPath)?;
            if named.part.is_some() || !named.attribute.multi_valued || !named.attribute.is_complex() {
                return Err(bad(format!("`{name}` has no values to choose from")));
            }
            let (filter, rest) = Parser::new(behind)?.up_to_bracket(named.attribute)?;
            let part = match (rest, rest.strip_prefix('.')) {
                ("", _) => None,
                (_, Some(part)) => Some(
                    named
                        .attribute
                        .part(part)
                        .ok_or_else(|| bad(format!("`{name}` has no part `{}`", part.escape_debug())))?,
                ),
                _ => return Err(bad("the path must end behind `]`".to_owned())),
            };
            Path {
                attribute: named.attribute,
                filter: Some(filter),
                part,
            }
        }
    };
    if path.attribute.mutability == Mutability::ReadOnly {
        return Err(ScimError::bad(
            ScimType::Mutability,
            format!("`{}` cannot be changed", path.attribute.name),
        ));
    }
    Ok(path)
}
