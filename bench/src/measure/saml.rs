//! What it costs to believe a SAML response: from the form field to the person, beside libxmlsec1 (as a library under
//! Python, and as the program in a loop of its own) and pysaml2 on the same documents in the same run.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use mke_auth::saml::{IdentityProvider, ServiceProvider, accept};
use mke_core::time::Timestamp;

use super::config::{output, python};
use crate::args::Args;
use crate::error::BenchError;
use crate::report::{Cell, Table};
use crate::stats::Spread;

/// Signed with RSA 2048 and SHA-256 at [`NOW`] for [`HOST`], as the answer to [`REQUEST`].
const DOCUMENTS: [(&str, &str, &str); 2] = [
    (
        "assertion signed",
        "assertion.xml",
        include_str!("saml/assertion.xml"),
    ),
    (
        "response and assertion signed",
        "both.xml",
        include_str!("saml/both.xml"),
    ),
];
const METADATA: &str = include_str!("saml/metadata.xml");
const CERTIFICATE: &str = include_str!("saml/idp.crt");
const HOST: &str = "mke.example.com";
const REQUEST: &str = "_request-1";
const NOW: &str = "2026-03-04T05:06:07Z";

/// Repetitions in one round; a figure is the least of their times, which is what the work itself takes.
const TIMES: u32 = 3000;
/// The same of libxmlsec1 under Python.
const LIBRARY_TIMES: u32 = 1000;
/// Repetitions inside one run of the program, whose start is measured apart and taken off.
const PROGRAM_TIMES: u32 = 500;
/// pysaml2 starts a program each time.
const PYSAML2_TIMES: u32 = 15;

/// Prints the least microseconds of verifying with libxmlsec1 as a library, and of pysaml2.
const PEERS: &str = r#"
import sys, time, warnings
warnings.filterwarnings("ignore")
document, metadata, certificate, library_times, pysaml2_times = sys.argv[1:6]
text = open(document, "rb").read()
import xmlsec
from lxml import etree
key = xmlsec.Key.from_file(certificate, xmlsec.constants.KeyDataFormatCertPem)
def verify():
    root = etree.fromstring(text)
    xmlsec.tree.add_ids(root, ["ID"])
    for signature in root.iter("{http://www.w3.org/2000/09/xmldsig#}Signature"):
        context = xmlsec.SignatureContext()
        context.key = key
        context.verify(signature)
    return root
def best(work, times):
    least = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - start)
    return least * 1e6
library = best(verify, int(library_times))
from saml2.config import SPConfig
from saml2.client import Saml2Client
config = SPConfig().load({
    "entityid": "https://mke.example.com/enzi/v0/saml/metadata",
    "xmlsec_binary": "/usr/bin/xmlsec1",
    "metadata": {"local": [metadata]},
    "service": {"sp": {"endpoints": {"assertion_consumer_service": ["https://mke.example.com/enzi/v0/saml/acs"]}}},
})
security = Saml2Client(config=config).sec
def correct():
    response = security.correctly_signed_response(text.decode(), must=False)
    assert response.assertion[0].subject.name_id.text == "jane"
    for assertion in response.assertion:
        security.check_signature(assertion, "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", text.decode())
print(library, best(correct, int(pysaml2_times)))
"#;

/// The table of this subject.
pub(super) fn run(args: &Args) -> Result<Vec<Table>, BenchError> {
    let directory = super::directory()?;
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).map_err(BenchError::file("write", path.display().to_string()))?;
        Ok::<_, BenchError>(path)
    };
    let (metadata, certificate) = (write("metadata.xml", METADATA)?, write("idp.crt", CERTIFICATE)?);
    let python = python()?;
    let mut table = Table::new(
        "A SAML response",
        &["document", "bytes", "work", "µs", "ratio to ours", "aim"],
    );
    for (name, file, text) in DOCUMENTS {
        let path = write(file, text)?;
        let (mut ours, mut library, mut program, mut pysaml2) = (vec![], vec![], vec![], vec![]);
        for _ in 0..args.rounds {
            ours.push(accepting(text)?);
            program.push(by_program(&path, &certificate)?);
            let told = output(
                Command::new(&python)
                    .args(["-c", PEERS])
                    .args([&path, &metadata, &certificate])
                    .args([LIBRARY_TIMES.to_string(), PYSAML2_TIMES.to_string()]),
            )?;
            let mut numbers = told.split_whitespace().map_while(|word| word.parse().ok());
            let (Some(verified), Some(correct)) = (numbers.next(), numbers.next()) else {
                return Err(BenchError::Malformed {
                    what: "the output of Python".to_owned(),
                    missing: "two numbers",
                });
            };
            library.push(verified);
            pysaml2.push(correct);
        }
        let aim = if text.len() < 3100 { "≤ 60 µs" } else { "" };
        for (work, times, aim) in [
            ("ours: base64, every check, the person", &ours, aim),
            ("libxmlsec1, library: parse, verify", &library, ""),
            (
                "libxmlsec1, program in a loop: parse, verify the first signature",
                &program,
                "",
            ),
            ("pysaml2: parse, verify with xmlsec1", &pysaml2, ""),
        ] {
            table.row([
                Cell::from(name),
                text.len().to_string().as_str().into(),
                work.into(),
                Spread::of(times.iter().copied()).into(),
                Spread::of_ratios(times, &ours).into(),
                aim.into(),
            ]);
        }
    }
    table.note(format!(
        "RSA 2048 with SHA-256. Each figure is the least of {TIMES} repetitions in one thread ({LIBRARY_TIMES} of the library, \
         {PYSAML2_TIMES} of pysaml2, which starts xmlsec1 for each signature); of the program it is the mean of {PROGRAM_TIMES} \
         in one process, its start taken off. The peers only verify; ours also checks times, audience, request and the rest."
    ));
    Ok(vec![table])
}

/// Microseconds of a whole acceptance, least of many.
fn accepting(text: &str) -> Result<f64, BenchError> {
    use base64::Engine as _;
    let broken = |missing| BenchError::Malformed {
        what: "the SAML example".to_owned(),
        missing,
    };
    let now: Timestamp = NOW.parse().map_err(|_| broken("time"))?;
    let provider = IdentityProvider::from_metadata(METADATA.as_bytes(), "https://idp.example.com/md", now)
        .map_err(|_| broken("metadata"))?;
    let me = ServiceProvider::at(HOST).map_err(|_| broken("host"))?;
    let encoded = base64::engine::general_purpose::STANDARD.encode(text);
    let requests = [REQUEST.to_owned()];
    let mut least = f64::INFINITY;
    for _ in 0..TIMES {
        let start = Instant::now();
        let proven = black_box(accept(black_box(&encoded), &provider, &me, &requests, now));
        least = least.min(crate::stats::micros(start.elapsed()));
        if proven.is_err() {
            return Err(broken("form that is accepted"));
        }
    }
    Ok(least)
}

/// Microseconds of one verification by the program `xmlsec1`, mean of many in one process.
fn by_program(document: &Path, certificate: &Path) -> Result<f64, BenchError> {
    let run = |times: u32| {
        let start = Instant::now();
        output(
            Command::new("xmlsec1")
                .args([
                    "--verify",
                    "--enabled-key-data",
                    "rsa",
                    "--repeat",
                    &times.to_string(),
                ])
                .arg("--pubkey-cert-pem")
                .arg(certificate)
                .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"])
                .args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"])
                .arg(document),
        )?;
        Ok::<_, BenchError>(crate::stats::micros(start.elapsed()))
    };
    let (once, many) = (run(1)?, run(PROGRAM_TIMES + 1)?);
    Ok((many - once) / f64::from(PROGRAM_TIMES))
}
