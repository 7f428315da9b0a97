//! Why a document from outside is not believed. The texts are for the log: whoever sent the document learns only
//! that it was refused (G-06).

/// Why a SAML message or a metadata document was refused. Nothing was believed then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The bytes are no text of the one kind that is taken: base64, UTF-8 without a mark, matching declaration.
    #[error("the message is not encoded as it must be: {0}")]
    Encoding(&'static str),
    /// A limit on size, depth or number.
    #[error("the message has more than {max} {what}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// A document type, comment, processing instruction or CDATA section.
    #[error("the message holds {0}, which no message may")]
    Markup(&'static str),
    /// No well-formed XML with namespaces.
    #[error("the message is no well-formed XML: {0}")]
    Xml(String),
    /// Namespaces are used in a way that parsers see differently.
    #[error("the message uses namespaces in a way that is not taken: {0}")]
    Namespace(&'static str),
    /// Two elements have the same identifier.
    #[error("two elements have the ID `{0}`")]
    DuplicateId(String),
    /// An element or attribute is missing, doubled, or not where it belongs.
    #[error("{0}")]
    Structure(String),
    /// Nothing in it is signed.
    #[error("neither the response nor its assertion is signed")]
    Unsigned,
    /// A signature is not of the one form that is taken.
    #[error("the signature is not of the form that is taken: {0}")]
    SignatureForm(String),
    /// An algorithm that is not taken.
    #[error("algorithm `{0}` is not taken")]
    Algorithm(String),
    /// What was signed is not what is here.
    #[error("the digest of the signed element is another one")]
    Digest,
    /// No key of the identity provider made the signature.
    #[error("no key of the identity provider made the signature")]
    Signature,
    /// The identity provider has no usable key.
    #[error("no key of the identity provider is known")]
    NoKey,
    /// The assertion is encrypted.
    #[error("encrypted assertions and identifiers are not taken")]
    Encrypted,
    /// Somebody else made it.
    #[error("it was issued by `{found}`, not by the configured identity provider")]
    Issuer {
        /// Who it names.
        found: String,
    },
    /// It is meant for somebody else.
    #[error("it is meant for `{found}`, not for this cluster")]
    Audience {
        /// Whom it names.
        found: String,
    },
    /// It was sent to another address.
    #[error("it was sent to `{found}`, which is not the address of this cluster")]
    Destination {
        /// The address that it names.
        found: String,
    },
    /// The identity provider did not log the user in.
    #[error("the identity provider answered with status `{0}`")]
    Status(String),
    /// It is not valid yet.
    #[error("it is not valid before {0}")]
    Early(String),
    /// It is not valid any more.
    #[error("it was valid until {0}")]
    Late(String),
    /// It answers no request.
    #[error("it answers no request of this cluster")]
    Unsolicited,
    /// It answers a request that this browser did not make.
    #[error("it answers a request that this browser did not make")]
    OtherRequest,
    /// An attribute that decides something has two values.
    #[error("attribute `{0}` is given with different values")]
    Ambiguous(String),
}

impl Refusal {
    pub(super) fn structure(what: impl Into<String>) -> Self {
        Self::Structure(what.into())
    }

    pub(super) fn form(what: impl Into<String>) -> Self {
        Self::SignatureForm(what.into())
    }
}
