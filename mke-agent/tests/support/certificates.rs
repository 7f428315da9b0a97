//! Certificates of managers as their agents keep them, and what an operator brings along from an authority elsewhere.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mke_agent::ca::CaClient;
use mke_agent::ca::certificates::{self, Authorities, Outcome, Target};
use mke_agent::ca::keys::External;
use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, KeyPair, Profile};
use mke_core::time::{Clock, SystemClock, Timestamp};

pub(crate) fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// Plans and applies below `volumes` as a manager does that has both authorities at hand.
pub(crate) async fn bring_up_to_date(
    volumes: &Path,
    target: &Target<'_>,
    (cluster, client): (&Arc<Authority>, &Authority),
    now: Timestamp,
) -> Vec<Outcome> {
    let observed = certificates::observe(volumes, target.role);
    let plan = certificates::plan(target, &observed, now);
    let issuer = CaClient::at_hand(
        cluster.clone(),
        target.node.to_owned(),
        Arc::new(target.cluster.clone()),
        Arc::new(SystemClock),
    );
    let authorities = Authorities {
        cluster: Some(&**cluster),
        client: Some(client),
    };
    certificates::apply(volumes, target, &plan, &issuer, &authorities).await
}

/// A server certificate of a company's own authority that lives 30 days.
pub(crate) fn external(names: &[&str]) -> External {
    let now = SystemClock.now();
    let authority = Authority::create(AuthorityKind::Cluster, "corporate", now, &mut rng()).unwrap();
    let pair = KeyPair::generate(&mut rng()).unwrap();
    let request = CertificateRequest {
        profile: Profile::Server,
        common_name: "mke.example.com".to_owned(),
        organization: None,
        organizational_unit: None,
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        public_key: pair.public_key().clone(),
        validity: Duration::from_secs(30 * 86_400),
    };
    External {
        ca_pem: authority.certificate_pem(),
        chain_pem: authority.issue(&request, now, &mut rng()).unwrap().pem(),
        key: pair.private_key_pem(),
    }
}
