//! The address that an authenticator app takes: `otpauth://totp/…`, as the apps have agreed on it, and its QR code.

use std::fmt::Write as _;

use mke_core::secret::Secret;
use qrcodegen::{QrCode, QrCodeEcc};

use super::totp::{DIGITS, STEP_SECONDS, Seed};

/// Light modules around a QR code (ISO/IEC 18004 asks for four).
const QUIET: i32 = 4;
/// Most characters of the issuer's name that are shown: addresses must stay small enough for a code that phones read.
const MAX_ISSUER_CHARS: usize = 100;

/// The address of a seed. `issuer` is what the app shows above the account's name.
pub fn uri(issuer: &str, account: &str, seed: &Seed) -> Secret {
    let issuer: String = issuer.chars().take(MAX_ISSUER_CHARS).collect();
    let (issuer, account) = (escape(&issuer), escape(account));
    Secret::new(format!(
        "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
        *seed.base32()
    ))
}

/// Percent-encodes everything but the characters that need it nowhere (RFC 3986, section 2.3).
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

/// A text as a QR code.
#[derive(Clone)]
pub struct Picture(QrCode);

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Picture(..)")
    }
}

impl Picture {
    /// The code of a text; nothing when it is longer than the largest code holds, some 2,300 bytes.
    pub fn of(text: &Secret) -> Option<Self> {
        QrCode::encode_text(text.expose(), QrCodeEcc::Medium)
            .ok()
            .map(Self)
    }

    /// Modules to a side, with the light ones around.
    pub fn size(&self) -> usize {
        usize::try_from(self.0.size() + 2 * QUIET).unwrap_or(0)
    }

    /// Whether a module is dark, counted from the upper left corner of the light frame.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| i32::try_from(at).map_or(-1, |at| at - QUIET);
        // Outside of the code everything is light.
        self.0.get_module(inside(x), inside(y))
    }

    /// As SVG, black on white, one unit to a module.
    pub fn svg(&self) -> String {
        let size = self.size();
        let mut path = String::new();
        for y in 0..size {
            for x in (0..size).filter(|x| self.is_dark(*x, y)) {
                let _ = write!(path, "M{x},{y}h1v1h-1z");
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" shape-rendering=\"crispEdges\">\
             <rect width=\"{size}\" height=\"{size}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
        )
    }

    /// For a terminal: two modules to a character, the light ones drawn, so that it can be read where the background is
    /// dark. Every line ends with a line feed.
    pub fn terminal(&self) -> String {
        let size = self.size();
        let mut text = String::new();
        for y in (0..size).step_by(2) {
            for x in 0..size {
                let below_is_dark = y + 1 >= size || self.is_dark(x, y + 1);
                text.push(match (self.is_dark(x, y), below_is_dark) {
                    (false, false) => '█',
                    (false, true) => '▀',
                    (true, false) => '▄',
                    (true, true) => ' ',
                });
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCALE: usize = 4;

    /// What a decoder that was not written here reads from a picture of dark and light modules.
    fn read(size: usize, dark: impl Fn(usize, usize) -> bool) -> String {
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(size * SCALE, size * SCALE, |x, y| {
            if dark(x / SCALE, y / SCALE) { 0 } else { 255 }
        });
        let grids = image.detect_grids();
        grids.first().unwrap().decode().unwrap().1
    }

    /// TFA-001: the picture holds the address, in both forms in which it is shown.
    #[test]
    fn pictures_can_be_read() {
        let seed = Seed::new(*b"12345678901234567890");
        let uri = uri("MKE lab.example", "jane", &seed);
        assert_eq!(
            uri.expose(),
            "otpauth://totp/MKE%20lab.example:jane?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=MKE%20lab.example&algorithm=SHA1&digits=6&period=30"
        );
        let picture = Picture::of(&uri).unwrap();
        assert_eq!(read(picture.size(), |x, y| picture.is_dark(x, y)), uri.expose());

        let rows: Vec<Vec<char>> = picture
            .terminal()
            .lines()
            .map(|line| line.chars().collect())
            .collect();
        let lit = |x: usize, y: usize| match rows.get(y / 2).and_then(|row| row.get(x)) {
            Some('█') => true,
            Some('▀') => y.is_multiple_of(2),
            Some('▄') => !y.is_multiple_of(2),
            _ => false,
        };
        assert_eq!(read(picture.size(), |x, y| !lit(x, y)), uri.expose());

        let svg = picture.svg();
        let dark = |x: usize, y: usize| svg.contains(&format!("M{x},{y}h1v1h-1z"));
        assert_eq!(read(picture.size(), dark), uri.expose());
    }

    proptest! {
        /// Whatever the names hold, the address keeps its parts apart and holds no other character.
        #[test]
        fn addresses_keep_their_parts(issuer in any::<String>(), account in any::<String>()) {
            let uri = uri(&issuer, &account, &Seed::new(*b"12345678901234567890"));
            let text = uri.expose();
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(text.matches('?').count(), 1);
            prop_assert_eq!(text.matches('&').count(), 4);
            let label = text.strip_prefix("otpauth://totp/").unwrap().split('?').next().unwrap();
            prop_assert_eq!(label.matches(':').count(), 1);
            prop_assert_eq!(label.matches('/').count(), 0);
        }
    }
}
