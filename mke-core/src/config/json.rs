//! JSON to values with their places. Own code, because no JSON reader of the workspace says where a value stands;
//! a test holds it against `serde_json`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use super::raw::{RawEntry, RawTable, RawValue};

/// What is no JSON, and at which byte.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

/// Reads one JSON value that fills the text, and tells where names stand twice.
pub(super) fn parse(
    text: &str,
    max_depth: usize,
    max_text: usize,
) -> Result<(RawValue<'_>, Vec<Range<usize>>), Fault> {
    let mut parser = Parser {
        text,
        at: 0,
        max_depth,
        max_text,
        duplicates: Vec::new(),
    };
    parser.space();
    let (value, _) = parser.value(0)?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.fault("the end of the text"));
    }
    Ok((value, parser.duplicates))
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    max_depth: usize,
    max_text: usize,
    duplicates: Vec<Range<usize>>,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn fault(&self, expected: &str) -> Fault {
        let found = match self.rest().chars().next() {
            Some(c) => format!("`{}`", c.escape_debug()),
            None => "the end of the text".to_owned(),
        };
        Fault {
            at: self.at,
            message: format!("this is no JSON: expected {expected}, found {found}"),
        }
    }

    fn value(&mut self, depth: usize) -> Result<(RawValue<'t>, Range<usize>), Fault> {
        if depth > self.max_depth {
            return Err(Fault {
                at: self.at,
                message: format!("nested deeper than {} levels, no field is", self.max_depth),
            });
        }
        let start = self.at;
        let value = match self.peek() {
            Some(b'{') => RawValue::Table(self.object(depth)?),
            Some(b'[') => RawValue::List(self.list(depth)?),
            Some(b'"') => RawValue::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok((value, start..self.at))
    }

    fn word(&mut self) -> Result<RawValue<'t>, Fault> {
        for (word, value) in [
            ("true", RawValue::Bool(true)),
            ("false", RawValue::Bool(false)),
            ("null", RawValue::Other("null")),
        ] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.fault("a value"))
    }

    fn object(&mut self, depth: usize) -> Result<RawTable<'t>, Fault> {
        let start = self.at;
        self.at += 1;
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(RawTable {
                entries,
                span: start..self.at,
            });
        }
        loop {
            self.space();
            let name_start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.fault("a name in quotes"));
            }
            let name = self.string()?;
            let name_span = name_start..self.at;
            self.space();
            self.expect(b':')?;
            self.space();
            let (value, span) = self.value(depth + 1)?;
            if !seen.insert(name.clone()) {
                self.duplicates.push(name_span.clone());
            }
            entries.push(RawEntry {
                name,
                name_span,
                value,
                span,
            });
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(RawTable {
                        entries,
                        span: start..self.at,
                    });
                }
                _ => return Err(self.fault("`,` or `}`")),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<(RawValue<'t>, Range<usize>)>, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(items);
        }
        loop {
            self.space();
            items.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(items);
                }
                _ => return Err(self.fault("`,` or `]`")),
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.fault(&format!("`{}`", char::from(byte))))
        }
    }

    fn number(&mut self) -> Result<RawValue<'t>, Fault> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.fault("a digit")),
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            whole = false;
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        if !whole {
            return Ok(RawValue::Other("a number with a fraction"));
        }
        let digits = self.text.get(start..self.at).unwrap_or("");
        Ok(digits
            .parse()
            .map_or(RawValue::Other("a number beyond 64 bits"), RawValue::Integer))
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Fault> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.fault("a digit"));
        }
        self.digits();
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'t, str>, Fault> {
        let start = self.at;
        self.at += 1;
        let mut owned: Option<String> = None;
        loop {
            // Runs of ordinary characters are taken as a whole.
            let run_start = self.at;
            while matches!(self.peek(), Some(byte) if byte != b'"' && byte != b'\\' && byte >= 0x20) {
                self.at += 1;
            }
            let run = self.text.get(run_start..self.at).unwrap_or("");
            if let Some(owned) = &mut owned {
                owned.push_str(run);
            }
            if self.at - start > self.max_text + 1 {
                return Err(Fault {
                    at: start,
                    message: format!("a text of more than {} bytes", self.max_text),
                });
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(owned.map_or(Cow::Borrowed(run), Cow::Owned));
                }
                Some(b'\\') => {
                    let mut text = owned.unwrap_or_else(|| run.to_owned());
                    text.push(self.escape()?);
                    owned = Some(text);
                }
                Some(_) => return Err(self.fault("no control character in a text")),
                None => return Err(self.fault("`\"` at the end of the text")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let start = self.at;
        self.at += 1;
        let byte = self.peek();
        self.at += 1;
        let simple = match byte {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => {
                self.at = start;
                return Err(self.fault("an escape of JSON"));
            }
        };
        Ok(simple)
    }

    /// Four hexadecimal digits, or two times four for what lies beyond.
    fn unicode(&mut self, start: usize) -> Result<char, Fault> {
        let mut code = self.hex(start)?;
        if (0xD800..0xDC00).contains(&code) && self.rest().starts_with("\\u") {
            self.at += 2;
            let low = self.hex(start)?;
            if (0xDC00..0xE000).contains(&low) {
                code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            }
        }
        char::from_u32(code).ok_or_else(|| {
            self.at = start;
            self.fault("a character, not half of one")
        })
    }

    fn hex(&mut self, start: usize) -> Result<u32, Fault> {
        let digits = self.rest().get(..4);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => {
                self.at = start;
                Err(self.fault("four hexadecimal digits after `\\u`"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(value: &RawValue<'_>) -> serde_json::Value {
        match value {
            RawValue::Bool(value) => (*value).into(),
            RawValue::Integer(value) => (*value).into(),
            RawValue::Text(text) => text.as_ref().into(),
            RawValue::List(items) => items.iter().map(|(item, _)| plain(item)).collect(),
            RawValue::Table(table) => table
                .entries
                .iter()
                .map(|entry| (entry.name.to_string(), plain(&entry.value)))
                .collect(),
            RawValue::Other(_) => serde_json::Value::Null,
        }
    }

    #[test]
    fn what_is_no_json() {
        for text in [
            "",
            "{",
            "}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "[1,]",
            "01",
            "1.",
            "-",
            "1e",
            "\"",
            "\"\\x\"",
            "\"\n\"",
            "\"\\ud800\"",
            "\"\\u12\"",
            "tru",
            "nul",
            "{} {}",
            "{a:1}",
            "+1",
            ".5",
            "\"\\ud800\\u0041\"",
        ] {
            assert!(parse(text, 16, 1000).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(100_000), 16, 1000).is_err());
        assert!(parse(&format!("\"{}\"", "x".repeat(1001)), 16, 1000).is_err());
        assert_eq!(parse("{\"a\":1,\"a\":2}", 16, 10).unwrap().1[0].start, 7);
    }

    proptest! {
        /// The same as `serde_json` on any text that could be JSON.
        #[test]
        fn agrees_with_serde_json(text in r#"[\[\]{}:,"\\a\-0-9.eEun tr/fls\r\n\u{e9}]{0,24}"#) {
            let ours = parse(&text, 64, 1000);
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?}: {:?}", ours, theirs);
        }

        #[test]
        fn reads_what_serde_json_writes(texts in proptest::collection::vec(any::<String>(), 0..4), number: i64) {
            let value = serde_json::json!({ "texts": texts, "number": number, "deep": { "yes": true } });
            for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let (read, duplicates) = parse(&written, 16, 100_000).unwrap();
                prop_assert_eq!(plain(&read), value.clone());
                prop_assert!(duplicates.is_empty());
            }
        }
    }
}
