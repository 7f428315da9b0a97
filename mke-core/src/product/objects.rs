//! Names of the cluster's networks, config objects, secrets and services, and the rules for their suffixes.

/// The bridge network of component containers, one on each node.
pub const BRIDGE: &str = "ucp-bridge";
/// The overlay network of the layer 7 proxy.
pub const INTERLOCK_NETWORK: &str = "ucp-interlock";
/// The config object with the configuration file. Versions carry a number: `com.docker.ucp.config-3`.
pub const CONFIG: &str = "com.docker.ucp.config";
/// Another spelling of [`CONFIG`] in one paragraph of the documents; accepted when an initial configuration is looked for.
pub const CONFIG_OTHER_SPELLING: &str = "com.docker.mke.config";
/// The config object with the licence. Versions carry a number.
pub const LICENSE: &str = "com.docker.license";
/// The config object with the configuration of the layer 7 core. Versions carry a number, the first is 1.
pub const INTERLOCK_CONFIG: &str = "com.docker.ucp.interlock.conf";
/// What config objects of the layer 7 extension begin with.
pub const INTERLOCK_EXTENSION: &str = "com.docker.interlock.extension";
/// What config objects of the layer 7 proxy begin with.
pub const INTERLOCK_PROXY: &str = "com.docker.interlock.proxy";
/// The config object with the certificate of the cluster's own authority.
pub const CLUSTER_CA_CONFIG: &str = "com.docker.ucp.cluster-ca";
/// The secret with the key that seals secrets in the store.
pub const AUTH_KEY_SECRET: &str = "ucp-auth-key";

/// The name of one version of a config object.
///
/// ```
/// use mke_core::product::objects;
/// assert_eq!(objects::versioned(objects::CONFIG, 3), "com.docker.ucp.config-3");
/// ```
pub fn versioned(name: &str, number: u64) -> String {
    format!("{name}-{number}")
}

/// Which version of `name` an object is; `None` when it is another object. The object without a number has version 0.
///
/// ```
/// use mke_core::product::objects;
/// assert_eq!(objects::version_of(objects::CONFIG, "com.docker.ucp.config-12"), Some(12));
/// assert_eq!(objects::version_of(objects::CONFIG, "com.docker.ucp.config"), Some(0));
/// assert_eq!(objects::version_of(objects::CONFIG, "com.docker.ucp.config-x"), None);
/// ```
pub fn version_of(name: &str, object: &str) -> Option<u64> {
    match object.strip_prefix(name)? {
        "" => Some(0),
        rest => {
            let digits = rest.strip_prefix('-')?;
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        }
    }
}

/// What is added to a component's name for the container that is about to take its place.
pub const NEXT: &str = "-next";
