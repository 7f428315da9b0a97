//! SAML 2.0, the side of the service provider: what an identity provider says about a person, and when that is
//! believed.
//!
//! [`accept`] decides about a response; it is pure, and takes the clock's time as an argument. The rest asks
//! ([`request`]), reads the provider's metadata ([`provider`], [`fetch`]), ends sessions ([`logout`]) and turns a
//! proof into an account ([`login`]). Nothing here knows HTTP servers or what an account may do.
//!
//! One XML parser reads everything (`xml`), and what is read is what was verified (`signature`). No feature, missing
//! key or missing certificate switches a check off: there is no provider without a key, and no [`Proven`] without a
//! signature. `docs/saml.md` lists each deviation from the standard.

mod attributes;
mod c14n;
mod conditions;
mod keys;
mod names;
mod own_key;
mod redirect;
mod refusal;
mod response;
mod signature;
mod sp;
mod xml;

pub mod fetch;
pub mod login;
pub mod logout;
pub mod provider;
pub mod request;

pub use attributes::{FULL_NAME, IS_ADMIN, MEMBER_OF, Person};
pub use conditions::{MAX_VALIDITY, SKEW};
pub use keys::TrustedKey;
pub use own_key::{OwnKey, OwnKeyError, generate as generate_key};
pub use provider::{Binding, IdentityProvider, ProviderRecord};
pub use redirect::{Role, form};
pub use refusal::Refusal;
pub use response::{MAX_ENCODED_BYTES, NameId, Proven, accept};
pub use sp::{BASE_PATH, HostError, MAX_RELAY_BYTES, ServiceProvider, safe_relay};
pub use xml::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_MESSAGE_BYTES, MAX_METADATA_BYTES};
