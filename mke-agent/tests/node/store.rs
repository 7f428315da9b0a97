//! Plans about the store's member: what must lie there before it starts, and who keeps it as it was made.

use mke_agent::node::{Action, CertificateNeed, ContainerState, Desired, FakeNode, Plan};
use mke_core::product::{ProductVersion, Role};

use super::plan::{LOOK, manager};
use super::world::{SWARM_ONLY, again, cluster, lines, node, once, settled, stops, turn, well};

/// A node that was demoted in the middle of an upgrade keeps its member of the store as it was made: the new one reads a list of
/// revoked certificates that only a manager can sign. It is not taken down, it is started again when it stopped, and only a container
/// that is made anew must have that list.
#[tokio::test]
async fn demoted_during_an_upgrade() {
    let state = well(3);
    let mut newer = cluster(3, SWARM_ONLY);
    newer.version = ProductVersion::new(3, 4, 16);
    newer.managers.truncate(2);
    let desired = Desired::of(&newer, &node(2, Role::Worker));
    let image = |fake: &FakeNode| fake.look().containers["ucp-kv"].image.clone();
    let about_store = |plan: &Plan| -> Vec<String> {
        let lines = lines(plan);
        lines.into_iter().filter(|line| line.contains("ucp-kv")).collect()
    };
    for (found, expected, reads_list) in [
        (Some(ContainerState::Running), vec![], None),
        (
            Some(ContainerState::Exited),
            vec![LOOK, "start container ucp-kv"],
            Some(false),
        ),
        (
            Some(ContainerState::Paused),
            vec!["unpause container ucp-kv"],
            None,
        ),
        (
            None,
            vec![
                "create container ucp-kv from mirantis/ucp-etcd:3.4.16",
                LOOK,
                "start container ucp-kv",
            ],
            Some(true),
        ),
    ] {
        let fake = settled(&manager(2), &state).await;
        let before = image(&fake);
        fake.meddle(|observed| match found {
            Some(found) => observed.containers.get_mut("ucp-kv").unwrap().state = found,
            None => drop(observed.containers.remove("ucp-kv")),
        });
        let plan = again(&fake, &desired, &state);
        let mut steps = about_store(&plan);
        steps.retain(|line| !line.starts_with("pull"));
        assert_eq!(steps, expected, "{plan}");
        let vetted = plan.steps.iter().find_map(|step| match step.action {
            Action::VetStore { reads_list, .. } => Some(reads_list),
            _ => None,
        });
        assert_eq!(vetted, reads_list);
        let why = plan
            .blocked
            .iter()
            .find(|blocked| blocked.object == "container ucp-kv");
        match found {
            Some(ContainerState::Running) => {
                let why = why.unwrap();
                assert!(why.later && why.why.contains("no manager any more"), "{why:?}");
            }
            _ => assert_eq!(why, None),
        }
        once(&fake, &desired, &state).await;
        let kept = image(&fake) == before;
        assert_eq!(kept, found.is_some());
    }
}

/// What runs stays until the list of revoked certificates is there that its replacement reads, also when that was made before.
#[tokio::test]
async fn a_replacement_waits_for_its_list() {
    let state = turn(3, 0);
    let mut newer = cluster(3, SWARM_ONLY);
    newer.version = ProductVersion::new(3, 4, 16);
    let desired = Desired::of(&newer, &node(0, Role::Manager));
    let mut next = settled(&desired, &state).await.look().containers["ucp-kv"].clone();
    next.state = ContainerState::Created;
    let fake = settled(&manager(0), &state).await;
    fake.meddle(|observed| {
        observed.containers.insert("ucp-kv-next".to_owned(), next);
        observed.certificates = vec![CertificateNeed {
            volume: "ucp-kv-certs".to_owned(),
            what: "write the list".to_owned(),
            reason: "it is missing".to_owned(),
        }];
    });
    let plan = again(&fake, &desired, &state);
    let place = |is: &dyn Fn(&Action) -> bool| plan.steps.iter().position(|step| is(&step.action)).unwrap();
    let list = place(&|action| matches!(action, Action::Certificate(_)));
    let stop = place(&|action| stops(action, "ucp-kv"));
    assert!(plan.steps[stop].needs.contains(&list), "{plan}");
}
