//! Rust source without the contents of string literals and block comments, line by line.
//!
//! The scanner looks at lines; a test that holds Rust source in a string must not count as a claim.

/// Where the reader is.
enum State {
    Code,
    LineComment,
    /// Depth: block comments nest.
    BlockComment(usize),
    Text,
    /// Number of `#` that end it.
    RawText(usize),
}

/// The source with the same lines, and spaces in place of what is inside strings and block comments.
pub(super) fn blank(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut out = String::with_capacity(source.len());
    let mut state = State::Code;
    let mut index = 0;
    while index < chars.len() {
        let (here, next) = (at(index), at(index + 1));
        let mut taken = 1;
        let mut keep = true;
        match state {
            State::Code => match (here, next) {
                ('/', '/') => state = State::LineComment,
                ('/', '*') => (state, taken) = (State::BlockComment(1), 2),
                ('"', _) => state = State::Text,
                ('\'', _) => taken = char_literal(&chars[index..]),
                ('r', '"' | '#')
                    if !is_word(index.checked_sub(1).map_or('\0', at)) || at(index - 1) == 'b' =>
                {
                    let hashes = chars[index + 1..].iter().take_while(|c| **c == '#').count();
                    if at(index + 1 + hashes) == '"' {
                        (state, taken) = (State::RawText(hashes), hashes + 2);
                    }
                }
                _ => {}
            },
            State::LineComment => {
                if here == '\n' {
                    state = State::Code;
                }
            }
            State::BlockComment(depth) => {
                keep = false;
                match (here, next) {
                    ('/', '*') => (state, taken) = (State::BlockComment(depth + 1), 2),
                    ('*', '/') if depth == 1 => (state, taken) = (State::Code, 2),
                    ('*', '/') => (state, taken) = (State::BlockComment(depth - 1), 2),
                    _ => {}
                }
            }
            State::Text => match here {
                '\\' => (taken, keep) = (2, false),
                '"' => state = State::Code,
                _ => keep = false,
            },
            State::RawText(hashes) => {
                let ends = here == '"' && (1..=hashes).all(|offset| at(index + offset) == '#');
                if ends {
                    (state, taken) = (State::Code, hashes + 1);
                } else {
                    keep = false;
                }
            }
        }
        for character in chars.iter().skip(index).take(taken) {
            out.push(if keep || *character == '\n' {
                *character
            } else {
                ' '
            });
        }
        index += taken;
    }
    out
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Length of the character literal at the start of `rest`, or 1 for the quote of a lifetime.
fn char_literal(rest: &[char]) -> usize {
    match rest {
        // Longest escape: '\u{10FFFF}'.
        [_, '\\', ..] => rest
            .iter()
            .take(12)
            .skip(3)
            .position(|c| *c == '\'')
            .map_or(1, |end| end + 4),
        [_, _, '\'', ..] => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_block_comments_are_emptied() {
        for (source, expected) in [
            ("let a = \"x // y\"; // z", "let a = \"      \"; // z"),
            ("r#\"a\"b\"# c", "r#\"   \"# c"),
            ("br\"a\\\" c", "br\"  \" c"),
            ("/* a /* b */ c */ d", "/*                d"),
            ("\"a\\\"b\" c", "\"    \" c"),
            ("'\"' \"x\" 'a: &'a str", "'\"' \" \" 'a: &'a str"),
            ("'\\'' \"x\" '\\u{41}' '\\\\'", "'\\'' \" \" '\\u{41}' '\\\\'"),
            ("\"a\nb\"", "\" \n \""),
            ("for r in x {}", "for r in x {}"),
        ] {
            assert_eq!(blank(source), expected, "{source}");
        }
    }
}
