//! The documents that clients parse: `kube.yml` and `meta.json`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{BundleError, Contents};

/// A kubeconfig with embedded certificates. Clients decode it strictly, so it has exactly these keys. Text that
/// the user chose stands in JSON strings, which are YAML too (YAML 1.2, section 1.2).
pub(super) fn kubeconfig(contents: &Contents<'_>) -> Result<Zeroizing<String>, BundleError> {
    let text =
        |value: &str| serde_json::to_string(value).map_err(|error| BundleError::Pack(error.to_string()));
    let name = text(&contents.place.context(contents.user))?;
    let server = text(&contents.place.kubernetes())?;
    let key = Zeroizing::new(STANDARD.encode(contents.private_key.expose()));
    Ok(Zeroizing::new(format!(
        "apiVersion: v1
kind: Config
preferences: {{}}
clusters:
- name: {name}
  cluster:
    certificate-authority-data: {ca}
    server: {server}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
current-context: {name}
users:
- name: {name}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
",
        ca = STANDARD.encode(contents.ca),
        certificate = STANDARD.encode(&contents.certificate),
        key = *key,
    )))
}

/// The description of a docker context. Some clients take its name as the identity of the bundle, so every
/// bundle has another.
pub(super) fn context(contents: &Contents<'_>) -> Result<String, BundleError> {
    let place = contents.place;
    let meta: Value = json!({
        "Name": format!("{}_{}", place.context(contents.user), contents.id),
        "Metadata": {
            "Description": "",
            "StackOrchestrator": place.orchestrator(),
        },
        "Endpoints": {
            "docker": {
                "Host": place.docker(),
                "SkipTLSVerify": false,
            },
            "kubernetes": {
                "Host": place.kubernetes(),
                "SkipTLSVerify": false,
                "DefaultNamespace": "",
            },
        },
    });
    serde_json::to_string(&meta).map_err(|error| BundleError::Pack(error.to_string()))
}
