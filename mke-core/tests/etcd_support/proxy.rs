//! A way to one member on which connections break while answers are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[derive(Default)]
struct Cutting {
    /// Every so many pieces of answers the connection is cut instead of passing it on; 0 cuts none.
    every: AtomicUsize,
    pieces: AtomicUsize,
    cuts: AtomicUsize,
}

/// The way, for as long as its runtime lives.
pub(crate) struct Proxy {
    port: u16,
    cutting: Arc<Cutting>,
}

impl Proxy {
    /// A way to this address, such as `http://127.0.0.1:2379`.
    pub(crate) async fn start(url: &str) -> Self {
        let target = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cutting = Arc::new(Cutting::default());
        let shared = cutting.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, target.clone(), shared.clone()));
            }
        });
        Self { port, cutting }
    }

    /// Where it begins.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Cuts the connection in place of every so manieth piece of an answer.
    pub(crate) fn cut_every(&self, pieces: usize) {
        self.cutting.every.store(pieces, Ordering::SeqCst);
    }

    /// How often it cut.
    pub(crate) fn cuts(&self) -> usize {
        self.cutting.cuts.load(Ordering::SeqCst)
    }
}

/// Carries one connection until one side ends or it is cut.
async fn carry(client: TcpStream, target: String, cutting: Arc<Cutting>) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let asking = tokio::io::copy(&mut from_client, &mut to_server);
    let answering = async {
        let mut piece = vec![0; 64 << 10];
        loop {
            let length = from_server.read(&mut piece).await.unwrap_or(0);
            if length == 0 {
                return;
            }
            let every = cutting.every.load(Ordering::SeqCst);
            if every > 0 && cutting.pieces.fetch_add(1, Ordering::SeqCst) % every == every - 1 {
                cutting.cuts.fetch_add(1, Ordering::SeqCst);
                return;
            }
            if to_client.write_all(&piece[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = asking => {}
        () = answering => {}
    }
}
