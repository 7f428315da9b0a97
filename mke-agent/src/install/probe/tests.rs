//! What probes say, and who else is at work.

use super::*;
use mke_core::time::SystemClock;

/// A clock that says a moment between two of ours may be right; only what lies outside is surely wrong.
#[test]
fn clocks_that_differ_for_certain() {
    for (said, differs) in [
        (1_000, 0),
        (1_500, 0),
        (3_000, 0),
        (3_001, 1),
        (63_000, 60_000),
        (0, -1_000),
        (-5_000, -6_000),
    ] {
        assert_eq!(apart(1_000, said, 3_000), differs, "{said}");
    }
    // The clock here was set back meanwhile.
    assert_eq!(apart(1_000, 1_200, 900), 200);
}

/// INST-001: of two runs on an engine without a swarm one is told of the other, whichever of its calls meets it, and leaves nothing.
#[tokio::test]
async fn two_at_once() {
    use crate::install::played::Played;
    const CREATE: &str = "POST /containers/create?name=ucp-probe";
    let taken = Played::start(|asked| {
        Some(match asked.what.as_str() {
            CREATE => "409 {\"message\":\"the name is in use\"}",
            _ => "404 {}",
        })
    });
    let gone = Played::start(|asked| {
        Some(match asked.what.as_str() {
            CREATE => "201 {\"Id\":\"own\"}",
            _ => "404 {\"message\":\"no such container\"}",
        })
    });
    let going = Played::start(|asked| {
        Some(match asked.what.as_str() {
            CREATE => "201 {\"Id\":\"own\"}",
            "DELETE /containers/own?force=1" => "409 {\"message\":\"removal is already in progress\"}",
            _ => "404 {\"message\":\"no such container\"}",
        })
    });
    for engine in [taken, gone, going] {
        let probing = Probing {
            daemon: &engine.daemon,
            image: "mirantis/ucp-agent:3.4.15",
            instance: "",
            run: "run",
            managers: &[],
            workers: &[],
            images: [&[], &[]],
            clock: &SystemClock,
        };
        let refused = probing
            .this_engine(None, std::future::pending())
            .await
            .unwrap_err();
        let told = refused.to_string();
        assert!(
            told.contains("another run") && told.contains("wait until it has ended"),
            "{told}"
        );
    }
}

/// An engine that nobody reaches has nothing to say of images, which is not the same as having all.
#[tokio::test]
async fn images_of_no_engine() {
    let nowhere = Path::new("/nonexistent/docker.sock");
    assert_eq!(missing(nowhere, &["a".to_owned()]).await, None);
}

#[test]
fn ports_are_written_as_people_do() {
    for (text, udp, port) in [("tcp/443", false, 443), ("udp/4789", true, 4789)] {
        let wanted: Wanted = text.parse().unwrap();
        assert_eq!(wanted, Wanted { udp, port });
        assert_eq!(wanted.to_string(), text);
    }
    for text in ["443", "tcp/", "tcp/70000", "sctp/1", ""] {
        assert!(text.parse::<Wanted>().is_err(), "{text}");
    }
}

#[test]
fn privileges_from_the_kernel() {
    assert_eq!(no_new_privileges("Name:\tx\nNoNewPrivs:\t1\n"), Some(true));
    assert_eq!(no_new_privileges("NoNewPrivs:\t0\n"), Some(false));
    assert_eq!(no_new_privileges("Name:\tx\n"), None);
}

/// INST-022: a port that something holds is told, the others are open and answer.
#[tokio::test]
async fn ports_in_use_are_told() {
    let holder = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let taken = Wanted {
        udp: false,
        port: holder.local_addr().unwrap().port(),
    };
    let free = TcpListener::bind("0.0.0.0:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let free = Wanted {
        udp: false,
        port: free,
    };
    let (tell, told) = tokio::sync::oneshot::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let wanted = [taken, free];
    let probe = async {
        let ended = async { drop(ended.await) };
        let sought = Sought {
            node: "n1".to_owned(),
            ports: wanted.to_vec(),
            images: None,
        };
        run(
            sought,
            &SystemClock,
            |line| drop(tell.send(line.to_owned())),
            ended,
        )
        .await
    };
    let look = async {
        let said: Said = serde_json::from_str(&told.await.unwrap()).unwrap();
        let missing = unreachable([127, 0, 0, 1].into(), &wanted, &said.in_use).await;
        drop(end);
        (said, missing)
    };
    let (ended, (said, missing)) = tokio::join!(probe, look);
    ended.unwrap();
    drop(holder);
    assert_eq!(said.node, "n1");
    assert_eq!(said.in_use, [taken.to_string()].into());
    assert!(missing.is_empty(), "{missing:?}");
    assert!(said.kernel.is_some() && said.disk.is_some());
    let gone = unreachable([127, 0, 0, 1].into(), &[free], &BTreeSet::new()).await;
    assert_eq!(gone, [free.to_string()].into());
}
