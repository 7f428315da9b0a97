//! Where the nodes of a picture stand: one pass that orders each column by what it leads to, and one that moves
//! nodes level with their neighbours without overlap. The same graph always gets the same picture.

use super::graph::{Column, Graph};

/// Height of one row, in pixels.
pub(super) const ROW: f64 = 30.0;

/// A box that a node or the bend of an edge takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    /// The column, 0 to 3.
    pub(super) column: usize,
    /// The middle of the box.
    pub(super) y: f64,
}

/// A whole picture.
#[derive(Debug)]
pub(super) struct Layout {
    /// A spot per node of the graph.
    pub(super) nodes: Vec<Spot>,
    /// The height of each edge in every column between its ends, where it needs a way through.
    pub(super) bends: Vec<Vec<Spot>>,
    /// The height of the rows.
    pub(super) height: f64,
}

/// An item of a column: a node, or an edge that only passes.
struct Item {
    column: usize,
    /// Items it connects to on the right, and on the left.
    right: Vec<usize>,
    left: Vec<usize>,
    y: f64,
}

pub(super) const COLUMNS: usize = 4;

pub(super) const fn column(column: Column) -> usize {
    match column {
        Column::Users => 0,
        Column::Groups => 1,
        Column::Roles => 2,
        Column::Places => 3,
    }
}

/// Places every node.
pub(super) fn layout(graph: &Graph) -> Layout {
    let mut items: Vec<_> = graph
        .nodes
        .iter()
        .map(|node| Item {
            column: column(node.column),
            right: Vec::new(),
            left: Vec::new(),
            y: 0.0,
        })
        .collect();
    let passing = connect(graph, &mut items);
    let columns = order(&mut items);
    let tallest = columns.iter().map(Vec::len).max().unwrap_or_default();
    let height = tallest as f64 * ROW;
    // From the tree of places leftwards, then once more with both neighbours known.
    for round in 0..3 {
        for column in (0..COLUMNS).rev() {
            level(&columns[column], &mut items, height, round > 0);
        }
    }
    let spot = |item: &Item| Spot {
        column: item.column,
        y: item.y,
    };
    Layout {
        nodes: items.iter().take(graph.nodes.len()).map(spot).collect(),
        bends: passing
            .iter()
            .map(|way| way.iter().map(|item| spot(&items[*item])).collect())
            .collect(),
        height,
    }
}

/// Links the items, with one item for an edge in each column that it only passes.
fn connect(graph: &Graph, items: &mut Vec<Item>) -> Vec<Vec<usize>> {
    let mut passing = Vec::new();
    for edge in &graph.edges {
        let mut way = Vec::new();
        let mut at = edge.from;
        for column in items[edge.from].column + 1..items[edge.to].column {
            items.push(Item {
                column,
                right: Vec::new(),
                left: Vec::new(),
                y: 0.0,
            });
            let bend = items.len() - 1;
            items[at].right.push(bend);
            items[bend].left.push(at);
            way.push(bend);
            at = bend;
        }
        items[at].right.push(edge.to);
        items[edge.to].left.push(at);
        passing.push(way);
    }
    passing
}

/// The items of every column from top to bottom: places as they come, the others by the middle of what they lead to.
fn order(items: &mut [Item]) -> Vec<Vec<usize>> {
    let mut columns = vec![Vec::new(); COLUMNS];
    for (position, item) in items.iter().enumerate() {
        columns[item.column].push(position);
    }
    let number = |column: &[usize], items: &mut [Item]| {
        for (rank, item) in column.iter().enumerate() {
            items[*item].y = rank as f64;
        }
    };
    number(&columns[COLUMNS - 1], items);
    for column in (0..COLUMNS - 1).rev() {
        let middles: Vec<_> = items.iter().map(|item| middle(&item.right, items)).collect();
        columns[column].sort_by(|one, other| {
            let (one_at, other_at) = (
                middles[*one].unwrap_or(f64::MAX),
                middles[*other].unwrap_or(f64::MAX),
            );
            one_at.total_cmp(&other_at).then(one.cmp(other))
        });
        number(&columns[column], items);
    }
    columns
}

fn middle(neighbours: &[usize], items: &[Item]) -> Option<f64> {
    let sum: f64 = neighbours.iter().map(|item| items[*item].y).sum();
    (!neighbours.is_empty()).then(|| sum / neighbours.len() as f64)
}

/// Moves the items of a column level with their neighbours, in their order and a row apart.
fn level(column: &[usize], items: &mut [Item], height: f64, both_sides: bool) {
    let is_tree = column
        .first()
        .is_some_and(|first| items[*first].column == COLUMNS - 1);
    let mut next = ROW / 2.0;
    for (rank, &item) in column.iter().enumerate() {
        let right = middle(&items[item].right, items);
        let left = middle(&items[item].left, items).filter(|_| both_sides);
        let wanted = match (left, right) {
            // The tree reads best without gaps.
            _ if is_tree => (height - column.len() as f64 * ROW) / 2.0 + (rank as f64 + 0.5) * ROW,
            (_, Some(right)) => right,
            (Some(left), None) => left,
            (None, None) => next,
        };
        items[item].y = wanted.max(next);
        next = items[item].y + ROW;
    }
    // What was pushed out below comes back up.
    let mut last = height - ROW / 2.0;
    for &item in column.iter().rev() {
        items[item].y = items[item].y.min(last);
        last = items[item].y - ROW;
    }
}
