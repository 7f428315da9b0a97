//! Images are built through a bundle.

use std::path::Path;

use super::cluster::Cluster;
use super::engine::{Engine, write_context};

const DOCKERFILE: &str = "FROM scratch\nARG WORD=none\nCOPY busybox /bin/busybox\nCOPY large /large\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"/bin/busybox wc -c < /large > /size\"]\nENV WORD=$WORD\nENTRYPOINT [\"/bin/busybox\"]\n";
/// Larger than any buffer on the way.
const LARGE: usize = 24 * 1024 * 1024;

fn write_large_context(directory: &Path) {
    write_context(directory);
    std::fs::write(directory.join("Dockerfile"), DOCKERFILE).unwrap();
    std::fs::write(directory.join("large"), vec![b'x'; LARGE]).unwrap();
}

/// DAPI-001: the classic builder sends its context as one stream, BuildKit through a session over HTTP/2. Users
/// without a grant on `/` may do neither, those with Restricted Control there may do both.
#[tokio::test(flavor = "multi_thread")]
async fn classic_and_buildkit() {
    let engine = Engine::start_swarm().await;
    let cluster = Cluster::start(engine.socket()).await;
    let context = cluster.directory().join("context");
    write_large_context(&context);
    let context = context.to_str().unwrap();
    let jane = cluster.user("jane").await;
    // BuildKit asks for a session and for the build at once and shows whichever refusal arrives first; of that of the
    // session it shows only the status.
    let refusal = "access denied: no access to Image Build";
    for (builder, user, refusals) in [
        (cluster.admin.clone(), jane.clone(), &[refusal][..]),
        (
            cluster.admin.with_buildkit(),
            jane.with_buildkit(),
            &[refusal, "received 403"],
        ),
    ] {
        builder
            .ok(&[
                "build",
                "--no-cache",
                "--build-arg",
                "WORD=built",
                "-t",
                "made",
                context,
            ])
            .await;
        let size = builder
            .ok(&[
                "run",
                "--rm",
                "made",
                "sh",
                "-c",
                "/bin/busybox cat /size; echo $WORD",
            ])
            .await;
        assert_eq!(
            size.split_whitespace().collect::<Vec<_>>(),
            [LARGE.to_string().as_str(), "built"]
        );
        let refused = user.fails(&["build", "-t", "mine", context]).await;
        assert!(refusals.iter().any(|text| refused.contains(text)), "{refused}");
        builder.ok(&["rmi", "made"]).await;
    }
    // Neither builder uses the control interface of BuildKit, which this role does not reach.
    let rita = cluster.user("rita").await;
    cluster
        .grant(&cluster.account_id("rita").await, "restrictedcontrol", "/")
        .await;
    for builder in [rita.clone(), rita.with_buildkit()] {
        builder.ok(&["build", "--no-cache", "-t", "hers", context]).await;
    }
    cluster.stop().await;
}
