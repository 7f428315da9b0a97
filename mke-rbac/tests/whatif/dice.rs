//! Small random worlds, the same for the same seed.

use serde_json::{Value, json};

/// A sequence of numbers that depends on the seed only (SplitMix64).
pub(crate) struct Dice(u64);

pub(crate) const USERS: [&str; 4] = ["ada", "ben", "cyd", "dan"];
pub(crate) const TEAMS: [&str; 3] = ["x/one", "x/two", "y/one"];
const ROLES: [&str; 7] = [
    "none",
    "viewonly",
    "restrictedcontrol",
    "scheduler",
    "fullcontrol",
    "Builder",
    "Runner",
];

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % bound as u64).unwrap_or(0)
    }

    pub(crate) fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())].clone()
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn subject(&mut self) -> String {
        match self.below(8) {
            0 => "authenticated".to_owned(),
            1 => "anonymous".to_owned(),
            2 => format!("org:{}", self.pick(&["x", "y", "docker-datacenter"])),
            3 | 4 => format!("team:{}", self.pick(&TEAMS)),
            _ => format!("user:{}", self.pick(&USERS)),
        }
    }

    pub(crate) fn role(&mut self) -> String {
        self.pick(&ROLES).to_owned()
    }

    /// Paths of collections in a random tree, the built-in ones among them.
    fn tree(&mut self) -> Vec<String> {
        let mut paths = vec!["/Shared".to_owned()];
        for number in 0..4 + self.below(4) {
            let parent = match self.chance(30) {
                true => String::new(),
                false => self.pick(&paths),
            };
            paths.push(format!("{parent}/c{number}"));
        }
        paths
    }

    /// A world, and the paths of its collections.
    pub(crate) fn world(&mut self) -> (Value, Vec<String>) {
        let paths = self.tree();
        let mut users = json!({});
        for user in USERS {
            users[user] = json!({
                "admin": self.chance(15), "active": self.chance(90), "logged_in": self.chance(60),
            });
        }
        let members =
            |dice: &mut Self| -> Vec<&str> { USERS.into_iter().filter(|_| dice.chance(40)).collect() };
        let orgs = json!({
            "x": {"members": members(self), "teams": {"one": members(self), "two": members(self)}},
            "y": {"members": members(self), "teams": {"one": members(self)}},
        });
        let mut all = vec!["/".to_owned(), "/System".to_owned(), "/Shared/Private".to_owned()];
        all.extend(paths.iter().cloned());
        let grants: Vec<_> = (0..self.below(9))
            .map(|number| {
                json!({"id": format!("g{number}"), "subject": self.subject(), "role": self.role(),
                    "collection": self.pick(&all)})
            })
            .collect();
        let record = json!({
            "settings": {
                "default_new_user_role": self.pick(&["restrictedcontrol", "admin", "none"]),
                "docker_datacenter_scheduler": self.chance(70),
            },
            "users": users,
            "orgs": orgs,
            "collections": paths[1..],
            "roles": {
                "Builder": {"Container": {"Container Create": ["Privileged"], "Container Exec": []}},
                "Runner": {"Container": {"Container Create": ["PID Mode"]}, "Service": {"Service View": []}},
            },
            "grants": grants,
        });
        (record, all)
    }

    /// The file around a world.
    pub(crate) fn text(record: &Value) -> String {
        json!({"format": "rbac-scenarios/1", "worlds": {"one": record}}).to_string()
    }
}
