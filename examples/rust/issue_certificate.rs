//! Makes an authority, issues a server certificate and checks it as an operator's own certificate is checked.
//!
//! Run it: `cargo run -p mke-examples --bin issue-certificate`

#![expect(clippy::print_stdout, reason = "an example shows its results")]

use std::error::Error;
use std::time::Duration;

use mke_core::pki::chain::verify_server_bundle;
use mke_core::pki::{Authority, AuthorityKind, CertificateRequest, KeyPair, Profile, SubjectAltName};
use mke_core::time::{Clock as _, SystemClock};
use rand_core::UnwrapErr;

fn main() -> Result<(), Box<dyn Error>> {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let now = SystemClock.now();

    let authority = Authority::create(AuthorityKind::Cluster, "example-cluster", now, &mut rng)?;
    let key = KeyPair::generate(&mut rng)?;
    let names: Vec<SubjectAltName> = vec!["mke.example.com".parse()?, "10.0.0.5".parse()?];
    let request = CertificateRequest {
        profile: Profile::Server,
        common_name: "mke.example.com".to_owned(),
        organization: None,
        organizational_unit: None,
        names: names.clone(),
        public_key: key.public_key().clone(),
        validity: Duration::from_secs(90 * 24 * 60 * 60),
    };
    let certificate = authority.issue(&request, now, &mut rng)?;
    println!("{}", certificate.pem());

    let ca = authority.certificate_pem();
    let check = |addresses: &[SubjectAltName]| {
        verify_server_bundle(&ca, &certificate.pem(), &key.private_key_pem(), addresses, now)
    };
    match check(&names) {
        Ok(_) => println!("accepted for mke.example.com and 10.0.0.5"),
        Err(problems) => println!("refused: {problems:?}"),
    }
    match check(&["other.example.com".parse()?]) {
        Ok(_) => println!("accepted for other.example.com"),
        Err(problems) => {
            println!("refused for other.example.com:");
            for problem in problems {
                println!("  {problem}");
            }
        }
    }
    Ok(())
}
