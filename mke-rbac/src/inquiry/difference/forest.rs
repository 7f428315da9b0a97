//! The collections of two policies in one numbering.
//!
//! A collection that both have under the same parent, or that only one has, hangs below its parent. One that moved is
//! a root of its own, because different grants reach it from above on each side. Numbers are those of a walk in which
//! every subtree stands in one piece, so that "how many collections here" is a subtraction.

use std::collections::HashMap;

use mke_core::ids::CollectionId;

use crate::policy::{CollectionInfo, Policy};

/// By what users and collections of two policies are taken for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inquiry) enum Same {
    /// Their ids: two states of one installation. A user whose id is gone is the new one of the same name.
    Id,
    /// Their paths: two installations, or files whose ids are made up.
    Path,
}

/// A collection with what each policy calls it. At least one does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node<'p> {
    pub(super) before: Option<&'p CollectionInfo>,
    pub(super) after: Option<&'p CollectionInfo>,
}

impl Node<'_> {
    /// Its path: the newer one.
    pub(super) fn path(&self) -> String {
        let info = self.after.or(self.before);
        info.map(|info| info.path.to_string()).unwrap_or_default()
    }

    /// The path that it had, when it has another one now.
    pub(super) fn old_path(&self) -> Option<String> {
        let (before, after) = (self.before?, self.after?);
        (before.path != after.path).then(|| before.path.to_string())
    }
}

/// How many collections of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// In both policies.
    pub(super) both: u64,
    /// Only in the older one.
    pub(super) removed: u64,
    /// Only in the newer one.
    pub(super) added: u64,
}

impl Counts {
    pub(super) const fn minus(self, other: Self) -> Self {
        Self {
            both: self.both - other.both,
            removed: self.removed - other.removed,
            added: self.added - other.added,
        }
    }
}

/// All collections of two policies.
#[derive(Debug)]
pub(super) struct Forest<'p> {
    nodes: Vec<Node<'p>>,
    /// After the last one of each subtree.
    ends: Vec<usize>,
    roots: Vec<usize>,
    /// How many there are before each number.
    sums: Vec<Counts>,
    before: HashMap<&'p str, usize>,
    after: HashMap<&'p str, usize>,
}

impl<'p> Forest<'p> {
    pub(super) fn new(before: &'p Policy, after: &'p Policy, same: Same) -> Self {
        let mut joined = Joined {
            same,
            nodes: Vec::new(),
            keys: HashMap::new(),
        };
        for info in before.collections() {
            let at = joined.node(info);
            joined.nodes[at].0.before = Some(info);
            joined.nodes[at].1 = joined.parent(before, info);
        }
        for info in after.collections() {
            let at = joined.node(info);
            joined.nodes[at].0.after = Some(info);
            joined.nodes[at].2 = joined.parent(after, info);
        }
        joined.number()
    }

    /// The numbers of the subtree of a collection.
    pub(super) fn end(&self, number: usize) -> usize {
        self.ends[number]
    }

    /// The collections that hang below nothing.
    pub(super) fn roots(&self) -> &[usize] {
        &self.roots
    }

    pub(super) fn node(&self, number: usize) -> &Node<'p> {
        &self.nodes[number]
    }

    /// How many collections lie in the subtree.
    pub(super) fn counts(&self, number: usize) -> Counts {
        self.sums[self.ends[number]].minus(self.sums[number])
    }

    /// The one collection in a subtree that is new, or that is gone, when all such collections lie below it.
    pub(super) fn only(&self, number: usize, new: bool) -> Option<usize> {
        let wanted = |counts: Counts| if new { counts.added } else { counts.removed };
        let all = wanted(self.counts(number));
        let own = |at: &usize| {
            let node = self.node(*at);
            if new {
                node.before.is_none()
            } else {
                node.after.is_none()
            }
        };
        let first = (number..self.end(number)).find(own)?;
        (wanted(self.counts(first)) == all).then_some(first)
    }

    /// The number of a collection of the older policy.
    pub(super) fn before(&self, id: &CollectionId) -> Option<usize> {
        self.before.get(id.as_str()).copied()
    }

    /// The number of a collection of the newer policy.
    pub(super) fn after(&self, id: &CollectionId) -> Option<usize> {
        self.after.get(id.as_str()).copied()
    }
}

/// A node with its parents in the older and the newer policy.
type Linked<'p> = (Node<'p>, Option<usize>, Option<usize>);

struct Joined<'p> {
    same: Same,
    nodes: Vec<Linked<'p>>,
    keys: HashMap<&'p str, usize>,
}

impl<'p> Joined<'p> {
    fn key(&self, info: &'p CollectionInfo) -> &'p str {
        match self.same {
            Same::Id => info.id.as_str(),
            Same::Path => info.path.as_str(),
        }
    }

    fn node(&mut self, info: &'p CollectionInfo) -> usize {
        let next = self.nodes.len();
        let at = *self.keys.entry(self.key(info)).or_insert(next);
        if at == next {
            let node = Node {
                before: None,
                after: None,
            };
            self.nodes.push((node, None, None));
        }
        at
    }

    /// Policies list parents before children, so the parent is known.
    fn parent(&self, policy: &'p Policy, info: &CollectionInfo) -> Option<usize> {
        let parent = policy.collection(info.parent_ids.last()?.as_str())?;
        self.keys.get(self.key(parent)).copied()
    }

    /// Numbers the nodes. Every node is below a root: a node only one policy has hangs below a node of that policy,
    /// one that both have below one that both have, so no way up goes in a circle.
    fn number(self) -> Forest<'p> {
        let mut children = vec![Vec::new(); self.nodes.len()];
        let mut roots = Vec::new();
        for (at, (node, before, after)) in self.nodes.iter().enumerate() {
            let parent = match (node.before, node.after) {
                (Some(_), Some(_)) if before == after => *before,
                (Some(_), Some(_)) => None,
                (Some(_), None) => *before,
                (None, _) => *after,
            };
            match parent {
                Some(parent) => children[parent].push(at),
                None => roots.push(at),
            }
        }
        let mut forest = Forest {
            nodes: Vec::with_capacity(self.nodes.len()),
            ends: Vec::with_capacity(self.nodes.len()),
            roots: Vec::new(),
            sums: vec![Counts::default()],
            before: HashMap::new(),
            after: HashMap::new(),
        };
        for root in roots {
            forest.roots.push(forest.nodes.len());
            forest.walk(root, &self.nodes, &children);
        }
        forest
    }
}

impl<'p> Forest<'p> {
    /// A loop instead of recursion: the depth of a tree is not limited (R15).
    fn walk(&mut self, root: usize, nodes: &[Linked<'p>], children: &[Vec<usize>]) {
        enum Step {
            Enter(usize),
            Leave(usize),
        }
        let mut steps = vec![Step::Enter(root)];
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(at) => {
                    let number = self.nodes.len();
                    self.enter(nodes[at].0);
                    steps.push(Step::Leave(number));
                    steps.extend(children[at].iter().rev().map(|child| Step::Enter(*child)));
                }
                Step::Leave(number) => self.ends[number] = self.nodes.len(),
            }
        }
    }

    fn enter(&mut self, node: Node<'p>) {
        let number = self.nodes.len();
        let mut sum = self.sums[number];
        match (node.before, node.after) {
            (Some(_), Some(_)) => sum.both += 1,
            (Some(_), None) => sum.removed += 1,
            (None, _) => sum.added += 1,
        }
        if let Some(info) = node.before {
            self.before.insert(info.id.as_str(), number);
        }
        if let Some(info) = node.after {
            self.after.insert(info.id.as_str(), number);
        }
        self.sums.push(sum);
        self.ends.push(number + 1);
        self.nodes.push(node);
    }
}
