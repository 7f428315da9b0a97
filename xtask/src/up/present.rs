//! What a person reads when everything runs.

use super::places::Places;
use super::record::Serving;
use super::serve::Credentials;
use crate::failure::Outcome;
use crate::{checkout, say};

/// Prints where the control plane is, how to log in, and three commands to try.
pub(super) fn welcome(places: &Places, serving: &Serving, credentials: Option<&Credentials>) -> Outcome {
    let bundle = checkout::shown(&places.bundle);
    let ucp = checkout::shown(&serving.program);
    let url = &serving.url;
    let (username, password) = match credentials {
        Some(made) => (made.username.as_str(), made.password.as_str()),
        None => ("admin", "(shown at the first start; only its hash is kept)"),
    };
    say::data("");
    say::data(&format!("  URL            {url}"));
    say::data(&format!("  administrator  {username}"));
    say::data(&format!("  password       {password}"));
    say::data(&format!("  bundle         {bundle}"));
    say::data(&format!("  engine         {}", serving.socket.display()));
    say::data("");
    say::data("Try:");
    say::data("");
    say::data(&format!("  (cd {bundle} && . ./env.sh && docker node ls)"));
    say::data(&format!("  curl --cacert {bundle}/ca.pem {url}/_ping"));
    say::data(&format!(
        "  {ucp} login --url {url} --ca-file {bundle}/ca.pem --username {username}"
    ));
    say::data("");
    say::data("Stop it with `cargo xtask down`; the data stays until `cargo xtask down --purge`.");
    Ok(())
}
