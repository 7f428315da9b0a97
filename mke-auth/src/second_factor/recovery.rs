//! Recovery codes: each opens one login in the place of a code of the app (TFA-003).
//!
//! A code is 128 random bits, so nobody finds it by trying hashes. A plain SHA-256 is therefore enough, as for session
//! tokens; a slow hash would only add ten password hashes to a login and guard against nothing.

use mke_core::secret::Secret;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::base32;
use crate::records::TokenHash;

/// How many codes somebody gets. Judgement: enough for years, few enough for one small piece of paper.
pub const RECOVERY_CODES: usize = 10;
/// Random bytes of a code.
const BYTES: usize = 16;
/// Letters of a code: 26 of five bits.
const LETTERS: usize = 26;
/// Letters between two hyphens.
const GROUP: usize = 7;
/// Longest text that is looked at: every letter with a hyphen.
const MAX_TYPED: usize = 2 * LETTERS;

/// Fresh codes in the form in which they are shown once, and their hashes.
pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> (Vec<Secret>, Vec<TokenHash>) {
    (0..RECOVERY_CODES)
        .map(|_| {
            let mut bytes = Zeroizing::new([0; BYTES]);
            rng.fill_bytes(bytes.as_mut());
            let letters = Zeroizing::new(base32::encode(bytes.as_ref()).to_ascii_lowercase());
            let mut shown = String::with_capacity(LETTERS + LETTERS / GROUP);
            for (i, letter) in letters.chars().enumerate() {
                if i > 0 && i % GROUP == 0 {
                    shown.push('-');
                }
                shown.push(letter);
            }
            (Secret::new(shown), TokenHash::of(letters.as_bytes()))
        })
        .unzip()
}

/// The hash of a typed code: capitals and hyphens do not count. `None` when it cannot be one.
fn hash_of(typed: &str) -> Option<TokenHash> {
    if typed.len() > MAX_TYPED {
        return None;
    }
    let letters: Zeroizing<String> = Zeroizing::new(
        typed
            .chars()
            .filter(|letter| *letter != '-')
            .map(|letter| letter.to_ascii_lowercase())
            .collect(),
    );
    (letters.len() == LETTERS && letters.chars().all(base32::is_letter))
        .then(|| TokenHash::of(letters.as_bytes()))
}

/// Takes a code out of those that are left. All are compared, so the time does not tell which one it was.
pub fn take(left: &mut Vec<TokenHash>, typed: &str) -> bool {
    let Some(hash) = hash_of(typed) else {
        return false;
    };
    let before = left.len();
    left.retain(|kept| !kept.matches(&hash));
    left.len() < before
}

#[cfg(test)]
mod tests {
    use super::*;
    use getrandom::SysRng;
    use rand_core::UnwrapErr;

    /// TFA-003: a code works once, however it is typed, and nothing else does.
    #[test]
    fn codes_are_taken_once() {
        let (shown, hashes) = generate(&mut UnwrapErr(SysRng));
        assert_eq!(shown.len(), RECOVERY_CODES);
        for (i, code) in shown.iter().enumerate() {
            let plain = code.expose().replace('-', "");
            assert_eq!(plain.len(), LETTERS);
            for spelling in [code.expose().to_owned(), plain.to_uppercase(), plain.clone()] {
                let mut left = hashes.clone();
                assert!(take(&mut left, &spelling), "{i}");
                assert_eq!(left.len(), RECOVERY_CODES - 1);
                assert!(!take(&mut left, &spelling), "used");
            }
        }
        let mut left = hashes.clone();
        let one = shown[0].expose();
        for bad in [
            "",
            "-",
            &one[1..],
            &format!("{one}a"),
            &format!(" {one}"),
            &"a".repeat(1 << 20),
            "123456",
        ] {
            assert!(!take(&mut left, bad));
        }
        assert_eq!(left, hashes);
    }
}
