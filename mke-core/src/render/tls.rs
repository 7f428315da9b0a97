//! Which cipher suites a component is told to use (CFG-040).

use super::Work;
use super::flags::Origin;

/// Those of the CIS Kubernetes benchmark, in the names that Kubernetes and etcd share.
const STRONG: [&str; 6] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

/// Puts the flag for cipher suites. Hardening takes away what is not strong, and never adds anything.
pub(super) fn cipher_suites(work: &mut Work<'_>, flag: &str, suites: &str, key: &'static str) {
    let hardening = &work.config.hardening;
    if !(hardening.hardening_enabled && hardening.use_strong_tls_ciphers) {
        work.flags.key_if_given(flag, Some(suites), key);
        return;
    }
    let chosen = |suite: &&str| suites.is_empty() || suites.split(',').any(|other| other.trim() == *suite);
    let kept: Vec<_> = STRONG.into_iter().filter(chosen).collect();
    if kept.is_empty() {
        work.problems.add(
            key,
            "none of these suites is strong, which `hardening_configuration.use_strong_tls_ciphers` asks for: name \
             strong ones, or leave this empty",
        );
        return;
    }
    let origin = Origin::Key("hardening_configuration.use_strong_tls_ciphers");
    work.flags.put(flag, kept.join(","), origin);
}
