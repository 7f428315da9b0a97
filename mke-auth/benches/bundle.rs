//! How many client bundles a second one processor issues: key, certificate and archive.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop them too")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mke_auth::bundle::{self, Place};
use mke_core::names::AccountName;
use mke_core::pki::{Authority, AuthorityKind};
use mke_core::time::Timestamp;

fn issue(criterion: &mut Criterion) {
    let mut rng = UnwrapErr(SysRng);
    let now = Timestamp::from_secs(1_800_000_000);
    let authority = Authority::create(AuthorityKind::Client, "kcgzv7ogwjgr", now, &mut rng).unwrap();
    let ca = authority.certificate_pem();
    let place = Place::new("ucp.example.com", 443, 6443, "kcgzv7ogwjgr", false).unwrap();
    let user: AccountName = "jane".parse().unwrap();

    let mut group = criterion.benchmark_group("bundle");
    group.throughput(Throughput::Elements(1));
    group.bench_function("issue", |bencher| {
        bencher.iter(|| bundle::issue(&authority, &ca, &place, &user, now, &mut rng).unwrap());
    });
    group.finish();
}

criterion_group!(benches, issue);
criterion_main!(benches);
