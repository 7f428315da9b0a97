//! What users read of the engine's refusals: its text without places on the node (proxy-34), and nothing of what a
//! registry answered to the node, which may be any address that only the node reaches.

use http::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use mke_rbac::engine::EndpointId;

use crate::controller::body::{Body, empty, full};
use crate::controller::error::ApiError;
use crate::engine::client::{message_of, whole};

/// Largest refusal that is read, in bytes: many times what the engine writes.
const MAX_REFUSAL: usize = 64 * 1024;
/// What stands in the place of a path.
const PLACE: &str = "(a path on the node)";
/// What is said of every failure at a registry.
const REGISTRY: &str = "the registry refused the request, or could not be reached";
/// Where the engine and the system keep what is theirs. Other paths in its texts are mostly inside of containers.
const PLACES: [&str; 3] = ["/run", "/var/run", "/var/lib"];

/// Takes out of a refusal what a user is not told. The status stays.
///
/// # Errors
/// A refusal that breaks off or is larger than any real one.
pub(super) async fn for_user(
    endpoint: EndpointId,
    response: Response<Body>,
) -> Result<Response<Body>, ApiError> {
    let (mut head, body) = response.into_parts();
    let bytes = whole("the refusal", body, MAX_REFUSAL).await?;
    head.headers.remove(CONTENT_LENGTH);
    if bytes.is_empty() {
        return Ok(Response::from_parts(head, empty()));
    }
    let message = shown(endpoint, &message_of(&bytes));
    let body = serde_json::json!({ "message": message }).to_string();
    head.headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Response::from_parts(head, full(body)))
}

fn shown(endpoint: EndpointId, message: &str) -> String {
    match endpoint {
        EndpointId::Distribution | EndpointId::RegistryLogin => REGISTRY.to_owned(),
        _ => without_places(message),
    }
}

/// Masks absolute paths below [`PLACES`].
pub(super) fn without_places(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(at) = rest.find('/') {
        let (plain, path) = rest.split_at(at);
        shown.push_str(plain);
        before = plain.chars().next_back().or(before);
        if begins_place(path) && !before.is_some_and(is_name) {
            let end = path.find(ends_path).unwrap_or(path.len());
            shown.push_str(PLACE);
            rest = &path[end..];
            before = None;
        } else {
            shown.push('/');
            rest = &path[1..];
            before = Some('/');
        }
    }
    shown.push_str(rest);
    shown
}

fn begins_place(path: &str) -> bool {
    PLACES
        .iter()
        .filter_map(|place| path.strip_prefix(place))
        .any(|behind| !behind.starts_with(is_name))
}

/// Whether a character belongs to the name of a file: a path that goes on in front is another path.
fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-')
}

fn ends_path(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\' | ',' | ';' | ':' | ')' | ']' | '}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_proxy_34_places_on_the_node_are_masked() {
        for (text, expected) in [
            (
                "error while removing /var/lib/docker/volumes/x/_data: device busy",
                "error while removing (a path on the node): device busy",
            ),
            ("dial unix:///run/docker.sock", "dial unix://(a path on the node)"),
            ("\"/var/run\"", "\"(a path on the node)\""),
            ("open \\\"/var/lib/x\\\"", "open \\\"(a path on the node)\\\""),
            ("/var//run/x", "/var/(a path on the node)"),
            (
                "a:/run/x:ro and /run/y",
                "a:(a path on the node):ro and (a path on the node)",
            ),
            // Paths of containers and addresses stay.
            ("no such file: /etc/app.conf", "no such file: /etc/app.conf"),
            (
                "exec: \"/srv/run/app\": not found",
                "exec: \"/srv/run/app\": not found",
            ),
            (
                "/runner /var/library /var/lib64",
                "/runner /var/library /var/lib64",
            ),
            ("http://host/run/x", "http://host/run/x"),
            ("", ""),
        ] {
            assert_eq!(shown(EndpointId::ContainerStart, text), expected);
        }
    }

    #[test]
    fn what_registries_answer_is_not_told() {
        for endpoint in [EndpointId::Distribution, EndpointId::RegistryLogin] {
            let refused = shown(endpoint, "dial tcp 10.0.0.1:22: connection refused");
            let timed_out = shown(endpoint, "Get https://10.0.0.2/v2/: i/o timeout");
            assert_eq!(refused, timed_out);
            assert!(!refused.contains("10.0.0"), "{refused}");
        }
    }

    /// proxy-34: status and other headers stay, the length fits the new text, and answers without a body stay so.
    #[tokio::test]
    async fn a_refusal_keeps_its_status() {
        let refusal = |body: Body| {
            Response::builder()
                .status(500)
                .header(CONTENT_LENGTH, "999")
                .header("x-kept", "1")
                .body(body)
                .unwrap()
        };
        let body = full(r#"{"message":"open /run/x: denied"}"#);
        let told = for_user(EndpointId::ContainerStart, refusal(body)).await.unwrap();
        assert_eq!(
            (told.status().as_u16(), &told.headers()["x-kept"]),
            (500, &HeaderValue::from_static("1"))
        );
        assert!(!told.headers().contains_key(CONTENT_LENGTH));
        let text = whole("it", told.into_body(), MAX_REFUSAL).await.unwrap();
        assert_eq!(text, r#"{"message":"open (a path on the node): denied"}"#);
        let told = for_user(EndpointId::ContainerArchiveInfo, refusal(empty()))
            .await
            .unwrap();
        assert!(whole("it", told.into_body(), 0).await.unwrap().is_empty());
    }
}
