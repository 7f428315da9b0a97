//! SCIM filters: refused with a keyword, or read; then the same in any case, and every filter is either passed by a
//! resource or, negated, is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mke_auth::scim::{ResourceType, ScimType, matches};

const USER: &[u8] = br#"{"userName":"jane","externalId":"7","active":true,"displayName":"Jane",
    "name":{"formatted":"Jane Doe","familyName":"Doe"},
    "emails":[{"value":"jane@example.com","type":"work","primary":true},{"value":"j@home","type":"home"}]}"#;

fuzz_target!(|text: &str| {
    match matches(ResourceType::User, text, USER) {
        Ok(passes) => {
            // One level deeper may be one too deep.
            if let Ok(negated) = matches(ResourceType::User, &format!("not ({text})"), USER) {
                assert_ne!(passes, negated, "{text}");
            }
        }
        Err(error) => {
            assert_eq!(error.status, 400);
            assert_eq!(error.scim_type, Some(ScimType::InvalidFilter), "{error}");
        }
    }
});
