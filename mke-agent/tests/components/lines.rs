//! How a worker's agent speaks to controllers: on connections that stay, which nobody trusts longer than they are good.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use mke_agent::agent::node::controllers::ControllerAccess;
use mke_agent::controller::body::{Body, empty};
use mke_agent::engine::EngineClient;
use mke_agent::mtls::{self, Handler, Verified};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::world::World;

/// A controller that counts who comes.
#[derive(Default)]
struct Counting {
    handshakes: AtomicUsize,
    requests: AtomicUsize,
    /// Whether it has ceased to answer, as a machine that lost its power does.
    hangs: std::sync::atomic::AtomicBool,
}

impl Handler for Counting {
    async fn answer(self: Arc<Self>, _: Arc<Verified>, request: Request<Incoming>) -> Response<Body> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let body = request.into_body().collect().await.unwrap().to_bytes();
        self.requests.fetch_add(1, Ordering::SeqCst);
        let status = match body.is_empty() {
            true => StatusCode::NO_CONTENT,
            false => StatusCode::ACCEPTED,
        };
        let mut answer = Response::new(empty());
        *answer.status_mut() = status;
        answer
    }

    async fn before_handshake(&self) {
        self.handshakes.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counting {
    fn seen(&self) -> (usize, usize) {
        (
            self.handshakes.load(Ordering::SeqCst),
            self.requests.load(Ordering::SeqCst),
        )
    }
}

/// Reports take one handshake, not one each; a controller that was restarted is reached at once, one that hangs is left,
/// and a certificate that was replaced is shown from then on.
#[tokio::test]
async fn connections_stay() {
    let world = World::start().await;
    let counting = Arc::new(Counting::default());
    let serve = async |at: &str| {
        let listener = TcpListener::bind(at).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let stopping = CancellationToken::new();
        let serving = mtls::serve(listener, world.credentials(), counting.clone(), stopping.clone());
        (port, stopping, tokio::spawn(serving))
    };
    let (port, stopping, serving) = serve("127.0.0.1:0").await;
    let certs = world.volume("ucp-node-certs");
    let access = ControllerAccess::new(EngineClient::new(world.engine.socket()), &certs);
    let limit = Duration::from_millis(500);
    let tell = async |body: &[u8]| {
        let asked = access
            .ask(port, Method::PUT, "/report", body.to_vec(), limit)
            .await;
        asked.map(|(status, _)| status)
    };
    for _ in 0..3 {
        assert_eq!(tell(b"{}").await.unwrap(), StatusCode::ACCEPTED);
    }
    assert_eq!(tell(b"").await.unwrap(), StatusCode::NO_CONTENT);
    assert_eq!(counting.seen(), (1, 4));
    // Two at the same time need two.
    let (one, two) = tokio::join!(tell(b"{}"), tell(b"{}"));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(counting.seen(), (2, 6));

    stopping.cancel();
    serving.await.unwrap();
    assert!(tell(b"{}").await.is_err(), "nobody listens");
    let (_, _stopping, _serving) = serve(&format!("127.0.0.1:{port}")).await;
    assert_eq!(tell(b"{}").await.unwrap(), StatusCode::ACCEPTED);
    assert_eq!(counting.seen(), (3, 7));

    counting.hangs.store(true, Ordering::SeqCst);
    let error = tell(b"{}").await.unwrap_err().to_string();
    assert!(error.contains("did not answer within"), "{error}");
    counting.hangs.store(false, Ordering::SeqCst);
    assert_eq!(tell(b"{}").await.unwrap(), StatusCode::ACCEPTED);
    assert_eq!(counting.seen(), (4, 8));

    let cert = certs.join("cert.pem");
    let mut text = std::fs::read(&cert).unwrap();
    text.extend_from_slice(b"\n");
    std::fs::write(&cert, text).unwrap();
    assert_eq!(tell(b"{}").await.unwrap(), StatusCode::ACCEPTED);
    assert_eq!(counting.seen(), (5, 9));
}
