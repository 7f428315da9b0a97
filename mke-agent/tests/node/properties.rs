//! Whatever a node looks like: the plan leads to what is wanted, leaves everything else as it was, and passes a check that
//! refuses each harmful step that is added to it.
//!
//! What is wanted in the end is computed here by a slow and obvious evaluator, from what was there before alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use mke_agent::node::{
    Action, ClusterState, ContainerSpec, ContainerState, Desired, FakeNode, Observed, ObservedContainer,
    ObservedNetwork, ObservedVolume, Outcome, Purpose, Step, apply, check, plan,
};
use mke_core::product::{Role, labels};
use proptest::prelude::*;

use super::world::{CLUSTER, SWARM_ONLY, cluster, foreign, node, turn};

/// What a place for a container may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Right(ContainerState),
    OtherSpec(ContainerState),
    OtherVersion(ContainerState),
    Foreign,
}

fn state() -> impl Strategy<Value = ContainerState> {
    prop_oneof![
        Just(ContainerState::Running),
        Just(ContainerState::Exited),
        Just(ContainerState::Created),
        Just(ContainerState::Paused),
        Just(ContainerState::Restarting),
        Just(ContainerState::Dead),
    ]
}

fn found() -> impl Strategy<Value = Found> {
    prop_oneof![
        3 => Just(Found::Nothing),
        4 => state().prop_map(Found::Right),
        2 => state().prop_map(Found::OtherSpec),
        1 => state().prop_map(Found::OtherVersion),
        1 => Just(Found::Foreign),
    ]
}

#[derive(Debug, Clone)]
struct Picture {
    role: Role,
    kubernetes: bool,
    places: Vec<(Found, Found)>,
    volumes: Vec<u8>,
    network: u8,
    images: bool,
    stray: Vec<(usize, ContainerState)>,
}

fn picture() -> impl Strategy<Value = Picture> {
    let next = prop_oneof![5 => Just(Found::Nothing), 3 => found()];
    (
        prop_oneof![Just(Role::Manager), Just(Role::Worker)],
        any::<bool>(),
        prop::collection::vec((found(), next), 20),
        prop::collection::vec(0_u8..3, 20),
        0_u8..4,
        any::<bool>(),
        prop::collection::vec((0_usize..30, state()), 0..4),
    )
        .prop_map(
            |(role, kubernetes, places, volumes, network, images, stray)| Picture {
                role,
                kubernetes,
                places,
                volumes,
                network,
                images,
                stray,
            },
        )
}

fn ours(more: &[(&str, String)]) -> BTreeMap<String, String> {
    let mut all = BTreeMap::from([(labels::INSTANCE_ID.to_owned(), CLUSTER.to_owned())]);
    all.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    all
}

/// What is wanted, described once for all cases.
fn desired(role: Role, kubernetes: bool) -> Desired {
    static ALL: LazyLock<Vec<(Role, bool, Desired)>> = LazyLock::new(|| {
        let mut all = Vec::new();
        for role in [Role::Manager, Role::Worker] {
            for kubernetes in [false, true] {
                let config = if kubernetes { "" } else { SWARM_ONLY };
                all.push((role, kubernetes, Desired::of(&cluster(3, config), &node(0, role))));
            }
        }
        all
    });
    let mut all = ALL.iter();
    let found = all.find(|(other, kube, _)| *other == role && *kube == kubernetes);
    found.map(|(_, _, desired)| desired.clone()).unwrap()
}

fn build(picture: &Picture) -> (Desired, FakeNode) {
    let desired = desired(picture.role, picture.kubernetes);
    let fake = FakeNode::new(CLUSTER);
    fake.meddle(|observed| {
        for (spec, (here, next)) in desired.containers.iter().zip(&picture.places) {
            for (name, found) in [(spec.name.clone(), here), (format!("{}-next", spec.name), next)] {
                let (version, digest, state) = match found {
                    Found::Nothing => continue,
                    Found::Foreign => {
                        foreign(observed, &name);
                        continue;
                    }
                    Found::Right(state) => (spec.image.tag.clone(), spec.digest(), *state),
                    Found::OtherSpec(state) => (spec.image.tag.clone(), "other".to_owned(), *state),
                    Found::OtherVersion(state) => ("3.4.1".to_owned(), spec.digest(), *state),
                };
                let container = ObservedContainer {
                    id: name.clone(),
                    image: spec.image.to_string(),
                    labels: ours(&[(labels::VERSION, version), (labels::SPEC, digest)]),
                    state,
                    exit_code: 1,
                    looping: false,
                    volumes: spec.volumes().map(str::to_owned).collect(),
                };
                observed.containers.insert(name, container);
            }
            if picture.images {
                observed.images.insert(spec.image.to_string());
            }
        }
        for (spec, kind) in desired.volumes.iter().zip(&picture.volumes) {
            let (driver, labels) = match kind {
                0 => continue,
                1 => ("local", ours(&[])),
                _ => ("nfs", BTreeMap::new()),
            };
            let volume = ObservedVolume {
                driver: driver.to_owned(),
                labels,
                files: Some(BTreeMap::new()),
                ..ObservedVolume::default()
            };
            observed.volumes.insert(spec.name.clone(), volume);
        }
        if picture.network > 0 {
            let network = ObservedNetwork {
                driver: if picture.network == 1 { "overlay" } else { "bridge" }.to_owned(),
                labels: if picture.network == 2 {
                    ours(&[])
                } else {
                    BTreeMap::new()
                },
                ..ObservedNetwork::default()
            };
            observed.networks.insert("ucp-bridge".to_owned(), network);
        }
        let table = mke_core::product::components();
        for (number, state) in &picture.stray {
            let component = &table[number % table.len()];
            observed
                .containers
                .entry(component.name.to_owned())
                .or_insert_with(|| ObservedContainer {
                    id: component.name.to_owned(),
                    image: "old".to_owned(),
                    labels: ours(&[]),
                    state: *state,
                    ..ObservedContainer::default()
                });
        }
        foreign(observed, "web");
    });
    (desired, fake)
}

/// The slow and obvious evaluator: which of the wanted containers cannot be helped, each for its own reason or for that of
/// one that it needs.
fn helpless(desired: &Desired, before: &Observed) -> BTreeSet<String> {
    let is_foreign = |name: &str| {
        before
            .containers
            .get(name)
            .is_some_and(|found| found.labels.get(labels::INSTANCE_ID).map(String::as_str) != Some(CLUSTER))
    };
    let network = before
        .networks
        .get("ucp-bridge")
        .is_some_and(|network| network.driver != "bridge");
    let mut helpless = BTreeSet::new();
    loop {
        let size = helpless.len();
        for spec in &desired.containers {
            let is_missing = !before.containers.contains_key(&spec.name);
            let joins = matches!(spec.network, mke_agent::node::NetworkMode::Bridge(_));
            let lacks = spec.needs.iter().any(|other| helpless.contains(other)) || (network && joins);
            if is_foreign(&spec.name) || is_foreign(&format!("{}-next", spec.name)) || (is_missing && lacks) {
                helpless.insert(spec.name.clone());
            }
        }
        if helpless.len() == size {
            return helpless;
        }
    }
}

/// A container that stays as it was made: that of a member of the store on a node that is no manager any more.
fn kept<'b>(desired: &Desired, before: &'b Observed, spec: &ContainerSpec) -> Option<&'b ObservedContainer> {
    let found = before.containers.get(&spec.name);
    found.filter(|found| {
        desired.role == Role::Worker && spec.name == "ucp-kv" && found.state != ContainerState::Dead
    })
}

async fn converge(desired: &Desired, fake: &FakeNode, state: &ClusterState) -> Vec<Outcome> {
    let observed = fake.look();
    let plan = plan(desired, &observed, state, Purpose::Converge);
    let checked = check(plan, desired, &observed, state).unwrap_or_else(|refusals| panic!("{refusals:#?}"));
    apply(fake, checked, |_| {}).await
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// ARCH-004, VOL-003: whatever a node looks like, one plan leads to what is wanted as far as anybody can help it, no
    /// step fails, what is not ours stays as it was, and the second plan is empty.
    #[test]
    fn one_plan_is_enough(picture in picture()) {
        let (desired, fake) = build(&picture);
        let state = turn(3, 0);
        let before = fake.look();
        let helpless = helpless(&desired, &before);
        let outcomes = block_on(converge(&desired, &fake, &state));
        for outcome in &outcomes {
            // A container that was there may lack a network that cannot be had; nothing else may fail.
            let is_network = matches!(outcome.step.action, Action::StartContainer { .. }) && picture.network == 1;
            prop_assert!(outcome.is_done() || is_network, "{outcome}");
        }
        let after = fake.look();
        for spec in &desired.containers {
            if helpless.contains(&spec.name) {
                prop_assert_eq!(after.containers.get(&spec.name), before.containers.get(&spec.name), "{}", &spec.name);
                continue;
            }
            let found = &after.containers[&spec.name];
            prop_assert!(matches!(found.state, ContainerState::Running | ContainerState::Restarting), "{}", spec.name);
            if let Some(kept) = kept(&desired, &before, spec) {
                prop_assert_eq!(&found.labels, &kept.labels);
                if kept.state == ContainerState::Running {
                    continue;
                }
            } else {
                prop_assert_eq!(&found.labels[labels::SPEC], &spec.digest());
                prop_assert_eq!(&found.labels[labels::VERSION], &spec.image.tag);
            }
            let next = format!("{}-next", spec.name);
            prop_assert!(!after.containers.contains_key(&next), "{}", next);
        }
        for (name, found) in &before.containers {
            if found.labels.get(labels::INSTANCE_ID).map(String::as_str) != Some(CLUSTER) {
                prop_assert_eq!(after.containers.get(name), Some(found));
            }
        }
        for (name, found) in &before.volumes {
            prop_assert_eq!(&after.volumes[name].driver, &found.driver);
        }
        prop_assert!(desired.volumes.iter().all(|volume| after.volumes.contains_key(&volume.name)));
        let second = plan(&desired, &after, &state, Purpose::Converge);
        prop_assert!(second.is_empty(), "{second}");
    }

    /// A harmful step is refused wherever in a plan it stands.
    #[test]
    fn harm_is_refused_anywhere(picture in picture(), place in any::<prop::sample::Index>(), which in 0_usize..6) {
        let (desired, fake) = build(&picture);
        let state = turn(3, 0);
        let observed = fake.look();
        let mut plan = plan(&desired, &observed, &state, Purpose::Converge);
        let harm = match which {
            0 => Action::StopContainer { name: "web".to_owned(), stop_seconds: 1 },
            1 => Action::RemoveContainer { name: "web".to_owned() },
            2 => Action::RemoveVolume { name: "ucp-node-certs".to_owned() },
            3 => Action::RemoveNetwork { name: "ucp-bridge".to_owned() },
            4 => Action::RemoveVolume { name: "customers".to_owned() },
            _ => Action::RenameContainer { from: "web".to_owned(), to: "ucp-dsinfo".to_owned() },
        };
        let at = place.index(plan.steps.len() + 1);
        // Whoever adds a step keeps the needs of the others right.
        for step in &mut plan.steps {
            for needed in &mut step.needs {
                if *needed >= at {
                    *needed += 1;
                }
            }
        }
        plan.steps.insert(at, Step { action: harm, reason: "harm".to_owned(), needs: Vec::new() });
        let refusals = check(plan, &desired, &observed, &state).unwrap_err();
        prop_assert_eq!(refusals[0].step, Some(at));
    }

    /// The order of what is seen makes no difference, and neither does looking twice: plans are functions.
    #[test]
    fn plans_are_functions(picture in picture()) {
        let (desired, fake) = build(&picture);
        let one = plan(&desired, &fake.look(), &turn(3, 0), Purpose::Converge);
        let other = plan(&desired, &fake.look(), &turn(3, 0), Purpose::Converge);
        prop_assert_eq!(one, other);
    }

    /// When the product leaves, nothing of ours is left but what is at work, and nothing else is gone.
    #[test]
    fn leaving_leaves_nothing(picture in picture()) {
        let (desired, fake) = build(&picture);
        let state = turn(3, 0);
        let before = fake.look();
        let leaving = plan(&desired, &before, &state, Purpose::Uninstall);
        let checked = check(leaving, &desired, &before, &state).unwrap();
        let outcomes = block_on(apply(&fake, checked, |_| {}));
        prop_assert!(outcomes.iter().all(Outcome::is_done), "{outcomes:#?}");
        let after = fake.look();
        for (name, found) in &before.containers {
            let component = mke_core::product::component(name.trim_end_matches("-next"));
            let stays = !Observed::is_ours(&found.labels, CLUSTER)
                || component.is_none_or(|component| {
                    component.kind != mke_core::product::Kind::Container
                        || component.placement == mke_core::product::Placement::OnDemand
                });
            prop_assert!(!after.containers.contains_key(name) || stays, "{}", name);
            if !Observed::is_ours(&found.labels, CLUSTER) {
                prop_assert!(after.containers.contains_key(name), "{}", name);
            }
        }
        for (name, volume) in &before.volumes {
            let is_used = after.containers.values().any(|container| container.volumes.contains(name));
            let is_ours = Observed::is_ours(&volume.labels, CLUSTER);
            prop_assert_eq!(after.volumes.contains_key(name), !is_ours || is_used, "{}", name);
        }
    }
}
