//! What somebody types as a code of a second factor, and names that go into addresses for authenticator apps: a code is six
//! digits and nothing else, a recovery code is one of those that were made, and an address keeps its parts apart.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use mke_auth::records::TokenHash;
use mke_auth::second_factor::otpauth::{Picture, uri};
use mke_auth::second_factor::recovery;
use mke_auth::second_factor::totp::{Code, Seed};
use mke_core::secret::Secret;
use mke_core::time::Timestamp;

/// Codes that somebody has, by the letters alone.
static OWN: LazyLock<Vec<TokenHash>> = LazyLock::new(|| {
    ["abcdefghijklmnopqrstuvwxyz", "22222222222222222222222222"]
        .map(|code| TokenHash::of(code.as_bytes()))
        .to_vec()
});

fuzz_target!(|input: (&str, &str, i64)| {
    let (typed, name, seconds) = input;
    let digits = typed.chars().count() == 6 && typed.chars().all(|c| c.is_ascii_digit());
    let code = Code::parse(typed);
    assert_eq!(code.is_some(), digits, "{typed:?}");
    let seed = Seed::new(name.as_bytes());
    if let Some(code) = code {
        assert_eq!(code.text(), typed);
        let now = Timestamp::from_secs(seconds.rem_euclid(1 << 40));
        let step = mke_auth::second_factor::totp::step_at(now);
        if let Some(found) = seed.step_of(code, now, 0) {
            assert!(found.abs_diff(step) <= 1);
            assert_eq!(seed.code_at_step(found).text(), typed);
            assert!(seed.step_of(code, now, found).is_none_or(|later| later > found));
        }
    }

    let mut left = OWN.clone();
    let letters = typed.replace('-', "").to_ascii_lowercase();
    let known = ["abcdefghijklmnopqrstuvwxyz", "22222222222222222222222222"].contains(&letters.as_str());
    let taken = recovery::take(&mut left, typed);
    assert!(!taken || known, "{typed:?}");
    assert_eq!(left.len(), OWN.len() - usize::from(taken));
    assert!(taken || !known || typed.len() > 52, "{typed:?}");

    let address = uri(typed, name, &seed);
    let text = address.expose();
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
    let (label, query) = text
        .strip_prefix("otpauth://totp/")
        .and_then(|rest| rest.split_once('?'))
        .expect("an address has a label and a query");
    assert_eq!(label.matches([':', '/', '?', '#']).count(), 1, "{label}");
    let keys: Vec<&str> = query.split('&').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
    assert_eq!(keys, ["secret", "issuer", "algorithm", "digits", "period"]);
    if let Some(picture) = Picture::of(&Secret::new(text)) {
        assert_eq!(picture.terminal().lines().count(), picture.size().div_ceil(2));
    }
});
