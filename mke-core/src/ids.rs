//! Typed identifiers. An account id cannot be passed where a role id is wanted.
//!
//! Ids are opaque text that never changes, while names may. Generated ids are random UUIDs; some built-in
//! objects have well-known ids (`swarm`, `fullcontrol`, …), see the constants of each type.

use std::fmt;
use std::sync::Arc;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

/// A random (version 4) UUID in its usual text form.
pub fn random_uuid(rng: &mut (impl CryptoRng + ?Sized)) -> String {
    let mut bytes = [0u8; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps an identifier that came from the store, from a request or from a well-known constant.
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }

            /// Makes a fresh identifier, a random UUID.
            pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
                Self(random_uuid(rng).into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self::new(id)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

id!(
    /// Identifies a user or an organization: both are accounts in one name space (R1).
    AccountId
);
id!(
    /// Identifies a team. A team belongs to exactly one organization (R1).
    TeamId
);
id!(
    /// Identifies a collection. Built-in ones have the ids of R11.
    CollectionId
);
id!(
    /// Identifies a role. Built-in ones are `none`, `viewonly`, `restrictedcontrol`, `scheduler`, `fullcontrol`.
    RoleId
);
id!(
    /// Identifies a public key: the SHA-256 of its DER form, in hexadecimal.
    KeyId
);
id!(
    /// Identifies a job, such as one synchronisation with a directory.
    JobId
);
id!(
    /// Identifies a session. It is not the token and opens nothing.
    SessionId
);
