//! Makes an example smaller as long as it still shows the same difference, so that what is left is the reason.

use mke_rbac::kubernetes::{Rbac, Request, Rule};

/// A policy with a request about it.
pub type Example = (Rbac, Request);

/// The smallest example on the way down: no single part of it can be left out. `differs` says whether an example still
/// shows the difference; its failure ends the search with what is there.
pub fn shrink(mut example: Example, mut differs: impl FnMut(&Example) -> bool) -> Example {
    // Most of a policy has nothing to do with it: large pieces go first.
    let mut piece = example.0.bindings.len().max(example.0.roles.len()) / 2;
    while piece > 1 {
        match pieces(&example, piece).find(&mut differs) {
            Some(smaller) => example = smaller,
            None => piece /= 2,
        }
    }
    loop {
        let smaller = parts(&example).find(&mut differs);
        match smaller {
            Some(smaller) => example = smaller,
            None => return example,
        }
    }
}

/// Every example that lacks some bindings, or some roles, in a row.
fn pieces(example: &Example, piece: usize) -> impl Iterator<Item = Example> + use<> {
    let (Rbac { roles, bindings }, request) = example.clone();
    let fewer = without(&bindings, piece).map({
        let (roles, request) = (roles.clone(), request.clone());
        move |bindings| {
            let roles = roles.clone();
            (Rbac { roles, bindings }, request.clone())
        }
    });
    fewer.chain(without(&roles, piece).map(move |roles| {
        let bindings = bindings.clone();
        (Rbac { roles, bindings }, request.clone())
    }))
}

/// Every example that lacks one part of this one, larger parts first.
fn parts(example: &Example) -> impl Iterator<Item = Example> + use<> {
    let (rbac, request) = example.clone();
    let fewer_groups = without(&request.groups, 1).map(|groups| Request {
        groups,
        ..request.clone()
    });
    let absent = [
        Request {
            name: None,
            ..request.clone()
        },
        Request {
            namespace: None,
            ..request.clone()
        },
        Request {
            subresource: None,
            ..request.clone()
        },
    ];
    let changed = absent.into_iter().filter(|other| *other != request);
    let requests: Vec<_> = fewer_groups
        .chain(changed)
        .map(|other| (rbac.clone(), other))
        .collect();
    pieces(example, 1)
        .chain(smaller_inside(&rbac, &request))
        .chain(requests)
}

/// Every example in which one binding has a subject less, or one role has less in its rules.
fn smaller_inside(rbac: &Rbac, request: &Request) -> Vec<Example> {
    let mut found = Vec::new();
    for (number, binding) in rbac.bindings.iter().enumerate() {
        for subjects in without(&binding.subjects, 1) {
            let mut rbac = rbac.clone();
            if let Some(binding) = rbac.bindings.get_mut(number) {
                binding.subjects = subjects;
            }
            found.push((rbac, request.clone()));
        }
    }
    for (number, role) in rbac.roles.iter().enumerate() {
        for rules in smaller_rules(&role.rules) {
            let mut rbac = rbac.clone();
            if let Some(role) = rbac.roles.get_mut(number) {
                role.rules = rules;
            }
            found.push((rbac, request.clone()));
        }
    }
    found
}

/// Every list of rules that lacks one rule, or one word of one rule.
pub fn smaller_rules(rules: &[Rule]) -> Vec<Vec<Rule>> {
    let mut found: Vec<_> = without(rules, 1).collect();
    for (number, rule) in rules.iter().enumerate() {
        for words in WORDS {
            let mut of_rule = rule.clone();
            for fewer in without(words(&mut rule.clone()), 1) {
                *words(&mut of_rule) = fewer;
                let mut rules = rules.to_vec();
                if let Some(rule) = rules.get_mut(number) {
                    *rule = of_rule.clone();
                }
                found.push(rules);
            }
        }
    }
    found
}

/// The lists of words of a rule.
const WORDS: [fn(&mut Rule) -> &mut Vec<String>; 5] = [
    |rule| &mut rule.verbs,
    |rule| &mut rule.api_groups,
    |rule| &mut rule.resources,
    |rule| &mut rule.resource_names,
    |rule| &mut rule.non_resource_urls,
];

/// The items without so many of them in a row, for every place to start at.
fn without<T: Clone>(items: &[T], count: usize) -> impl Iterator<Item = Vec<T>> + use<T> {
    let items = items.to_vec();
    let starts = (0..items.len()).step_by(count.max(1));
    starts.map(move |start| {
        let others = items
            .iter()
            .enumerate()
            .filter(|(place, _)| *place < start || *place >= start + count);
        others.map(|(_, item)| item.clone()).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use crate::generate;

    #[test]
    fn only_what_matters_is_left() {
        let mut dice = Dice::new(4);
        let mut rbac = generate::policy(&mut dice);
        let request = generate::request(&mut dice, &rbac);
        rbac.bindings.truncate(5);
        // As if the mere presence of two bindings were the difference.
        let (small, _) = shrink((rbac, request), |(rbac, _)| rbac.bindings.len() >= 2);
        assert_eq!((small.bindings.len(), small.roles.len()), (2, 0));
    }
}
