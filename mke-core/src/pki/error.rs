//! What can go wrong with keys and certificates. No message ever contains key material.

use crate::time::Timestamp;

/// Why a certificate could not be made, read or trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// A subject field that no certificate should carry.
    #[error("{field} of the certificate subject {fault}")]
    Subject {
        /// The field, such as `common name`.
        field: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// An access name that a certificate cannot carry.
    #[error("`{}` cannot be a certificate name", name.escape_default())]
    Name {
        /// The text as given.
        name: String,
        /// What is wrong with it.
        #[source]
        fault: NameFault,
    },
    /// A certificate for servers without a single access name: clients look at nothing else (PKI-010).
    #[error("a server certificate needs at least one access name, give a host name or an address")]
    NoNames,
    /// More names than fit in a TLS handshake.
    #[error("{found} {unit} of access names are too many, at most {max} are allowed")]
    TooManyNames {
        /// What was asked for.
        found: usize,
        /// The bound.
        max: usize,
        /// What is counted: `entries` or `bytes`.
        unit: &'static str,
    },
    /// A key that must not be used.
    #[error("the {what} is refused")]
    Key {
        /// Which key, such as `public key`.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        fault: KeyFault,
    },
    /// Text that is not PEM, or not what was expected in it.
    #[error("{what} cannot be read: {fault}")]
    Pem {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        fault: String,
    },
    /// Bytes that are not a certificate.
    #[error("the certificate cannot be read: {fault}")]
    Certificate {
        /// What the decoder found.
        fault: String,
    },
    /// A certificate that may not issue others, used as an authority.
    #[error("the certificate is not of an authority: it lacks CA:true or the right to sign certificates")]
    NotAuthority,
    /// The key does not belong to the certificate (PKI-006).
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The authority itself is past its end.
    #[error("the authority expired at {not_after}, rotate it")]
    AuthorityExpired {
        /// Its end.
        not_after: Timestamp,
    },
    /// The clock shows a time at which the authority did not exist yet, hence it is wrong (pki-09).
    #[error("the clock shows {now}, before the authority's start at {not_before}: set the clock")]
    ClockBeforeAuthority {
        /// What the clock showed.
        now: Timestamp,
        /// Since when the authority is valid.
        not_before: Timestamp,
    },
    /// A lifetime of less than a second.
    #[error("a certificate must be valid for at least one second")]
    NoValidity,
    /// There is nothing to verify against, so nothing is trusted.
    #[error("no usable root certificate is configured, so no certificate is trusted")]
    NoRoots,
    /// More roots than anyone rotates.
    #[error("{found} root certificates are too many, at most {max} are allowed: remove old ones")]
    TooManyRoots {
        /// How many there would be.
        found: usize,
        /// The bound.
        max: usize,
    },
    /// The chain does not prove what it should.
    #[error("the certificate is not trusted")]
    Untrusted {
        /// Why not.
        #[source]
        reason: Distrust,
    },
    /// The encoder or signer refused. It does so for values that the checks above should have stopped.
    #[error("the certificate cannot be made: {fault}")]
    Encode {
        /// What it said.
        fault: String,
    },
}

/// Why a text cannot be an access name (pki-07).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// No text.
    #[error("it is empty")]
    Empty,
    /// Longer than DNS or this project allows.
    #[error("it has more than {max} characters")]
    TooLong {
        /// The longest allowed.
        max: usize,
    },
    /// A letter outside ASCII in a host name.
    #[error("international names must be written in their ASCII form (`xn--…`)")]
    NotAscii,
    /// A label that says it is international but is not.
    #[error("a label starting with `xn--` does not hold a valid encoded name")]
    BadALabel,
    /// `*` elsewhere than as the whole first label, or with too little behind it.
    #[error("`*` may only be the whole first label, with at least two labels after it")]
    Wildcard,
    /// An empty label, a label of more than 63 characters, or a hyphen at an edge.
    #[error(
        "each label needs 1 to 63 letters, digits, `-` or `_`, without `-` at its ends and without a final dot"
    )]
    Label,
    /// Digits and dots that are no IPv4 address, or colons that are no IPv6 address.
    #[error("it looks like an IP address but is not one")]
    BadAddress,
    /// `0.0.0.0` or `::`.
    #[error("the unspecified address cannot be reached by anyone")]
    Unspecified,
    /// `fe80::1%eth0`.
    #[error("an address with a zone has no meaning outside of one machine")]
    Zone,
    /// `host:443`.
    #[error("certificates name hosts, leave out the port")]
    Port,
    /// `10.0.0.0/8`.
    #[error("it is a network or a path, give a single host")]
    Network,
    /// Not an absolute URI with a host (RFC 5280 section 4.2.1.6).
    #[error("a URI needs a scheme, `://`, a host, and only characters of RFC 3986")]
    Uri,
}

/// Why a key cannot be used (pki-12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// A private key where a public one belongs.
    #[error(
        "this is a private key: never send it anywhere, upload the public key, and replace this pair if others saw it"
    )]
    Private,
    /// A certificate where a key belongs.
    #[error("this is a certificate, extract its key with `openssl x509 -pubkey -noout`")]
    Certificate,
    /// `RSA PUBLIC KEY` or an ssh line.
    #[error(
        "only the form `BEGIN PUBLIC KEY` is read, convert it with `ssh-keygen -e -m PKCS8` or `openssl rsa -RSAPublicKey_in -pubout`"
    )]
    Form,
    /// No such block, a broken one, or several.
    #[error("it must be exactly one intact PEM block")]
    Pem,
    /// Bytes that are not a key in DER.
    #[error("its content is not a valid DER encoded key")]
    Der,
    /// An algorithm that TLS here cannot verify.
    #[error("its algorithm is not supported: use ECDSA on P-256 or P-384, Ed25519, or RSA")]
    Algorithm,
    /// A point outside of the curve.
    #[error("it is not a valid point of its curve")]
    Point,
    /// RSA below 2048 bits.
    #[error("RSA keys need at least {min} bits, this one has {found}")]
    TooShort {
        /// Its length in bits.
        found: usize,
        /// The shortest allowed.
        min: usize,
    },
    /// RSA above 8192 bits.
    #[error("RSA keys may have at most {max} bits, this one has {found}")]
    TooLong {
        /// Its length in bits.
        found: usize,
        /// The longest allowed.
        max: usize,
    },
    /// An even, small or huge RSA exponent.
    #[error("the RSA exponent must be odd, at least 65537 and below 2^33")]
    Exponent,
    /// An RSA modulus with a small factor.
    #[error("the RSA modulus has a small factor, so anyone can break it")]
    SmallFactor,
    /// An RSA modulus from a generator with the ROCA weakness (CVE-2017-15361).
    #[error("the RSA modulus shows the ROCA weakness (CVE-2017-15361), make a new pair with other software")]
    Roca,
    /// A private key that needs a passphrase.
    #[error("it is encrypted, remove the passphrase with `openssl pkey`")]
    Encrypted,
    /// A private key that an authority cannot sign with.
    #[error("an authority signs with ECDSA on P-256 only")]
    NotP256,
}

/// Why a chain does not prove what it should (pki-01).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Distrust {
    /// No path of signatures leads to a trusted root.
    #[error("no trusted authority signed it")]
    UnknownIssuer,
    /// Past its end.
    #[error("it or one of its issuers has expired")]
    Expired,
    /// Before its start.
    #[error("it or one of its issuers is not valid yet")]
    NotYetValid,
    /// The extended key usage does not allow it.
    #[error("it does not state the purpose that it is used for")]
    WrongPurpose,
    /// An authority's certificate used as that of a client or server.
    #[error("it is the certificate of an authority")]
    IsAuthority,
    /// Too many certificates in between.
    #[error("it came with more than {max} intermediate certificates")]
    TooManyIntermediates {
        /// The bound.
        max: usize,
    },
    /// Anything else that the verifier refuses.
    #[error("{0}")]
    Other(String),
}
