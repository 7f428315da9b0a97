//! Comparing two policies: every decision that flips, for whom and where, without asking for every decision.
//!
//! Used by [`simulate`](super::Simulate) and [`diff`](super::Diff). Nothing is decided here: rights come from
//! [`Policy::effective`] on both sides.

mod forest;
mod kubernetes;
mod report;
mod rules;
mod swarm;
mod uses;

use std::collections::{HashMap, HashSet};

use mke_core::ids::AccountId;

use forest::Forest;
pub(super) use forest::Same;
pub use report::{
    Difference, DifferenceCounts, KubernetesSubjectChange, Operations, PlaceChange, PlaceState, ScopeChange,
    SubjectChange,
};
pub(super) use report::{plural, rule_text, shortened};
pub(super) use rules::rules_of;
pub(super) use uses::Uses;

use swarm::{ByChange, Comparison, Person};

use super::Scene;
use super::directory::Directory;
use crate::change::Group;
use crate::decision::Subject;
use crate::model::User;
use crate::policy::Policy;

/// How many users or exceptions one entry names.
const NAMED: usize = 10;

/// How two scenes are compared.
pub(super) struct Options<'o> {
    /// What counts as the same.
    pub(super) same: Same,
    /// Only these users, when it is known that nothing changes for others.
    pub(super) only: Option<&'o HashSet<AccountId>>,
    /// How many entries are listed.
    pub(super) limit: usize,
}

/// Compares two scenes.
pub(super) fn compare(before: &Scene<'_>, after: &Scene<'_>, options: &Options<'_>) -> Difference {
    let mut difference = Difference {
        counts: DifferenceCounts::default(),
        swarm: Vec::new(),
        kubernetes: Vec::new(),
        left_out: 0,
    };
    let mut people = people(before.policy, after.policy, options.same);
    let pairs: Vec<_> = people.iter().map(|one| (one.before, one.after)).collect();
    kubernetes::compare(before, after, &pairs, options, &mut difference);
    if let Some(only) = options.only {
        let wanted = |user: Option<&User>| user.is_some_and(|user| only.contains(&user.id));
        people.retain(|one| wanted(one.before) || wanted(one.after));
    }
    compare_swarm(before, after, &people, options, &mut difference);
    difference
}

/// Users of either policy in the order of their names.
///
/// Who is gone and who is new under the same name stand together: whoever asks knows names, and what the name may do is
/// what counts. Otherwise an account that is removed and made again would gain everything and lose everything.
fn people<'p>(before: &'p Policy, after: &'p Policy, same: Same) -> Vec<Person<'p>> {
    let key = |user: &'p User| match same {
        Same::Id => user.id.as_str(),
        Same::Path => user.name.as_str(),
    };
    let mut people: HashMap<&str, Person<'p>> = HashMap::new();
    let nobody = Person {
        before: None,
        after: None,
    };
    for user in before.users() {
        people.entry(key(user)).or_insert(nobody).before = Some(user);
    }
    let mut gone: HashMap<&str, &str> = HashMap::new();
    if same == Same::Id {
        let missing = before
            .users()
            .filter(|user| after.user(user.id.as_str()).is_none());
        gone.extend(missing.map(|user| (user.name.as_str(), user.id.as_str())));
    }
    for user in after.users() {
        let known = people.contains_key(key(user));
        let made_again = if known {
            None
        } else {
            gone.remove(user.name.as_str())
        };
        let key = made_again.unwrap_or_else(|| key(user));
        people.entry(key).or_insert(nobody).after = Some(user);
    }
    let mut people: Vec<_> = people.into_values().collect();
    people.sort_by_key(|person| name(person));
    people
}

fn name<'p>(person: &Person<'p>) -> &'p str {
    let user = person.after.or(person.before);
    user.map_or("", |user| user.name.as_str())
}

fn compare_swarm(
    before: &Scene<'_>,
    after: &Scene<'_>,
    people: &[Person<'_>],
    options: &Options<'_>,
    difference: &mut Difference,
) {
    let forest = Forest::new(before.policy, after.policy, options.same);
    let comparison = Comparison {
        before: before.policy,
        after: after.policy,
        forest: &forest,
    };
    let account = |user: Option<&User>| user.map(|user| Subject::Account(user.id.clone()));
    let counts = &mut difference.counts;
    let mut groups: ByChange<&Person<'_>> = ByChange::default();
    for person in people {
        let (older, newer) = (account(person.before), account(person.after));
        let cells = comparison.cells(older.as_ref(), newer.as_ref(), person);
        if cells.is_empty() {
            continue;
        }
        let (gained, lost) = swarm::totals(&cells);
        counts.gained += gained;
        counts.lost += lost;
        counts.users_gaining += u64::from(gained > 0);
        counts.users_losing += u64::from(lost > 0);
        groups.entry(cells).or_default().push(person);
    }
    let mut listed: Vec<_> = groups.into_iter().collect();
    // The largest change first; equal ones by name, so that the same question has the same answer.
    listed.sort_by_cached_key(|(cells, members)| {
        let (gained, lost) = swarm::totals(cells);
        let weight = (gained + lost).saturating_mul(members.len() as u64);
        (
            std::cmp::Reverse(weight),
            members.first().map(|one| name(one).to_owned()),
        )
    });
    difference.left_out += listed.len().saturating_sub(options.limit);
    listed.truncate(options.limit);
    let crowds = Crowds::of(before.policy, after.policy);
    difference.swarm.extend(listed.iter().map(|(cells, members)| {
        let (gained, lost) = swarm::totals(cells);
        SubjectChange {
            who: crowds.name(members, people.len(), options.only.is_none()),
            users: members
                .iter()
                .take(NAMED)
                .map(|one| name(one).to_owned())
                .collect(),
            count: members.len() as u64,
            gained,
            lost,
            places: swarm::places_of(cells, &forest, NAMED),
        }
    }));
    let nobody = Person {
        before: None,
        after: None,
    };
    let anonymous = Some(&Subject::Anonymous);
    let cells = comparison.cells(anonymous, anonymous, &nobody);
    if !cells.is_empty() {
        let (gained, lost) = swarm::totals(&cells);
        difference.counts.gained += gained;
        difference.counts.lost += lost;
        difference.swarm.push(SubjectChange {
            who: "anonymous".to_owned(),
            users: Vec::new(),
            count: 1,
            gained,
            lost,
            places: swarm::places_of(&cells, &forest, NAMED),
        });
    }
}

/// Teams and organizations by who is in them, to call many users by one name.
struct Crowds<'p> {
    before: Directory<'p>,
    after: Directory<'p>,
}

impl<'p> Crowds<'p> {
    fn of(before: &'p Policy, after: &'p Policy) -> Self {
        Self {
            before: Directory::of(before),
            after: Directory::of(after),
        }
    }

    /// What several users are called.
    fn name(&self, members: &[&Person<'_>], all: usize, is_all: bool) -> String {
        if let [only] = members {
            return format!("user:{}", name(only));
        }
        if is_all && members.len() == all {
            return "every user".to_owned();
        }
        let after: Option<Vec<&User>> = members.iter().map(|one| one.after).collect();
        let before: Option<Vec<&User>> = members.iter().map(|one| one.before).collect();
        let newer = after.and_then(|users| crowd(&self.after, &users));
        let found = newer.or_else(|| before.and_then(|users| crowd(&self.before, &users)));
        found.unwrap_or_else(|| plural(members.len() as u64, "user"))
    }
}

/// The team or organization whose active members are exactly these. Administrators gain and lose nothing by grants,
/// so they do not count.
fn crowd(directory: &Directory<'_>, users: &[&User]) -> Option<String> {
    let ids: HashSet<&AccountId> = users.iter().map(|user| &user.id).collect();
    let policy = directory.policy();
    let counts = |id: &&AccountId| {
        policy
            .user(id.as_str())
            .is_some_and(|user| user.active && !user.admin)
    };
    let exactly = |group: &&Group| {
        let members: HashSet<&AccountId> = policy.members(group).filter(counts).collect();
        members == ids
    };
    let found = directory.groups(users.first()?).iter().find(exactly)?;
    Some(directory.name(found))
}
