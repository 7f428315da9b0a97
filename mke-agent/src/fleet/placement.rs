//! On which node something is made: who is out of the question, and who of the rest is best. Pure.
//!
//! The order is that of the classic Swarm: filters take nodes away until one leaves none, then the strategy picks. Soft
//! wishes take nodes away only where some are left. Whether somebody may use a node was decided before and comes in as
//! [`Candidate::admitted`].

use std::cmp::Reverse;

use mke_rbac::engine::wishes::{Wish, Wishes};

/// A node that might take it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Whether the schedule of the caller allows it (R40 to R45).
    pub admitted: bool,
    /// Whether it answers, takes work, and Swarm may use it.
    pub working: bool,
    /// What constraints can ask for, beside `node`: labels of the engine and facts such as `ostype`.
    pub properties: Vec<(String, String)>,
    /// Its containers with ids, names and labels as `key=value`, for affinities.
    pub containers: Vec<ContainerMarks>,
    /// How many containers it has, those that are being made included.
    pub count: usize,
    /// Ports of the node that are taken.
    pub ports: Vec<(u16, String)>,
    /// Whether it has the image.
    pub image: bool,
    /// Names that find one of its images, for affinities.
    pub images: Vec<String>,
    /// Processors, in billionths.
    pub nano_cpus: i64,
    /// Memory, in bytes.
    pub memory_bytes: i64,
    /// How many of the named volumes it holds already.
    pub volumes: usize,
}

/// What affinities can ask for about a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerMarks {
    /// Id and names.
    pub names: Vec<String>,
    /// Labels.
    pub labels: Vec<(String, String)>,
}

/// What is to be made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// What the caller said about nodes.
    pub wishes: Wishes,
    /// Names of nodes that have what it depends on; nothing when it depends on nothing of a node.
    pub only: Option<Vec<String>>,
    /// Ports of the node that it needs.
    pub ports: Vec<(u16, String)>,
    /// Processors that it may use, in billionths; 0 for no limit.
    pub nano_cpus: i64,
    /// Memory that it may use, in bytes; 0 for no limit.
    pub memory_bytes: i64,
    /// Whether it runs an image, so that nodes that have it are better.
    pub needs_image: bool,
}

/// How the classic scheduler picks (INST-015).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// The node with the fewest containers.
    #[default]
    Spread,
    /// The fullest node that still has room.
    Binpack,
    /// Any.
    Random,
}

impl Strategy {
    /// The strategy of a configuration; what is unknown is the default.
    pub fn of(name: &str) -> Self {
        match name {
            "binpack" => Self::Binpack,
            "random" => Self::Random,
            _ => Self::Spread,
        }
    }
}

/// Why no node is left (SCH-005).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not find any nodes on which the container could be created: {why}")]
pub struct NoNode {
    /// What took the last ones away.
    pub why: String,
}

/// Picks a node: its position among the candidates. `chance` is any number; it decides for [`Strategy::Random`].
///
/// # Errors
/// [`NoNode`] with the filter that left nobody.
pub fn choose(
    candidates: &[Candidate],
    wanted: &Wanted,
    strategy: Strategy,
    chance: u64,
) -> Result<usize, NoNode> {
    let mut left: Vec<usize> = (0..candidates.len()).collect();
    let keep = |left: &mut Vec<usize>, fits: &dyn Fn(&Candidate) -> bool| {
        left.retain(|position| candidates.get(*position).is_some_and(fits));
    };
    let must = |left: &mut Vec<usize>, why: &dyn Fn() -> String, fits: &dyn Fn(&Candidate) -> bool| {
        keep(left, fits);
        if left.is_empty() {
            Err(NoNode { why: why() })
        } else {
            Ok(())
        }
    };
    let prefer = |left: &mut Vec<usize>, fits: &dyn Fn(&Candidate) -> bool| {
        let mut fewer = left.clone();
        keep(&mut fewer, fits);
        if !fewer.is_empty() {
            *left = fewer;
        }
    };
    must(
        &mut left,
        &|| "you may not schedule on any node that could take it".to_owned(),
        &|node| node.admitted,
    )?;
    must(
        &mut left,
        &|| "no node where you may schedule answers, is active and belongs to Swarm".to_owned(),
        &|node| node.working,
    )?;
    if let Some(name) = &wanted.wishes.node {
        must(&mut left, &|| format!("node {name} cannot take it"), &|node| {
            node.name == *name || node.id == *name
        })?;
    }
    for wish in &wanted.wishes.constraints {
        let fits = |node: &Candidate| constraint(wish, node);
        if wish.soft {
            prefer(&mut left, &fits);
        } else {
            must(&mut left, &|| format!("constraint {}", shown(wish)), &fits)?;
        }
    }
    for wish in &wanted.wishes.affinities {
        let fits = |node: &Candidate| affinity(wish, node);
        if wish.soft {
            prefer(&mut left, &fits);
        } else {
            must(&mut left, &|| format!("affinity {}", shown(wish)), &fits)?;
        }
    }
    if let Some(only) = &wanted.only {
        must(
            &mut left,
            &|| "what it depends on is on no single node that could take it".to_owned(),
            &|node| only.contains(&node.name),
        )?;
    }
    for port in &wanted.ports {
        must(
            &mut left,
            &|| format!("port {}/{} is taken", port.0, port.1),
            &|node| !node.ports.contains(port),
        )?;
    }
    must(
        &mut left,
        &|| "no node has so many processors or so much memory".to_owned(),
        &|node| wanted.nano_cpus <= node.nano_cpus && wanted.memory_bytes <= node.memory_bytes,
    )?;
    prefer(&mut left, &|node| node.volumes > 0);
    if wanted.needs_image {
        prefer(&mut left, &|node| node.image);
    }
    Ok(pick(candidates, &left, strategy, chance))
}

fn pick(candidates: &[Candidate], left: &[usize], strategy: Strategy, chance: u64) -> usize {
    let node = |position: &usize| candidates.get(*position);
    let count = |position: &usize| node(position).map_or(0, |node| node.count);
    // Of equals the larger one, then the first by name.
    let memory = |position: &usize| node(position).map_or(0, |node| node.memory_bytes);
    let best = match strategy {
        Strategy::Spread => left.iter().min_by_key(|at| (count(at), Reverse(memory(at)))),
        Strategy::Binpack => left.iter().min_by_key(|at| (Reverse(count(at)), memory(at))),
        Strategy::Random => {
            let number = u64::try_from(left.len()).unwrap_or(1).max(1);
            left.get(usize::try_from(chance % number).unwrap_or(0))
        }
    };
    best.copied().unwrap_or(0)
}

fn shown(wish: &Wish) -> String {
    let operator = if wish.equal { "==" } else { "!=" };
    format!("{}{operator}{}", wish.key, wish.value)
}

/// Whether a node is what a constraint asks for. A property that a node lacks equals nothing.
fn constraint(wish: &Wish, node: &Candidate) -> bool {
    let found = if wish.key.eq_ignore_ascii_case("node") {
        wish.names([node.name.as_str(), node.id.as_str()])
    } else {
        let key = wish.key.to_lowercase();
        let values = node
            .properties
            .iter()
            .filter(|(name, _)| name.to_lowercase() == key)
            .map(|(_, value)| value.as_str());
        wish.names(values)
    };
    found == wish.equal
}

/// Whether a node holds what an affinity asks for: a container, an image, or a container with a label.
fn affinity(wish: &Wish, node: &Candidate) -> bool {
    let found = match wish.key.as_str() {
        "container" => node
            .containers
            .iter()
            .any(|container| wish.names(container.names.iter().map(String::as_str))),
        "image" => wish.names(node.images.iter().map(String::as_str)),
        label => node.containers.iter().any(|container| {
            let values = container.labels.iter().filter(|(key, _)| key == label);
            wish.names(values.map(|(_, value)| value.as_str()))
        }),
    };
    found == wish.equal
}

/// The node that takes all that has this key, as long as nodes stay the same; when one comes or goes, only what was on it
/// or comes to it moves (rendezvous hashing).
pub fn steady<'n>(key: &str, nodes: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    use sha2::{Digest, Sha256};
    nodes.into_iter().max_by_key(|node| {
        let mut hash = Sha256::new();
        hash.update(key.as_bytes());
        hash.update([0]);
        hash.update(node.as_bytes());
        <[u8; 32]>::from(hash.finalize())
    })
}

#[cfg(test)]
mod tests {
    use super::{Strategy, *};
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    fn node(name: &str, count: usize) -> Candidate {
        Candidate {
            name: name.to_owned(),
            id: format!("id-{name}"),
            admitted: true,
            working: true,
            count,
            nano_cpus: 4_000_000_000,
            memory_bytes: 1 << 30,
            ..Candidate::default()
        }
    }

    fn wish(expression: &str) -> Wish {
        Wish::parse(expression).unwrap()
    }

    fn constrained(expressions: &[&str]) -> Wanted {
        Wanted {
            wishes: Wishes {
                constraints: expressions.iter().map(|text| wish(text)).collect(),
                ..Wishes::default()
            },
            ..Wanted::default()
        }
    }

    fn chosen(nodes: &[Candidate], wanted: &Wanted) -> Result<String, String> {
        match choose(nodes, wanted, Strategy::Spread, 0) {
            Ok(position) => Ok(nodes[position].name.clone()),
            Err(none) => Err(none.to_string()),
        }
    }

    /// INST-015: the fewest, the most, or any.
    #[test]
    fn strategies() {
        let nodes = [node("n1", 3), node("n2", 1), node("n3", 5)];
        let pick = |strategy, chance| choose(&nodes, &Wanted::default(), strategy, chance).unwrap();
        assert_eq!(pick(Strategy::Spread, 7), 1);
        assert_eq!(pick(Strategy::Binpack, 7), 2);
        assert_eq!(
            [0, 1, 2, 3].map(|chance| pick(Strategy::Random, chance)),
            [0, 1, 2, 0]
        );
        for (name, strategy) in [
            ("spread", Strategy::Spread),
            ("binpack", Strategy::Binpack),
            ("random", Strategy::Random),
            ("", Strategy::Spread),
        ] {
            assert_eq!(Strategy::of(name), strategy);
        }
        // Of equals the larger one, then the first.
        let mut equal = [node("n1", 1), node("n2", 1), node("n3", 1)];
        equal[2].memory_bytes *= 2;
        assert_eq!(
            choose(&equal, &Wanted::default(), Strategy::Spread, 0).unwrap(),
            2
        );
        assert_eq!(
            choose(&equal, &Wanted::default(), Strategy::Binpack, 0).unwrap(),
            0
        );
    }

    /// SCH-005, SCH-001: what takes the last node away is said, and rights come first.
    #[test]
    fn nobody_is_left() {
        let forbidden = |name| Candidate {
            admitted: false,
            ..node(name, 0)
        };
        let resting = |name| Candidate {
            working: false,
            ..node(name, 0)
        };
        let say = |nodes: &[Candidate], wanted: &Wanted| chosen(nodes, wanted).unwrap_err();
        let prefix = "could not find any nodes on which the container could be created: ";
        for (nodes, wanted, why) in [
            (vec![], Wanted::default(), "you may not schedule"),
            (vec![forbidden("n1")], Wanted::default(), "you may not schedule"),
            (
                vec![forbidden("n1")],
                constrained(&["node==n1"]),
                "you may not schedule",
            ),
            (
                vec![forbidden("n1"), resting("n2")],
                Wanted::default(),
                "no node where you may schedule answers",
            ),
            (
                vec![forbidden("n1"), node("n2", 0)],
                constrained(&["node==n1"]),
                "constraint node==n1",
            ),
            (
                vec![node("n1", 0)],
                constrained(&["storage==ssd"]),
                "constraint storage==ssd",
            ),
            (
                vec![node("n1", 0)],
                Wanted {
                    memory_bytes: 2 << 30,
                    ..Wanted::default()
                },
                "no node has so many",
            ),
            (
                vec![Candidate {
                    ports: vec![(80, "tcp".to_owned())],
                    ..node("n1", 0)
                }],
                Wanted {
                    ports: vec![(80, "tcp".to_owned())],
                    ..Wanted::default()
                },
                "port 80/tcp",
            ),
            (
                vec![node("n1", 0)],
                Wanted {
                    only: Some(vec!["n2".to_owned()]),
                    ..Wanted::default()
                },
                "what it depends on",
            ),
            (
                vec![node("n1", 0)],
                Wanted {
                    wishes: Wishes {
                        node: Some("n9".to_owned()),
                        ..Wishes::default()
                    },
                    ..Wanted::default()
                },
                "node n9",
            ),
        ] {
            let said = say(&nodes, &wanted);
            assert!(said.starts_with(&format!("{prefix}{why}")), "{said}");
        }
    }

    /// DAPI-002: constraints and affinities of the classic Swarm.
    #[test]
    fn wishes_narrow_down() {
        let mut nodes = [node("n1", 1), node("n2", 2), node("n3", 3)];
        nodes[1].properties = vec![
            ("storage".into(), "ssd".into()),
            ("OStype".into(), "linux".into()),
        ];
        nodes[2].properties = vec![("storage".into(), "disk".into())];
        nodes[2].containers = vec![ContainerMarks {
            names: vec!["aa11".into(), "db".into()],
            labels: vec![("tier".into(), "back".into())],
        }];
        nodes[1].images = vec!["redis:6".into()];
        for (expressions, expected) in [
            (vec![], Ok("n1")),
            (vec!["node==n3"], Ok("n3")),
            (vec!["node==id-n2"], Ok("n2")),
            (vec!["node!=n1"], Ok("n2")),
            (vec!["node==n*", "node!=n1"], Ok("n2")),
            (vec!["storage==ssd"], Ok("n2")),
            (vec!["STORAGE==d*"], Ok("n3")),
            (vec!["storage!=ssd"], Ok("n1")),
            (vec!["ostype==linux"], Ok("n2")),
            (vec!["storage==~tape"], Ok("n1")),
            (vec!["storage==~disk"], Ok("n3")),
            (vec!["storage==~disk", "node!=n3"], Err(())),
            (vec!["storage==tape"], Err(())),
        ] {
            let found = chosen(&nodes, &constrained(&expressions));
            assert_eq!(found.as_deref().map_err(|_| ()), expected, "{expressions:?}");
        }
        for (expression, expected) in [
            ("container==db", Ok("n3")),
            ("container==aa11", Ok("n3")),
            ("container!=d*", Ok("n1")),
            ("image==redis*", Ok("n2")),
            ("tier==back", Ok("n3")),
            ("tier==front", Err(())),
            ("tier==~front", Ok("n1")),
        ] {
            let wanted = Wanted {
                wishes: Wishes {
                    affinities: vec![wish(expression)],
                    ..Wishes::default()
                },
                ..Wanted::default()
            };
            assert_eq!(
                chosen(&nodes, &wanted).as_deref().map_err(|_| ()),
                expected,
                "{expression}"
            );
        }
    }

    #[test]
    fn what_is_there_is_better() {
        let mut nodes = [node("n1", 0), node("n2", 5), node("n3", 9)];
        nodes[1].image = true;
        nodes[2].volumes = 1;
        assert_eq!(
            chosen(
                &nodes[..2],
                &Wanted {
                    needs_image: true,
                    ..Wanted::default()
                }
            )
            .unwrap(),
            "n2"
        );
        assert_eq!(
            chosen(
                &nodes,
                &Wanted {
                    needs_image: true,
                    ..Wanted::default()
                }
            )
            .unwrap(),
            "n3"
        );
    }

    proptest! {
        /// As looking at every node alone: whoever is chosen passes every filter, and nobody who passes is emptier.
        #[test]
        fn spread_is_fair(
            nodes in prop::collection::vec((any::<bool>(), any::<bool>(), 0usize..4, 0u16..3), 1..6),
            port in 0u16..3,
        ) {
            let nodes: Vec<Candidate> = nodes.iter().enumerate().map(|(number, (admitted, working, count, taken))| Candidate {
                admitted: *admitted, working: *working, ports: vec![(*taken, "tcp".to_owned())],
                ..node(&format!("n{number}"), *count)
            }).collect();
            let wanted = Wanted { ports: vec![(port, "tcp".to_owned())], ..Wanted::default() };
            let fits = |node: &&Candidate| node.admitted && node.working && node.ports[0].0 != port;
            let emptiest = nodes.iter().filter(fits).map(|node| node.count).min();
            match choose(&nodes, &wanted, Strategy::Spread, 0) {
                Ok(position) => {
                    prop_assert!(fits(&&nodes[position]));
                    prop_assert_eq!(Some(nodes[position].count), emptiest);
                }
                Err(_) => prop_assert_eq!(emptiest, None),
            }
        }

        /// Only what was on the node that goes away moves.
        #[test]
        fn builds_stay_where_they_are(keys in prop::collection::vec("[a-z]{1,8}", 1..40), gone in 0usize..4) {
            let all = ["n1", "n2", "n3", "n4"];
            let left: Vec<&str> = all.iter().copied().filter(|node| *node != all[gone]).collect();
            for key in &keys {
                let before = steady(key, all).unwrap();
                let after = steady(key, left.iter().copied()).unwrap();
                prop_assert!(before == after || before == all[gone]);
            }
            prop_assert_eq!(steady("x", []), None);
        }
    }
}
