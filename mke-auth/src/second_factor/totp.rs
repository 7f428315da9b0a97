//! Codes that change with the time: TOTP (RFC 6238) as authenticator apps expect it, with HMAC-SHA-1, six digits and
//! steps of 30 seconds. SHA-1 is no weakness here: HMAC does not rest on collisions, and many apps take nothing else.

use mke_core::time::Timestamp;
use ring::hmac;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Seconds of a time step (RFC 6238, section 4.1).
pub const STEP_SECONDS: u64 = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// How many steps a clock may be off, to each side (RFC 6238, section 5.2).
pub const SKEW_STEPS: u64 = 1;
/// Bytes of a seed: as long as the output of the HMAC (RFC 4226, section 4).
pub const SEED_BYTES: usize = 20;

/// What codes are made from. `Debug` prints nothing of it, and its memory is cleared on drop.
pub struct Seed(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// A code as somebody typed it: exactly six ASCII digits, nothing around or between them (authn-08).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code([u8; DIGITS]);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(..)")
    }
}

impl Code {
    /// Reads a code. Nothing is trimmed and no other digits of Unicode count.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; DIGITS] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// Its digits as text.
    pub fn text(&self) -> String {
        self.0.iter().map(|digit| char::from(*digit)).collect()
    }
}

impl Seed {
    /// A seed of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// A fresh seed.
    pub fn random(rng: &mut (impl rand_core::CryptoRng + ?Sized)) -> Self {
        let mut bytes = Zeroizing::new(vec![0; SEED_BYTES]);
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The bytes, for sealing.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The base32 text (RFC 4648, section 6, without padding) that people type into an app.
    pub fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(super::base32::encode(&self.0))
    }

    /// The code of a time step.
    pub fn code_at_step(&self, step: u64) -> Code {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        Code(truncate(tag.as_ref()))
    }

    /// The time step whose code this is, at most [`SKEW_STEPS`] from now and later than the step of the last code that
    /// was taken. Every step is computed and compared whole, so the time does not tell which one it was.
    pub fn step_of(&self, code: Code, now: Timestamp, last_step: u64) -> Option<u64> {
        let now = step_at(now);
        let mut found = None;
        for step in now.saturating_sub(SKEW_STEPS)..=now.saturating_add(SKEW_STEPS) {
            let same = bool::from(self.code_at_step(step).0.ct_eq(&code.0));
            if same & (step > last_step) {
                found = Some(step);
            }
        }
        found
    }
}

/// The time step of a moment.
pub fn step_at(now: Timestamp) -> u64 {
    u64::try_from(now.as_secs()).unwrap_or(0) / STEP_SECONDS
}

/// Dynamic truncation (RFC 4226, section 5.3) to [`DIGITS`] decimal digits.
fn truncate(tag: &[u8]) -> [u8; DIGITS] {
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0xf);
    let mut number = tag
        .iter()
        .skip(offset)
        .take(4)
        .fold(0_u32, |all, byte| (all << 8) | u32::from(*byte))
        & 0x7fff_ffff;
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        // At most nine.
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The seed of the vectors of RFC 4226 (appendix D) and RFC 6238 (appendix B).
    fn rfc() -> Seed {
        Seed::new(*b"12345678901234567890")
    }

    /// RFC 4226, appendix D: ten counters. RFC 6238, appendix B: six times, the last six of eight digits.
    #[test]
    fn vectors_of_the_rfcs() {
        let hotp = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (counter, code) in hotp.iter().enumerate() {
            assert_eq!(rfc().code_at_step(counter as u64).text(), *code, "{counter}");
        }
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = step_at(Timestamp::from_secs(seconds));
            assert_eq!(rfc().code_at_step(step).text(), code, "{seconds}");
        }
    }

    /// authn-08: only six ASCII digits are a code.
    #[test]
    fn sec_authn_08_what_a_code_is() {
        assert_eq!(Code::parse("012345").unwrap().text(), "012345");
        for bad in [
            "",
            "12345",
            "1234567",
            " 123456",
            "123456 ",
            "123 456",
            "+12345",
            "-12345",
            "12345a",
            "0x1234",
            "１２３４５６",
            "١٢٣٤٥٦",
            "12345\0",
            "12345\n",
            "１２",
            "1２345",
        ] {
            assert!(Code::parse(bad).is_none(), "{bad:?}");
        }
    }

    /// authn-08: one step to each side and no further. authn-07: nothing at or before the step that was taken last.
    #[test]
    fn sec_authn_08_the_window() {
        let seed = rfc();
        let at = 1_800_000_000;
        let now = Timestamp::from_secs(at);
        let middle = step_at(now);
        for (offset, taken) in [
            (-3, false),
            (-2, false),
            (-1, true),
            (0, true),
            (1, true),
            (2, false),
            (3, false),
        ] {
            let step = middle.checked_add_signed(offset).unwrap();
            let found = seed.step_of(seed.code_at_step(step), now, 0);
            assert_eq!(found, taken.then_some(step), "{offset}");
            if taken {
                assert_eq!(seed.step_of(seed.code_at_step(step), now, step), None, "used");
                assert_eq!(
                    seed.step_of(seed.code_at_step(step), now, step + 1),
                    None,
                    "older than used"
                );
                assert_eq!(seed.step_of(seed.code_at_step(step), now, step - 1), Some(step));
            }
        }
    }

    /// RFC 6238 from its text, without a shortcut: bytes, bits and remainders.
    fn slow(seed: &[u8], step: u64) -> String {
        let mut inner = [0x36_u8; 64];
        let mut outer = [0x5c_u8; 64];
        let key = if seed.len() > 64 {
            sha1(seed)
        } else {
            seed.to_vec()
        };
        for (i, byte) in key.iter().enumerate() {
            inner[i] ^= byte;
            outer[i] ^= byte;
        }
        let first = sha1(&[&inner[..], &step.to_be_bytes()].concat());
        let hash = sha1(&[&outer[..], &first].concat());
        let at = (hash[19] & 15) as usize;
        let number = (u64::from(hash[at] & 127) << 24)
            + (u64::from(hash[at + 1]) << 16)
            + (u64::from(hash[at + 2]) << 8)
            + u64::from(hash[at + 3]);
        format!("{:06}", number % 1_000_000)
    }

    fn sha1(data: &[u8]) -> Vec<u8> {
        ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, data)
            .as_ref()
            .to_vec()
    }

    proptest! {
        /// TFA-002: codes are those of the standard for any seed and time.
        #[test]
        fn codes_are_those_of_the_standard(seed in proptest::collection::vec(any::<u8>(), 0..100), step in any::<u64>()) {
            prop_assert_eq!(Seed::new(seed.clone()).code_at_step(step).text(), slow(&seed, step));
        }

        /// A code is taken exactly where an obvious search finds a step for it.
        #[test]
        fn steps_are_those_of_a_search(seconds in 0_i64..4_000_000_000, off in -4_i64..=4, last in -4_i64..=4) {
            let seed = rfc();
            let now = Timestamp::from_secs(seconds);
            let middle = i64::try_from(step_at(now)).unwrap();
            let code = seed.code_at_step(u64::try_from(middle + off).unwrap_or(0));
            let last = u64::try_from(middle + last).unwrap_or(0);
            let expected = (-1..=1)
                .filter_map(|offset| u64::try_from(middle + offset).ok())
                .rfind(|step| *step > last && slow(b"12345678901234567890", *step) == code.text());
            prop_assert_eq!(seed.step_of(code, now, last), expected);
        }

        #[test]
        fn nothing_else_is_a_code(text in any::<String>()) {
            let digits = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
            prop_assert_eq!(Code::parse(&text).is_some(), digits);
        }
    }
}
