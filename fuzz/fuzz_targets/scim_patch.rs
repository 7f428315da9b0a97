//! Bodies of SCIM PATCH: refused, or a resource comes out that is a valid one, in which at most one address is the
//! preferred one. Applying the same twice never fails the second time in the reading of the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_auth::scim::{ResourceType, patched};
use serde_json::Value;

const USER: &[u8] = br#"{"userName":"jane","active":true,"name":{"formatted":"Jane Doe"},
    "emails":[{"value":"jane@example.com","type":"work","primary":true},{"value":"j@home","type":"home"}]}"#;
const GROUP: &[u8] = br#"{"displayName":"dev","members":[{"value":"u1"},{"value":"u2"}]}"#;

fuzz_target!(|body: &[u8]| {
    for (kind, resource) in [(ResourceType::User, USER), (ResourceType::Group, GROUP)] {
        match patched(kind, resource, body) {
            Ok(changed) => {
                let emails = changed.get("emails").and_then(Value::as_array);
                let primary = |email: &&Value| email["primary"] == Value::Bool(true);
                assert!(emails.into_iter().flatten().filter(primary).count() <= 1);
                // What comes out is what the service itself would take: an empty change leaves it as it is.
                let text = changed.to_string();
                let nothing = br#"{"Operations":[{"op":"add","value":{}}]}"#;
                assert_eq!(patched(kind, text.as_bytes(), nothing).as_ref(), Ok(&changed));
            }
            Err(error) => assert!(matches!(error.status, 400 | 413), "{error}"),
        }
    }
});
