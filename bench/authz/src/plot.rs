//! The picture: how long one decision takes as data grow, on logarithmic scale, as an SVG that needs nothing else.

use std::fmt::Write as _;

/// One engine.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Nanoseconds by place on the horizontal axis.
    pub points: Vec<Option<f64>>,
}

/// One picture beside others.
#[derive(Debug, Clone)]
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// Places on the horizontal axis.
    pub places: Vec<String>,
    /// Engines; ours first.
    pub lines: Vec<Line>,
}

const WIDTH: f64 = 470.0;
const HEIGHT: f64 = 440.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 48.0;
const RIGHT: f64 = 156.0;
const BOTTOM: f64 = 44.0;
/// Powers of ten of the vertical axis, in nanoseconds.
const LOW: i32 = 1;
const HIGH: i32 = 11;

/// Ours, then the others in order. Told apart by hue and by lightness.
const COLOURS: [&str; 6] = ["#c1272d", "#0072b2", "#009e73", "#7b3294", "#b8860b", "#555555"];

/// The panels side by side.
pub fn svg(panels: &[Panel]) -> String {
    let width = (WIDTH + RIGHT) * panels.len() as f64;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {HEIGHT:.0}\" width=\"{width:.0}\" \
         height=\"{HEIGHT:.0}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" role=\"img\" \
         aria-label=\"Median time of one decision, logarithmic\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    for (number, panel) in panels.iter().enumerate() {
        let _ = writeln!(
            text,
            "<g transform=\"translate({:.0} 0)\">",
            number as f64 * (WIDTH + RIGHT)
        );
        draw(panel, &mut text);
        text.push_str("</g>\n");
    }
    text.push_str("</svg>\n");
    text
}

fn draw(panel: &Panel, text: &mut String) {
    let _ = writeln!(
        text,
        "<text x=\"{LEFT}\" y=\"24\" font-size=\"14\" font-weight=\"600\">{}</text>",
        escaped(&panel.title)
    );
    axes(panel, text);
    // Names stand where their lines end; where two would meet, the lower one moves down.
    let mut ends: Vec<(usize, f64)> = Vec::new();
    for (number, line) in panel.lines.iter().enumerate().rev() {
        let colour = COLOURS.get(number % COLOURS.len()).copied().unwrap_or("#000000");
        let wide = if number == 0 { 3.0 } else { 1.8 };
        let points: Vec<_> = line
            .points
            .iter()
            .enumerate()
            .filter_map(|(place, nanos)| Some((across(place, panel.places.len()), down((*nanos)?))))
            .collect();
        let path: Vec<_> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{wide}\"/>",
            path.join(" ")
        );
        for (x, y) in &points {
            let _ = writeln!(
                text,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\" fill=\"{colour}\"/>"
            );
        }
        if let Some((_, y)) = points.last() {
            ends.push((number, *y));
        }
    }
    ends.sort_by(|left, right| left.1.total_cmp(&right.1));
    let mut lowest = f64::NEG_INFINITY;
    for (number, y) in ends {
        let y = y.max(lowest + 15.0);
        lowest = y;
        let colour = COLOURS.get(number % COLOURS.len()).copied().unwrap_or("#000000");
        let name = panel
            .lines
            .get(number)
            .map(|line| line.name.as_str())
            .unwrap_or_default();
        let weight = if number == 0 { "700" } else { "400" };
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{colour}\" font-weight=\"{weight}\">{}</text>",
            WIDTH + 2.0,
            y + 4.0,
            escaped(name)
        );
    }
}

fn axes(panel: &Panel, text: &mut String) {
    for power in LOW..=HIGH {
        let y = down(10_f64.powi(power));
        let _ = writeln!(
            text,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#dddddd\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#333333\">{}</text>",
            WIDTH - 12.0,
            LEFT - 8.0,
            y + 4.0,
            label(power)
        );
    }
    for (place, name) in panel.places.iter().enumerate() {
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#333333\">{}</text>",
            across(place, panel.places.len()),
            HEIGHT - BOTTOM + 22.0,
            escaped(name)
        );
    }
}

fn label(power: i32) -> String {
    let (unit, below) = match power {
        ..3 => ("ns", 0),
        3..6 => ("µs", 3),
        6..9 => ("ms", 6),
        _ => ("s", 9),
    };
    format!("{} {unit}", 10_i32.pow(u32::try_from(power - below).unwrap_or(0)))
}

fn across(place: usize, places: usize) -> f64 {
    let room = WIDTH - LEFT - 60.0;
    LEFT + 30.0 + room * place as f64 / places.saturating_sub(1).max(1) as f64
}

fn down(nanos: f64) -> f64 {
    let share = (nanos.max(1.0).log10() - f64::from(LOW)) / f64::from(HIGH - LOW);
    TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slower_is_higher_and_names_do_not_overlap() {
        assert!(down(1e6) < down(1e3));
        let line = |name: &str, nanos: f64| Line {
            name: name.into(),
            points: vec![Some(nanos), None],
        };
        let panel = Panel {
            title: "a < b".into(),
            places: vec!["1".into(), "2".into()],
            lines: vec![line("ours", 100.0), line("theirs", 101.0)],
        };
        let text = svg(&[panel]);
        assert!(text.contains("a &lt; b") && text.contains(">1 µs<"), "{text}");
        let heights: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("ours") || line.contains("theirs"))
            .filter_map(|line| line.split("y=\"").nth(1)?.split('"').next())
            .collect();
        let heights: Vec<f64> = heights.iter().filter_map(|height| height.parse().ok()).collect();
        assert!(
            matches!(heights[..], [first, second] if second - first >= 15.0),
            "{heights:?}"
        );
    }
}
