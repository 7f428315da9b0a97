//! How fast bundles can be made: a key pair, a certificate, and both as PEM.
//!
//! `cargo bench -p mke-core --bench pki`.
//!
//! The aim is 2,000 bundles a second on one core. Checking a client certificate is measured too, because every new
//! connection pays for it.

#![expect(clippy::expect_used, reason = "a benchmark that fails has nothing to measure")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mke_core::pki::chain::verify_client;
use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, KeyPair, Profile, PublicKey};
use mke_core::time::Timestamp;
use rand_core::UnwrapErr;

fn request(key: &PublicKey) -> CertificateRequest {
    CertificateRequest {
        profile: Profile::Client,
        common_name: "jane".to_owned(),
        organization: None,
        organizational_unit: None,
        names: Vec::new(),
        public_key: key.clone(),
        validity: Duration::from_secs(365 * 86_400),
    }
}

fn pki(criterion: &mut Criterion) {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let now = Timestamp::from_secs(1_800_000_000);
    let root = Authority::create(AuthorityKind::Client, "bench", now, &mut rng).expect("a root");
    let pair = KeyPair::generate(&mut rng).expect("a pair");
    let ready = request(pair.public_key());
    let leaf = root.issue(&ready, now, &mut rng).expect("a certificate");
    let roots = [root.certificate_der().to_vec()];

    let mut group = criterion.benchmark_group("pki");
    group.throughput(Throughput::Elements(1));
    group.bench_function("generate key pair", |b| b.iter(|| KeyPair::generate(&mut rng)));
    group.bench_function("issue certificate", |b| {
        b.iter(|| root.issue(&ready, now, &mut rng))
    });
    group.bench_function("bundle: pair, certificate, PEM", |b| {
        b.iter(|| {
            let pair = KeyPair::generate(&mut rng).expect("a pair");
            let issued = root
                .issue(&request(pair.public_key()), now, &mut rng)
                .expect("a certificate");
            black_box((pair.private_key_pem(), pair.public_key().pem(), issued.pem()))
        });
    });
    group.bench_function("verify client certificate", |b| {
        b.iter(|| verify_client(black_box(leaf.der()), &[], &roots, now));
    });
    group.finish();
}

criterion_group!(benches, pki);
criterion_main!(benches);
