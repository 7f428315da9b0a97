//! The keys of the identity provider, from its metadata and from nowhere else (saml-19), and what each may verify.

use mke_core::pki::PublicKey;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use spki::der::Decode as _;
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

use super::Refusal;

/// RFC 8017 appendix A.1.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// RFC 5480 section 2.1.1.1.
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// RFC 5480 section 2.1.1.1.
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// What kind of key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    P384,
}

/// A signature algorithm of XML signatures (RFC 9231). Others do not exist here: SHA-1, MD5, HMAC and unknown names
/// are refused by their absence (saml-18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    EcdsaSha256,
    EcdsaSha384,
}

impl Algorithm {
    pub(super) const RSA_SHA256_URI: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

    pub(super) fn from_uri(uri: &str) -> Result<Self, Refusal> {
        Ok(match uri {
            Self::RSA_SHA256_URI => Self::RsaSha256,
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => Self::RsaSha384,
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => Self::RsaSha512,
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => Self::EcdsaSha256,
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => Self::EcdsaSha384,
            other => return Err(Refusal::Algorithm(other.to_owned())),
        })
    }

    /// The key that it needs: a key is never used with an algorithm of another family.
    fn family(self) -> Family {
        match self {
            Self::RsaSha256 | Self::RsaSha384 | Self::RsaSha512 => Family::Rsa,
            Self::EcdsaSha256 => Family::P256,
            Self::EcdsaSha384 => Family::P384,
        }
    }

    fn ring(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::RsaSha256 => &RSA_PKCS1_2048_8192_SHA256,
            Self::RsaSha384 => &RSA_PKCS1_2048_8192_SHA384,
            Self::RsaSha512 => &RSA_PKCS1_2048_8192_SHA512,
            // XML signatures hold the two numbers side by side (RFC 4050 section 3.3).
            Self::EcdsaSha256 => &ECDSA_P256_SHA256_FIXED,
            Self::EcdsaSha384 => &ECDSA_P384_SHA384_FIXED,
        }
    }
}

/// A key that may sign for the identity provider: RSA with 2048 to 8192 bits, or ECDSA on P-256 or P-384.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedKey {
    family: Family,
    /// As `ring` takes it: the content of the certificate's bit string.
    bytes: Vec<u8>,
    id: String,
}

impl std::fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TrustedKey({:?}, {})", self.family, self.id)
    }
}

impl TrustedKey {
    /// The key in a certificate in DER. Its names, dates and issuer mean nothing: the metadata document that holds
    /// it says that it is the provider's.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as a text for the administrator.
    pub fn of_certificate(der: &[u8]) -> Result<Self, String> {
        let key = PublicKey::of_certificate(der).map_err(|error| error.to_string())?;
        let unusable = || "the key is neither RSA nor ECDSA on P-256 or P-384".to_owned();
        let info = SubjectPublicKeyInfoRef::from_der(key.der()).map_err(|error| error.to_string())?;
        let family = if info.algorithm.oid == RSA {
            Family::Rsa
        } else {
            match info.algorithm.parameters_oid() {
                Ok(P256) => Family::P256,
                Ok(P384) => Family::P384,
                _ => return Err(unusable()),
            }
        };
        let bytes = info.subject_public_key.as_bytes().ok_or_else(unusable)?.to_vec();
        Ok(Self {
            family,
            bytes,
            id: key.id().to_string(),
        })
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`, in hexadecimal.
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Whether one of the keys made the signature. Keys of another family than the algorithm's are not tried.
pub(super) fn verify(
    keys: &[TrustedKey],
    algorithm: Algorithm,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Refusal> {
    if keys.is_empty() {
        return Err(Refusal::NoKey);
    }
    let made_it = keys
        .iter()
        .filter(|key| key.family == algorithm.family())
        .any(|key| {
            UnparsedPublicKey::new(algorithm.ring(), &key.bytes)
                .verify(message, signature)
                .is_ok()
        });
    if made_it { Ok(()) } else { Err(Refusal::Signature) }
}
