//! Draws a picture of access as SVG: one file without scripts, fonts or anything else from elsewhere, readable on
//! light and on dark ground. Every text from outside is escaped.

use std::fmt::Write as _;

use super::graph::{Column, Graph, Node};
use super::layout::{COLUMNS, Layout, Spot, column, layout};

/// Space around the picture.
const MARGIN: f64 = 24.0;
/// Space for the title and the heads of the columns.
const HEAD: f64 = 84.0;
/// Space between columns, for the edges.
const GAP: f64 = 90.0;
/// Height of a node.
const BOX: f64 = 22.0;
/// How far a level of the tree is indented.
const INDENT: f64 = 16.0;
/// Longest text of a node, in characters; the whole one is in its tooltip.
const LONGEST: usize = 36;
/// Narrowest and widest column.
const NARROWEST: f64 = 110.0;

/// Colours of roles; the name is always there too.
const COLOURS: usize = 8;

const STYLE: &str = "
svg{--ground:#fff;--ink:#1b1f24;--soft:#57606a;--line:#8c959f;--box:#f6f8fa;--edge:#d0d7de;
--c0:#0969da;--c1:#1a7f37;--c2:#9a6700;--c3:#8250df;--c4:#bf3989;--c5:#bc4c00;--c6:#0e7490;--c7:#57606a;--all:#cf222e;
font-family:system-ui,-apple-system,'Segoe UI','Liberation Sans','DejaVu Sans',sans-serif;font-size:13px}
@media(prefers-color-scheme:dark){svg{--ground:#0d1117;--ink:#e6edf3;--soft:#9198a1;--line:#6e7681;--box:#161b22;--edge:#30363d;
--c0:#58a6ff;--c1:#3fb950;--c2:#d29922;--c3:#bc8cff;--c4:#f778ba;--c5:#ffa657;--c6:#39c5cf;--c7:#9198a1;--all:#ff7b72}}
.ground{fill:var(--ground)}
text{fill:var(--ink)}
.title{font-size:18px;font-weight:600}
.soft{fill:var(--soft)}
.head{fill:var(--soft);font-weight:600}
.rule{stroke:var(--edge)}
.node rect{fill:var(--box);stroke:var(--edge)}
.asked rect{stroke:var(--ink);stroke-width:2}
.branch{fill:none;stroke:var(--edge)}
.edge{fill:none;stroke:var(--line);stroke-width:1.3;stroke-opacity:.75}
.edge:hover{stroke-width:3.5;stroke-opacity:1}
";

/// Draws a picture.
pub(super) fn draw(graph: &Graph) -> String {
    let graph = &graph.sound();
    let layout = layout(graph);
    let columns = Columns::of(graph);
    let colours = colours(graph);
    let foot = graph.remarks.len() as f64 * 18.0 + if graph.remarks.is_empty() { 0.0 } else { 12.0 };
    let width = columns.end + MARGIN;
    let height = HEAD + layout.height + foot + MARGIN;
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="img" aria-labelledby="title desc">
<title id="title">{title}</title>
<desc id="desc">{desc}</desc>
<style>{STYLE}</style>
<rect class="ground" width="100%" height="100%"/>
<text class="title" x="{MARGIN}" y="36">{title}</text>
"#,
        title = escape(&graph.title),
        desc = escape(&description(graph)),
    );
    heads(&mut svg, graph, &columns, width);
    branches(&mut svg, graph, &layout, &columns);
    edges(&mut svg, graph, &layout, &columns, &colours);
    for (position, node) in graph.nodes.iter().enumerate() {
        draw_node(
            &mut svg,
            node,
            layout.nodes[position],
            &columns,
            colours[position].as_deref(),
        );
    }
    for (line, remark) in graph.remarks.iter().enumerate() {
        let y = HEAD + layout.height + 24.0 + line as f64 * 18.0;
        let _ = writeln!(
            svg,
            r#"<text class="soft" x="{MARGIN}" y="{y:.0}">{}</text>"#,
            escape(remark)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where each column begins and how wide its boxes are.
struct Columns {
    left: [f64; COLUMNS],
    width: [f64; COLUMNS],
    end: f64,
}

impl Columns {
    fn of(graph: &Graph) -> Self {
        let mut width = [NARROWEST; COLUMNS];
        for (width, head) in width.iter_mut().zip(&graph.heads) {
            *width = width.max(text_width(head));
        }
        for node in &graph.nodes {
            let at = column(node.column);
            width[at] = width[at].max(box_width(node) + node.depth as f64 * INDENT);
        }
        let mut left = [0.0; COLUMNS];
        let mut x = MARGIN;
        for at in 0..COLUMNS {
            left[at] = x;
            x += width[at] + GAP;
        }
        Self {
            left,
            width,
            end: x - GAP,
        }
    }

    /// The left end of a node's box, and its width. Places are as wide as their text, the others fill the column.
    fn span(&self, node: &Node) -> (f64, f64) {
        let at = column(node.column);
        match node.column {
            Column::Places => (self.left[at] + node.depth as f64 * INDENT, box_width(node)),
            _ => (self.left[at], self.width[at]),
        }
    }
}

fn box_width(node: &Node) -> f64 {
    let note = node
        .note
        .as_ref()
        .map_or(0.0, |note| text_width(note) * 0.86 + 10.0);
    text_width(&shortened(&node.label)) + note + 20.0
}

/// A generous guess: no font is measured here.
fn text_width(text: &str) -> f64 {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '/' | ' ' => 4.6,
        'm' | 'w' | 'M' | 'W' | '@' => 11.6,
        c if c.is_ascii_uppercase() => 9.2,
        c if c.is_ascii() => 7.6,
        _ => 13.0,
    };
    text.chars().map(width).sum()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST - 1).collect();
    format!("{start}…")
}

/// One colour per role, the same for the same name; edges have that of their role.
fn colours(graph: &Graph) -> Vec<Option<String>> {
    let mut names: Vec<_> = graph
        .nodes
        .iter()
        .filter(|node| node.column == Column::Roles)
        .map(|node| (node.note.is_some(), node.label.as_str()))
        .collect();
    names.sort_unstable();
    names.dedup();
    let colour = |node: &Node| {
        let position = names.iter().position(|(_, name)| *name == node.label)?;
        Some(match node.note {
            Some(_) => "all".to_owned(),
            None => format!("c{}", position % COLOURS),
        })
    };
    let of = |node: &Node| (node.column == Column::Roles).then(|| colour(node)).flatten();
    graph.nodes.iter().map(of).collect()
}

fn description(graph: &Graph) -> String {
    let count = |column: Column| graph.nodes.iter().filter(|node| node.column == column).count();
    format!(
        "From left to right: {} ({}), {} ({}), {} ({}), {} ({}). What is given in a place reaches everything below it.",
        graph.heads[0],
        count(Column::Users),
        graph.heads[1],
        count(Column::Groups),
        graph.heads[2],
        count(Column::Roles),
        graph.heads[3],
        count(Column::Places),
    )
}

fn heads(svg: &mut String, graph: &Graph, columns: &Columns, width: f64) {
    for (left, head) in columns.left.iter().zip(&graph.heads) {
        let head = escape(head);
        let _ = writeln!(svg, r#"<text class="head" x="{left:.0}" y="66">{head}</text>"#);
    }
    let _ = writeln!(
        svg,
        r#"<line class="rule" x1="{MARGIN}" y1="74" x2="{:.0}" y2="74"/>"#,
        width - MARGIN
    );
}

fn edges(svg: &mut String, graph: &Graph, layout: &Layout, columns: &Columns, colours: &[Option<String>]) {
    for (edge, bends) in graph.edges.iter().zip(&layout.bends) {
        let (from, to) = (&graph.nodes[edge.from], &graph.nodes[edge.to]);
        let (left, width) = columns.span(from);
        let (target, _) = columns.span(to);
        let mut x = left + width;
        let mut y = HEAD + layout.nodes[edge.from].y;
        let mut path = format!("M{x:.1} {y:.1}");
        for bend in bends {
            let (start, end) = (
                columns.left[bend.column],
                columns.left[bend.column] + columns.width[bend.column],
            );
            curve(&mut path, x, y, start, HEAD + bend.y);
            let _ = write!(path, "H{end:.1}");
            (x, y) = (end, HEAD + bend.y);
        }
        curve(&mut path, x, y, target, HEAD + layout.nodes[edge.to].y);
        let colour = colours[edge.to].as_ref().or(colours[edge.from].as_ref());
        let style = colour
            .map(|colour| format!(r#" style="stroke:var(--{colour})""#))
            .unwrap_or_default();
        let title = escape(&edge.title);
        let _ = writeln!(
            svg,
            r#"<path class="edge" d="{path}"{style}><title>{title}</title></path>"#
        );
    }
}

fn curve(path: &mut String, x: f64, y: f64, to_x: f64, to_y: f64) {
    // The bend stays between the columns, however deep the target is indented.
    let reach = (to_x - x).min(GAP) / 2.0;
    let _ = write!(
        path,
        "C{:.1} {y:.1} {:.1} {to_y:.1} {:.1} {to_y:.1}",
        x + reach,
        x + reach,
        x + 2.0 * reach
    );
    let _ = write!(path, "H{to_x:.1}");
}

/// The lines of the tree: from each place up to its parent.
fn branches(svg: &mut String, graph: &Graph, layout: &Layout, columns: &Columns) {
    let mut above: Vec<(usize, f64)> = Vec::new();
    let places = graph
        .nodes
        .iter()
        .zip(&layout.nodes)
        .filter(|(node, _)| node.column == Column::Places);
    for (node, spot) in places {
        above.retain(|(depth, _)| *depth < node.depth);
        let (left, _) = columns.span(node);
        let y = HEAD + spot.y;
        if let Some((_, parent)) = above.last() {
            let x = left - INDENT / 2.0;
            let _ = writeln!(
                svg,
                r#"<path class="branch" d="M{x:.1} {:.1}V{y:.1}H{left:.1}"/>"#,
                parent + BOX / 2.0
            );
        }
        above.push((node.depth, y));
    }
}

fn draw_node(svg: &mut String, node: &Node, spot: Spot, columns: &Columns, colour: Option<&str>) {
    let (left, width) = columns.span(node);
    let top = HEAD + spot.y - BOX / 2.0;
    let asked = if node.column == Column::Places && node.note.is_some() {
        " asked"
    } else {
        ""
    };
    let round = if node.column == Column::Roles {
        BOX / 2.0
    } else {
        4.0
    };
    let stroke = colour.map(|colour| format!(r#" style="stroke:var(--{colour});stroke-width:1.6""#));
    let full = match &node.note {
        Some(note) => format!("{} ({note})", node.label),
        None => node.label.clone(),
    };
    let note = node.note.as_ref().map(|note| {
        format!(
            r#"<tspan class="soft" dx="8" font-size="11">{}</tspan>"#,
            escape(note)
        )
    });
    let _ = writeln!(
        svg,
        r#"<g class="node{asked}"><title>{}</title><rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{BOX}" rx="{round}"{}/><text x="{:.1}" y="{:.1}">{}{}</text></g>"#,
        escape(&full),
        stroke.unwrap_or_default(),
        left + 10.0,
        HEAD + spot.y + 4.5,
        escape(&shortened(&node.label)),
        note.unwrap_or_default(),
    );
}

/// Text for XML. What XML cannot hold becomes a replacement character.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Line breaks and marks that turn the reading direction round do not belong in a label.
            c if c.is_control()
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}') =>
            {
                escaped.push('\u{fffd}');
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names cannot break out of the text that they stand in.
    #[test]
    fn texts_are_escaped() {
        assert_eq!(
            escape("a<b>&\"c'\n\u{202e}\u{1b}"),
            "a&lt;b&gt;&amp;&quot;c&#39;\u{fffd}\u{fffd}\u{fffd}"
        );
    }
}
