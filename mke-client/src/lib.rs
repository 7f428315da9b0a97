//! How programs talk to a control plane: whom they trust, what they prove, what they send and how long they wait.
//!
//! Knows nothing of what the endpoints mean: the `ucp` command and the Python package do. A credential goes to the server that
//! it is meant for and nowhere else: only over HTTPS, never after a redirect, never through a proxy of the environment.
//!
//! | module | decides |
//! | --- | --- |
//! | [`client`] | how a request is sent, and what becomes of the answer |
//! | [`request`] | what a request consists of |
//! | [`retry`] | when a request is sent again |
//! | [`trust`] | which servers are believed |
//! | [`credential`] | what proves who asks |
//! | [`environment`] | what of this is said by variables |
//! | [`context`] | where sessions are kept between programs |
//! | [`bundle`] | what a client bundle holds, and how it is unpacked |
//! | [`error`] | what can go wrong |

pub mod bundle;
pub mod client;
pub mod context;
pub mod credential;
pub mod environment;
pub mod error;
pub mod request;
pub mod retry;
pub mod trust;

pub use bundle::Bundle;
pub use client::{Answer, Client, Settings};
pub use context::{Context, ContextFile, Contexts};
pub use credential::Credential;
pub use error::{ClientError, Refusal};
pub use request::{Body, Request, escape};
pub use reqwest::{Method, StatusCode};
pub use retry::Retry;
pub use trust::Trust;
