//! How many client bundles a second can be issued, beside `openssl` doing key, request and signature.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use mke_auth::bundle::{self, Place};
use mke_core::names::AccountName;
use mke_core::pki::AuthorityKind;

use super::directory;
use crate::args::Args;
use crate::error::BenchError;
use crate::peers::ucp::Ucp;
use crate::report::Table;
use crate::stats::Spread;
use crate::{process, trust};

/// Callers at once over HTTP, each a user with a connection of its own.
const CALLERS: u32 = 16;

/// Bundles of each caller in a round. An account may have 1,000 keys.
const EACH: u32 = 250;

/// Shells that call openssl at once.
const SHELLS: usize = 2;

/// Makes client certificates, at least one, until the time in `$1` (nanoseconds since 1970) has come; prints how
/// many. Each of the three calls is what the manuals of other projects show.
const OPENSSL_LOOP: &str = r#"
count=0
while :; do
    openssl ecparam -name prime256v1 -genkey -noout -out key.pem &&
    openssl req -new -key key.pem -subj /CN=user -out user.csr &&
    openssl x509 -req -in user.csr -CA ../ca.pem -CAkey ../ca.key -CAcreateserial -CAserial serial \
        -days 1825 -out cert.pem 2>/dev/null || exit 1
    count=$((count + 1))
    [ "$(date +%s%N)" -lt "$1" ] || break
done
echo "$count"
"#;

pub(super) async fn run(program: &Path, args: &Args) -> Result<Vec<Table>, BenchError> {
    let directory = directory()?;
    let path = directory.path();
    write_authority(path)?;
    let data = path.join("data");
    let ucp = Ucp::start(program, &data, &path.join("none.sock")).await?;
    let mut series: [Vec<f64>; 5] = Default::default();
    for round in 0..args.rounds {
        let [library, http, one, two, signatures] = &mut series;
        library.push(library_rate(args.duration())?);
        http.push(http_rate(&ucp, round).await?);
        one.push(openssl_rate(path, 1, args.duration()).await?);
        two.push(openssl_rate(path, SHELLS, args.duration()).await?);
        signatures.push(signature_rate().await?);
    }
    Ok(vec![table(&series)])
}

fn table(series: &[Vec<f64>; 5]) -> Table {
    let [library, http, one, two, signatures] = series;
    let mut table = Table::new(
        "Client bundles",
        &[
            "way",
            "per second",
            "ratio to openssl, one shell",
            "ratio to openssl, two shells",
            "aim",
        ],
    );
    let rows = [
        ("library, one thread: key, certificate, archive", library, ""),
        (
            "`GET /api/clientbundle`, 16 connections, key stored",
            http,
            "≥ 2000",
        ),
        ("openssl, one shell: key, request, certificate", one, ""),
        ("openssl, two shells", two, ""),
        (
            "P-256 signatures alone (`openssl speed`), one thread",
            signatures,
            "",
        ),
    ];
    for (way, rates, aim) in rows {
        table.row([
            way.into(),
            Spread::of(rates.iter().copied()).into(),
            Spread::of_ratios(rates, one).into(),
            Spread::of_ratios(rates, two).into(),
            aim.into(),
        ]);
    }
    table.note(
        "openssl packs no archive and stores nothing; most of its time is starting three processes a bundle.",
    );
    table.note("A bundle costs one key and one signature, each about one of the signatures in the last row.");
    table
}

fn library_rate(duration: Duration) -> Result<f64, BenchError> {
    let authority = trust::authority(AuthorityKind::Client)?;
    let server_ca = authority.certificate_pem();
    let place = Place::new("127.0.0.1", 443, 6443, "bench", true).map_err(BenchError::certificate)?;
    let user: AccountName = "bench".parse().map_err(BenchError::certificate)?;
    let mut rng = trust::rng();
    let mut count = 0.0;
    let start = Instant::now();
    while start.elapsed() < duration {
        let now = SystemTime::now().into();
        let issued = bundle::issue(&authority, &server_ca, &place, &user, now, &mut rng)
            .map_err(BenchError::certificate)?;
        std::hint::black_box(issued.into_zip());
        count += 1.0;
    }
    Ok(count / start.elapsed().as_secs_f64())
}

fn write_authority(directory: &Path) -> Result<(), BenchError> {
    let authority = trust::authority(AuthorityKind::Client)?;
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(BenchError::file("write", path.display()))
    };
    write("ca.pem", &authority.certificate_pem())?;
    write("ca.key", authority.key_pem().expose())
}

/// Every round has users of its own.
async fn http_rate(ucp: &Ucp, round: u32) -> Result<f64, BenchError> {
    let administrator = ucp.log_in_administrator().await?;
    let mut administrator = ucp.client().await?.with_token(&administrator);
    let mut callers = Vec::new();
    for caller in 0..CALLERS {
        let (_, token) = ucp
            .add_user(&mut administrator, &format!("caller-{round}-{caller}"))
            .await?;
        callers.push(ucp.client().await?.with_token(&token));
    }
    let start = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for mut caller in callers {
        running.spawn(async move {
            for _ in 0..EACH {
                caller.get("/api/clientbundle").await?;
            }
            Ok::<_, BenchError>(())
        });
    }
    for finished in running.join_all().await {
        finished?;
    }
    Ok(f64::from(CALLERS * EACH) / start.elapsed().as_secs_f64())
}

async fn openssl_rate(directory: &Path, shells: usize, duration: Duration) -> Result<f64, BenchError> {
    let start = Instant::now();
    let end = SystemTime::now() + duration;
    let end = end
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    let mut running = tokio::task::JoinSet::new();
    for number in 0..shells {
        let own = directory.join(format!("shell-{number}"));
        std::fs::create_dir_all(&own).map_err(BenchError::file("make", own.display()))?;
        let mut shell = tokio::process::Command::new("sh");
        shell
            .args(["-c", OPENSSL_LOOP, "sh"])
            .arg(end.to_string())
            .current_dir(&own);
        running.spawn(async move { process::output("openssl in a shell", &mut shell).await });
    }
    let mut count = 0.0;
    for printed in running.join_all().await {
        count += number(printed?.trim(), "the openssl loop", "count")?;
    }
    Ok(count / start.elapsed().as_secs_f64())
}

/// Signatures a second that `openssl speed` reports for P-256.
async fn signature_rate() -> Result<f64, BenchError> {
    let mut command = tokio::process::Command::new("openssl");
    command.args(["speed", "-seconds", "1", "ecdsap256"]);
    let text = process::output("openssl speed", &mut command).await?;
    signatures(&text)
}

fn signatures(text: &str) -> Result<f64, BenchError> {
    let line = text.lines().find(|line| line.contains("nistp256"));
    let mut words = line.unwrap_or_default().split_whitespace().rev();
    // … sign/s verify/s
    let rate = words.nth(1).unwrap_or_default();
    number(rate, "the output of openssl speed", "sign/s")
}

fn number(text: &str, what: &str, missing: &'static str) -> Result<f64, BenchError> {
    text.parse().map_err(|_| BenchError::Malformed {
        what: what.to_owned(),
        missing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_rate_is_the_last_column_but_one() {
        let text = "\
version: 3.0.19
                              sign    verify    sign/s verify/s
 256 bits ecdsa (nistp256)   0.0000s   0.0001s  46023.8  14987.0
";
        assert_eq!(signatures(text).unwrap(), 46023.8);
        assert!(signatures("nothing").is_err());
    }

    #[tokio::test]
    async fn openssl_accepts_our_authority() {
        let directory = tempfile::tempdir().unwrap();
        write_authority(directory.path()).unwrap();
        let rate = openssl_rate(directory.path(), 1, Duration::from_millis(1))
            .await
            .unwrap();
        assert!(rate > 0.0);
        let mut verify = tokio::process::Command::new("openssl");
        verify
            .args(["verify", "-CAfile", "ca.pem", "shell-0/cert.pem"])
            .current_dir(directory.path());
        assert_eq!(
            process::output("openssl", &mut verify).await.unwrap(),
            "shell-0/cert.pem: OK\n"
        );
    }
}
