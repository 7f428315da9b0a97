//! SAML responses (saml-01 to saml-36): edits of rightly signed documents, or anything at all. What is accepted must be
//! right by a second implementation, libxmlsec1 (the program `xmlsec1`), over an element that holds what was read.
#![no_main]

#[path = "../../mke-auth/tests/saml/mod.rs"]
#[allow(dead_code, unused_imports, unreachable_pub)]
mod fixture;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use fixture::{Fields, REQUEST, Signer, attributes, digested_elsewhere, judge_bytes, provider};
use libfuzzer_sys::fuzz_target;
use mke_auth::saml::IdentityProvider;

static PROVIDER: LazyLock<IdentityProvider> = LazyLock::new(|| provider(&["rsa"]));

static DOCUMENTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let (fields, signer) = (Fields::default(), Signer::default());
    let admin = Fields {
        attributes: attributes(&[("is-admin", &["1"])]),
        ..Fields::default()
    };
    vec![
        fields.signed_assertion(&signer),
        fields.signed_response(&signer),
        fields.signed_both(&signer),
        admin.signed_assertion(&Signer { prefix: "", ..Signer::default() }),
    ]
});

/// The first byte says which document, or none; then edits follow: two bytes of position, how many bytes go, how many
/// come, and those. A count of 255 copies a part of the document instead: two bytes of position, two of length.
fn document(data: &[u8]) -> Vec<u8> {
    let Some((which, mut edits)) = data.split_first() else {
        return Vec::new();
    };
    let Some(original) = DOCUMENTS.get(usize::from(*which % 8)) else {
        return edits.to_vec();
    };
    let mut text = original.clone().into_bytes();
    while let [high, low, gone, come, rest @ ..] = edits {
        let at = usize::from(u16::from_be_bytes([*high, *low])) % (text.len() + 1);
        let end = (at + usize::from(*gone)).min(text.len());
        let new = match (come, rest) {
            (255, [a, b, c, d, after @ ..]) => {
                edits = after;
                let from = usize::from(u16::from_be_bytes([*a, *b])) % (original.len() + 1);
                let to = (from + usize::from(u16::from_be_bytes([*c, *d]))).min(original.len());
                original.as_bytes()[from..to].to_vec()
            }
            _ => {
                let (new, after) = rest.split_at(usize::from(*come).min(rest.len()));
                edits = after;
                new.to_vec()
            }
        };
        text.splice(at..end, new);
        if text.len() > 300 * 1024 {
            break;
        }
    }
    text
}

/// Asking takes a process, a thousand times what accepting takes: the first documents are asked about, then each
/// sixteenth, by a hash, so that a finding stays one when it is run again.
fn is_asked_about(document: &[u8]) -> bool {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let mut hasher = DefaultHasher::new();
    document.hash(&mut hasher);
    hasher.finish() % 16 == 0 || ASKED.fetch_add(1, Ordering::Relaxed) < 50
}

fuzz_target!(|data: &[u8]| {
    let document = document(data);
    match judge_bytes(&PROVIDER, &document) {
        Err(_) => {}
        Ok(proven) => {
            assert_eq!(proven.name_id.value, "jane", "nobody else was ever signed for");
            assert_eq!(proven.in_response_to, REQUEST);
            if !is_asked_about(&document) {
                return;
            }
            let text = String::from_utf8(document).expect("only text is accepted");
            let digested = digested_elsewhere(&text, "rsa").expect("libxmlsec1 agrees with what is accepted");
            assert!(digested.contains(">jane</"), "what was read is in what was digested");
            assert_eq!(proven.person.is_admin, digested.contains("is-admin"));
        }
    }
});
