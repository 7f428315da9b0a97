//! What this service can do, in the words of RFC 7643, sections 5 to 7. Made from the tables by which everything
//! else works, so that nothing is announced that is not there.

use serde_json::{Value, json};

use super::error::ScimError;
use super::message::{MAX_BODY, Request, Response};
use super::schema::{Attribute, GROUPS, Kind, Mutability, Schema, USERS};
use super::search::{DEFAULT_USERS, MAX_PAGE};

const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// `/ServiceProviderConfig`
pub(super) fn configuration(request: &Request<'_>) -> Result<Response, ScimError> {
    no_filter(request)?;
    let not_supported = json!({ "supported": false });
    Ok(Response::json(
        200,
        json!({
            "schemas": [CONFIG],
            "patch": { "supported": true },
            "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": MAX_BODY },
            "filter": { "supported": true, "maxResults": MAX_PAGE },
            "changePassword": not_supported,
            "sort": not_supported,
            "etag": { "supported": true },
            "pagination": {
                "cursor": false,
                "index": true,
                "defaultPaginationMethod": "index",
                "defaultPageSize": DEFAULT_USERS,
                "maxPageSize": MAX_PAGE,
            },
            "authenticationSchemes": [{
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "The SCIM token, which an administrator makes",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": true,
            }],
            "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": format!("{}/ServiceProviderConfig", request.base),
            },
        }),
    ))
}

/// `/ResourceTypes`, or one of them.
pub(super) fn resource_types(request: &Request<'_>, name: Option<&str>) -> Result<Response, ScimError> {
    some_or_all(request, name, "ResourceType", |schema| {
        let value = json!({
            "schemas": [RESOURCE_TYPE],
            "id": schema.name,
            "name": schema.name,
            "endpoint": format!("/{}", schema.plural),
            "description": schema.description,
            "schema": schema.urn,
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{}/ResourceTypes/{}", request.base, schema.name),
            },
        });
        (schema.name, value)
    })
}

/// `/Schemas`, or one of them.
pub(super) fn schemas(request: &Request<'_>, urn: Option<&str>) -> Result<Response, ScimError> {
    some_or_all(request, urn, "Schema", |schema| {
        let value = json!({
            "schemas": [SCHEMA],
            "id": schema.urn,
            "name": schema.name,
            "description": schema.description,
            "attributes": schema.attributes.iter().map(described).collect::<Vec<_>>(),
            "meta": {
                "resourceType": "Schema",
                "location": format!("{}/Schemas/{}", request.base, schema.urn),
            },
        });
        (schema.urn, value)
    })
}

fn some_or_all(
    request: &Request<'_>,
    name: Option<&str>,
    what: &str,
    describe: impl Fn(&'static Schema) -> (&'static str, Value),
) -> Result<Response, ScimError> {
    no_filter(request)?;
    let mut all = [&USERS, &GROUPS].into_iter().map(describe);
    let body = match name {
        Some(name) => all
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .ok_or_else(|| ScimError::not_found(what, name))?,
        None => {
            let all: Vec<Value> = all.map(|(_, value)| value).collect();
            json!({
                "schemas": [LIST],
                "totalResults": all.len(),
                "startIndex": 1,
                "itemsPerPage": all.len(),
                "Resources": all,
            })
        }
    };
    Ok(Response::json(200, body))
}

/// These documents cannot be filtered (RFC 7644, section 4).
fn no_filter(request: &Request<'_>) -> Result<(), ScimError> {
    match request.parameter("filter")? {
        None => Ok(()),
        Some(_) => Err(ScimError::new(403, "this cannot be filtered")),
    }
}

fn described(attribute: &Attribute) -> Value {
    let mut value = json!({
        "name": attribute.name,
        "type": match attribute.kind {
            Kind::Text => "string",
            Kind::Flag => "boolean",
            Kind::Moment => "dateTime",
            Kind::Reference(_) => "reference",
            Kind::Complex(_) => "complex",
        },
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
        "mutability": match attribute.mutability {
            Mutability::ReadOnly => "readOnly",
            Mutability::ReadWrite => "readWrite",
            Mutability::Immutable => "immutable",
        },
        "returned": "default",
        "uniqueness": if attribute.unique { "server" } else { "none" },
    });
    match attribute.kind {
        Kind::Complex(parts) => {
            value["subAttributes"] = parts.iter().map(described).collect();
        }
        Kind::Reference(types) => {
            value["referenceTypes"] = json!(types);
            value["caseExact"] = attribute.case_exact.into();
        }
        Kind::Text => value["caseExact"] = attribute.case_exact.into(),
        Kind::Flag | Kind::Moment => {}
    }
    if !attribute.canonical.is_empty() {
        value["canonicalValues"] = json!(attribute.canonical);
    }
    value
}
