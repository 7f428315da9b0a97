//! Lists and searches: which resources, in pages (RFC 7644, sections 3.4.2 and 3.4.3).
//!
//! Filters compare with `eq` only, joined by `and`, `or`, `not` and brackets (SCIM-004); sorting is asked for in vain,
//! as the RFC wants it of a service without it.

use serde_json::{Map, Value, json};

use super::error::{ScimError, ScimType};
use super::filter::{self, Filter, Operator, Scope};
use super::json;
use super::message::Request;
use super::project::Wanted;
use super::schema::Schema;

/// The schema of lists.
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The schema of searches.
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// Users in a page when none was asked for (SCIM-003).
pub const DEFAULT_USERS: usize = 200;
/// Groups in a page when none was asked for (SCIM-009).
pub const DEFAULT_GROUPS: usize = 10;
/// Most resources in a page, whatever was asked for (scim-12).
pub const MAX_PAGE: usize = 1000;

/// What is searched for.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    filter: Option<String>,
    /// Counted from 1.
    start: usize,
    count: Option<usize>,
    pub(super) wanted: Wanted,
}

impl Search {
    /// From the query of a list.
    pub(super) fn of_query(request: &Request<'_>) -> Result<Self, ScimError> {
        let number = |name| {
            let text = request.parameter(name)?.filter(|text| !text.is_empty());
            text.map(|text| text.trim().parse().map_err(|_| not_a_number(name)))
                .transpose()
        };
        Ok(Self {
            filter: filter_text(request.parameter("filter")?),
            start: first(number("startIndex")?),
            count: number("count")?.map(bounded),
            wanted: wanted_of(request)?,
        })
    }

    /// From the body of a search.
    pub(super) fn of_body(body: &Map<String, Value>) -> Result<Self, ScimError> {
        super::document::check_schemas(SEARCH, body)?;
        let number = |name| match json::member(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| not_a_number(name)),
        };
        let names = |name| match json::member(body, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(names)) => {
                let names = names.iter().map(|name| name.as_str().map(str::to_owned));
                names
                    .collect::<Option<Vec<_>>>()
                    .map(Some)
                    .ok_or_else(|| not_names(name))
            }
            Some(Value::String(text)) => Ok(Some(list(text))),
            Some(_) => Err(not_names(name)),
        };
        let filter = match json::member(body, "filter") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => filter_text(Some(text)),
            Some(_) => return Err(ScimError::bad(ScimType::InvalidFilter, "`filter` must be a text")),
        };
        Ok(Self {
            filter,
            start: first(number("startIndex")?),
            count: number("count")?.map(bounded),
            wanted: Wanted::new(names("attributes")?, names("excludedAttributes")?)?,
        })
    }

    /// The filter, read for one type of resources.
    ///
    /// # Errors
    ///
    /// 400 `invalidFilter`.
    pub(super) fn filter(&self, schema: &Schema) -> Result<Option<Filter>, ScimError> {
        let Some(text) = &self.filter else {
            return Ok(None);
        };
        let filter = filter::parse(text, Scope::Resource(schema))?;
        let mut only_equal = true;
        filter.operators(&mut |operator| only_equal &= operator == Some(Operator::Equal));
        if only_equal {
            Ok(Some(filter))
        } else {
            Err(ScimError::bad(
                ScimType::InvalidFilter,
                "lists are filtered with `eq` only, joined by and, or, not and brackets",
            ))
        }
    }

    /// The page of what was found. Only what is in the page is made into a resource.
    pub(super) fn page<T>(
        &self,
        found: impl Iterator<Item = T>,
        default: usize,
        mut resource: impl FnMut(T) -> Value,
    ) -> Value {
        let count = self.count.unwrap_or(default);
        let mut total = 0_usize;
        let mut resources = Vec::new();
        for item in found {
            total += 1;
            if total >= self.start && resources.len() < count {
                resources.push(resource(item));
            }
        }
        json!({
            "schemas": [LIST],
            "totalResults": total,
            "startIndex": self.start,
            "itemsPerPage": resources.len(),
            "Resources": resources,
        })
    }
}

/// `attributes` and `excludedAttributes` of a query.
pub(super) fn wanted_of(request: &Request<'_>) -> Result<Wanted, ScimError> {
    let names = |name| -> Result<_, ScimError> {
        Ok(request.parameter(name)?.filter(|text| !text.is_empty()).map(list))
    };
    Wanted::new(names("attributes")?, names("excludedAttributes")?)
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(|name| name.trim().to_owned()).collect()
}

fn filter_text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

/// Below 1 is 1 (RFC 7644, section 3.4.2.4).
fn first(start: Option<i64>) -> usize {
    usize::try_from(start.unwrap_or(1).max(1)).unwrap_or(usize::MAX)
}

/// Below 0 is 0 (same section).
fn bounded(count: i64) -> usize {
    usize::try_from(count.max(0)).unwrap_or(MAX_PAGE).min(MAX_PAGE)
}

fn not_a_number(name: &str) -> ScimError {
    ScimError::bad(ScimType::InvalidValue, format!("`{name}` must be a whole number"))
}

fn not_names(name: &str) -> ScimError {
    ScimError::bad(
        ScimType::InvalidValue,
        format!("`{name}` must be an array of names"),
    )
}
