//! What every runtime must do. The node is empty but for a running container `ucp-upgrader` of somebody else; the image can be
//! had and holds `/bin/busybox` or is not run at all.

use std::collections::BTreeMap;

use mke_agent::node::{
    Action, ContainerSpec, ContainerState, DnsSettings, MountSource, MountSpec, NetworkMode, NetworkSpec,
    Observed, Restart, Runtime, Step, VolumeSpec,
};
use mke_core::product::{ImageRef, labels};

fn step(action: Action) -> Step {
    Step {
        action,
        reason: "the suite".to_owned(),
        needs: Vec::new(),
    }
}

fn named(name: &str) -> String {
    name.to_owned()
}

pub(crate) fn container(image: &str) -> ContainerSpec {
    ContainerSpec {
        name: named("ucp-proxy"),
        image: image.parse::<ImageRef>().unwrap(),
        entrypoint: vec![named("/bin/busybox")],
        command: vec![named("sleep"), named("1000")],
        first_start: Vec::new(),
        environment: BTreeMap::from([(named("UCP_NODE_ID"), named("n"))]),
        mounts: vec![
            MountSpec {
                source: MountSource::Volume(named("ucp-node-certs")),
                target: named("/etc/ucp/node"),
                read_only: true,
            },
            MountSpec {
                source: MountSource::Memory,
                target: named("/tmp"),
                read_only: false,
            },
        ],
        ports: Vec::new(),
        network: NetworkMode::Bridge(named("ucp-bridge")),
        dns: DnsSettings::default(),
        restart: Restart::UnlessStopped,
        privileged: false,
        host_processes: false,
        capabilities: Vec::new(),
        read_only: true,
        memory: None,
        processes: None,
        stop_seconds: 1,
        log_size: named("1m"),
        log_files: 2,
        reads: BTreeMap::new(),
        needs: Vec::new(),
    }
}

/// Runs the suite.
pub(crate) async fn run<R: Runtime>(runtime: &R, cluster_id: &str, image: &str) {
    let done = async |action: Action| {
        let shown = action.to_string();
        runtime
            .apply(&step(action))
            .await
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
    };
    let fails = async |action: Action, why: &str| {
        let shown = action.to_string();
        let error = runtime.apply(&step(action)).await.unwrap_err();
        assert!(error.to_string().contains(why), "{shown}: {error}, not {why}");
    };
    let look = async || runtime.observe().await.unwrap();
    let spec = container(image);
    let (own, next) = ("ucp-proxy", "ucp-proxy-next");
    let create = |name: &str, spec: &ContainerSpec| Action::CreateContainer {
        name: named(name),
        spec: Box::new(spec.clone()),
    };
    let start = |name: &str| Action::StartContainer { name: named(name) };
    let stop = |name: &str| Action::StopContainer {
        name: named(name),
        stop_seconds: 1,
    };
    let remove = |name: &str| Action::RemoveContainer { name: named(name) };
    let rename = |from: &str, to: &str| Action::RenameContainer {
        from: named(from),
        to: named(to),
    };
    let remove_volume = || Action::RemoveVolume {
        name: named("ucp-node-certs"),
    };
    let remove_network = || Action::RemoveNetwork {
        name: named("ucp-bridge"),
    };

    let before = look().await;
    assert!(
        before.networks.is_empty() && before.volumes.is_empty(),
        "{before:?}"
    );

    // Each thing is made once, and making it again is as good.
    let network = NetworkSpec {
        name: named("ucp-bridge"),
        driver: named("bridge"),
    };
    let volume = VolumeSpec {
        name: named("ucp-node-certs"),
        precious: false,
    };
    for _ in 0..2 {
        done(Action::Pull(spec.image.clone())).await;
        done(Action::CreateNetwork(network.clone())).await;
        done(Action::CreateVolume(volume.clone())).await;
        done(create(own, &spec)).await;
    }
    let seen = look().await;
    assert!(seen.images.contains(image), "{:?}", seen.images);
    assert_eq!(seen.networks["ucp-bridge"].driver, "bridge");
    assert!(Observed::is_ours(&seen.networks["ucp-bridge"].labels, cluster_id));
    let found = &seen.volumes["ucp-node-certs"];
    assert_eq!(found.driver, "local");
    assert!(
        found.mountpoint.ends_with("/volumes/ucp-node-certs/_data"),
        "{}",
        found.mountpoint
    );
    assert!(Observed::is_ours(&found.labels, cluster_id));
    let made = &seen.containers[own];
    assert_eq!(made.state, ContainerState::Created);
    assert_eq!(made.image, image);
    assert_eq!(made.labels[labels::SPEC], spec.digest());
    assert_eq!(made.labels[labels::VERSION], spec.image.tag);
    assert!(Observed::is_ours(&made.labels, cluster_id));
    assert!(made.volumes.contains("ucp-node-certs"), "{:?}", made.volumes);

    // The same name for something else is refused.
    let other = ContainerSpec {
        log_files: 3,
        ..spec.clone()
    };
    fails(create(own, &other), "in use").await;

    // Start and stop, each as often as one likes.
    for _ in 0..2 {
        done(start(own)).await;
        assert_eq!(look().await.containers[own].state, ContainerState::Running);
    }
    done(Action::UnpauseContainer { name: named(own) }).await;
    assert!(runtime.apply(&step(remove(own))).await.is_err(), "it runs");
    assert!(
        runtime.apply(&step(remove_volume())).await.is_err(),
        "it is in use"
    );
    assert!(
        runtime.apply(&step(remove_network())).await.is_err(),
        "it is in use"
    );

    // A replacement: made beside, then in its place.
    done(create(next, &other)).await;
    fails(rename(next, own), "in use").await;
    for _ in 0..2 {
        done(stop(own)).await;
        assert!(
            look()
                .await
                .containers
                .get(own)
                .is_none_or(|found| found.state == ContainerState::Exited)
        );
    }
    for _ in 0..2 {
        done(remove(own)).await;
    }
    done(stop(own)).await;
    for _ in 0..2 {
        done(rename(next, own)).await;
    }
    done(start(own)).await;
    let seen = look().await;
    assert_eq!(seen.containers[own].labels[labels::SPEC], other.digest());
    assert!(!seen.containers.contains_key(next));
    fails(start(next), "no container").await;

    // What is not ours is left alone.
    let foreign = "ucp-upgrader";
    for action in [
        stop(foreign),
        remove(foreign),
        start(foreign),
        rename(foreign, next),
    ] {
        fails(action, "not ours").await;
    }
    assert_eq!(look().await.containers[foreign].state, ContainerState::Running);

    // And everything goes again.
    for _ in 0..2 {
        done(stop(own)).await;
        done(remove(own)).await;
        done(remove_network()).await;
        done(remove_volume()).await;
    }
    let after = look().await;
    assert!(after.networks.is_empty() && after.volumes.is_empty(), "{after:?}");
    assert_eq!(after.containers.keys().collect::<Vec<_>>(), [foreign]);
}
