//! Session tokens as text: 32 random bytes in base64url without padding (RFC 4648, section 5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mke_core::secret::Secret;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::records::TokenHash;

/// Bytes of a token.
const BYTES: usize = 32;

/// Characters of a token's text.
const TEXT: usize = 43;

/// A session token.
pub struct Token(Zeroizing<[u8; BYTES]>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    pub(super) fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut bytes = Zeroizing::new([0; BYTES]);
        rng.fill_bytes(bytes.as_mut());
        Self(bytes)
    }

    /// Reads the text of a token. There is exactly one text for each token.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() != TEXT {
            return None;
        }
        let mut bytes = Zeroizing::new([0; BYTES]);
        let length = URL_SAFE_NO_PAD.decode_slice(text, bytes.as_mut()).ok()?;
        (length == BYTES).then_some(Self(bytes))
    }

    /// What the store keeps of it.
    pub(super) fn hash(&self) -> TokenHash {
        TokenHash::of(&*self.0)
    }

    /// The text that a client sends back.
    pub fn text(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(*self.0))
    }
}
