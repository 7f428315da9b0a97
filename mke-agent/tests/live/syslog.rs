//! The log level and the remote syslog, with real listeners.

use std::net::SocketAddr;

use mke_core::config::AuditLevel;
use tokio::io::{AsyncReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;
use tracing::subscriber::{DefaultGuard, set_default};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::client::Client;
use crate::support::{Controller, PATIENCE, until};

/// Makes this thread's messages those of the program of these controllers. Tests run on one thread.
fn program(controllers: &[&Controller]) -> DefaultGuard {
    let layers: Vec<_> = controllers
        .iter()
        .map(|controller| controller.logs.remote())
        .collect();
    set_default(tracing_subscriber::registry().with(layers))
}

async fn send_to(controller: &Controller, admin: &Client, protocol: &str, host: impl ToString, level: &str) {
    let (protocol, host, level) = (protocol.to_owned(), host.to_string(), level.to_owned());
    let edit = move |config: &mut mke_core::config::Config| {
        config.log.protocol = protocol;
        config.log.host = host;
        config.log.level = level;
    };
    controller.configure(admin, edit).await;
}

/// A receiver of octet-counted messages.
struct Stream(BufReader<TcpStream>);

impl Stream {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        Self(BufReader::new(stream))
    }

    async fn message(&mut self) -> String {
        let read = async {
            let mut length = 0;
            loop {
                match self.0.read_u8().await.unwrap() {
                    b' ' => break,
                    digit => length = length * 10 + usize::from(digit - b'0'),
                }
            }
            let mut text = vec![0; length];
            self.0.read_exact(&mut text).await.unwrap();
            String::from_utf8(text).unwrap()
        };
        timeout(PATIENCE, read).await.expect("a message comes")
    }

    /// Reads on to a message that holds this; gives it and those before it.
    async fn up_to(&mut self, part: &str) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        let search = async {
            while !seen.last().is_some_and(|text| text.contains(part)) {
                seen.push(self.message().await);
            }
        };
        let found = timeout(PATIENCE, search).await.is_ok();
        assert!(found, "no `{part}` in {seen:#?}");
        seen
    }
}

/// A message that is an error of this program: without an engine, its version cannot be told.
async fn fail_once(admin: &Client) {
    assert_eq!(admin.get("/info").await.status, 503);
}

/// CFG-007, CFG-045, LOG-003, AUD-003, AUD-004: log and audit records arrive over TCP in RFC 5424, framed by their length; the
/// level follows the configuration, and nothing restarts: an open connection and the session go on.
#[tokio::test]
async fn a_stream_of_messages_follows_the_level() {
    let controller = Controller::start().await;
    let _program = program(&[&controller]);
    let admin = controller.admin().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    send_to(&controller, &admin, "tcp", address, "INFO").await;
    let mut syslog = Stream::accept(&listener).await;

    fail_once(&admin).await;
    let seen = syslog.up_to("request failed").await;
    let text = seen.last().unwrap();
    assert!(text.starts_with("<27>1 2"), "{text}");
    assert!(text.contains(" ucp-controller "), "{text}");
    assert!(!seen.iter().any(|line| line.starts_with("<31>")), "{seen:?}");

    send_to(&controller, &admin, "tcp", address, "DEBUG").await;
    fail_once(&admin).await;
    syslog.up_to("<31>1 ").await;

    send_to(&controller, &admin, "tcp", address, "ERR").await;
    controller
        .configure(&admin, |config| config.audit_log.level = AuditLevel::Request)
        .await;
    let role = serde_json::json!({ "name": "canary" });
    admin.post("/roles", role).await;
    let seen = syslog.up_to("canary").await;
    let record = seen.last().unwrap();
    assert!(
        record.starts_with("<109>1 ") && record.contains(" audit - {\"audit\":{"),
        "{record}"
    );
    fail_once(&admin).await;
    let seen = syslog.up_to("request failed").await;
    let quiet = |line: &String| line.starts_with("<27>") || line.starts_with("<109>");
    assert!(seen.iter().all(quiet), "{seen:?}");
}

/// CFG-007: whoever listens late gets what was logged before; until then no request waits, and what happens shows in the
/// metrics.
#[tokio::test]
async fn a_dead_listener_that_comes_later() {
    let controller = Controller::start().await;
    let _program = program(&[&controller]);
    let admin = controller.admin().await;
    let address = silent();
    send_to(&controller, &admin, "tcp", address, "INFO").await;
    fail_once(&admin).await;
    until("a failure is counted", async || {
        (controller.logs.counts().failures > 0).then_some(())
    })
    .await;
    let page = admin.get("/metrics").await.text();
    let failures = page
        .lines()
        .find_map(|line| line.strip_prefix("ucp_controller_syslog_failures_total "));
    assert_ne!(failures.unwrap(), "0");
    assert_eq!(controller.logs.counts().sent, 0);

    let listener = TcpListener::bind(address).await.unwrap();
    let mut syslog = Stream::accept(&listener).await;
    let seen = syslog.up_to("request failed").await;
    // Complaints about the remote syslog are not sent to it.
    assert!(
        !seen.iter().any(|line| line.contains("remote syslog")),
        "{seen:?}"
    );

    // It goes away and comes back on the same port.
    drop(syslog);
    drop(listener);
    let before = controller.logs.counts().failures;
    until("the end is noticed", async || {
        (controller.logs.counts().failures > before).then_some(())
    })
    .await;
    fail_once(&admin).await;
    let listener = TcpListener::bind(address).await.unwrap();
    Stream::accept(&listener).await.up_to("request failed").await;
}

/// CFG-007: one datagram for each message; nobody there is noticed and counted, and later messages arrive.
#[tokio::test]
async fn datagrams() {
    let controller = Controller::start().await;
    let _program = program(&[&controller]);
    let admin = controller.admin().await;
    let address = silent();
    let socket = UdpSocket::bind(address).await.unwrap();
    send_to(&controller, &admin, "udp", address, "INFO").await;
    fail_once(&admin).await;
    datagram(&socket, "request failed").await;

    drop(socket);
    until("a refusal is counted", async || {
        fail_once(&admin).await;
        (controller.logs.counts().refused > 0).then_some(())
    })
    .await;
    let socket = UdpSocket::bind(address).await.unwrap();
    fail_once(&admin).await;
    // The loss is told to whom it hit.
    datagram(&socket, "were lost").await;
    datagram(&socket, "request failed").await;
}

/// CFG-011: without a host nothing is sent any more, and what waited is dropped and counted.
#[tokio::test]
async fn no_host() {
    let controller = Controller::start().await;
    let _program = program(&[&controller]);
    let admin = controller.admin().await;
    send_to(&controller, &admin, "tcp", silent(), "INFO").await;
    fail_once(&admin).await;
    let waiting = controller.logs.counts().waiting;
    assert!(waiting > 0);
    send_to(&controller, &admin, "tcp", "", "INFO").await;
    fail_once(&admin).await;
    let counts = controller.logs.counts();
    assert_eq!((counts.waiting, counts.sent), (0, 0));
    assert!(counts.dropped >= waiting);
}

/// CFG-007, CFG-045: the controller that was not told sends as well, at the same level.
#[tokio::test]
async fn every_controller_sends() {
    let controller = Controller::start().await;
    let second = controller.second().await;
    let _program = program(&[&second]);
    let admin = controller.admin().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    send_to(
        &controller,
        &admin,
        "tcp",
        listener.local_addr().unwrap(),
        "DEBUG",
    )
    .await;
    // Both connect; only the second one's messages are looked at.
    let (mut one, mut other) = (Stream::accept(&listener).await, Stream::accept(&listener).await);
    fail_once(&second.admin().await).await;
    tokio::select! {
        _ = one.up_to("<31>1 ") => {}
        _ = other.up_to("<31>1 ") => {}
    }
}

/// An address where nobody listens until the test does.
fn silent() -> SocketAddr {
    ([127, 0, 0, 1], mke_test_support::free_port()).into()
}

async fn datagram(socket: &UdpSocket, part: &str) {
    let receive = async {
        let mut bytes = [0; 16 * 1024];
        loop {
            let length = socket.recv(&mut bytes).await.unwrap();
            if String::from_utf8_lossy(&bytes[..length]).contains(part) {
                return;
            }
        }
    };
    timeout(PATIENCE, receive).await.expect("a datagram comes");
}
