//! Valid files as people write them: some keys with allowed values, in headers, dotted keys and inline tables, with every
//! kind of string and number, comments, odd spacing and line ends of either kind.

use std::collections::BTreeMap;

use mke_core::config::{Effect, Fallback, Key, KeyPath, Kind, Required, Step, keys};

/// A small random sequence, the same for the same seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.roll(items.len())]
    }
}

/// What stands under a name.
enum Node {
    Value(Kind, String),
    Table(Table),
    Rows(Vec<Table>),
}

type Table = BTreeMap<String, Node>;

/// A generated file, and the paths of the keys in it with how their values are written.
pub(crate) struct File {
    pub(crate) text: String,
    pub(crate) given: Vec<(String, String)>,
}

/// Keys whose rules name no other key, so that any of them can stand beside any other.
fn free(key: &Key) -> bool {
    let alone = key.rule.is_none() && key.required == Required::No && key.effect != Effect::Nothing;
    let by_table = [
        "external_identity",
        "hardening",
        "schedule_config",
        "samlProxy",
        "account_lock",
    ];
    let by_name = [
        "enabled",
        "probe",
        "ipvs",
        "_port",
        "backend",
        "lifetime_minutes",
        "no_passphrase",
        "_mtu",
    ];
    alone
        && !by_table.iter().any(|part| key.table.contains(part))
        && !by_name.iter().any(|part| key.name.contains(part))
}

/// The tree of a valid file.
fn tree(dice: &mut Dice) -> Table {
    let plain: Vec<&Key> = keys()
        .iter()
        .copied()
        .filter(|key| free(key) && !key.table.contains(['[', '<']) && !key.table.is_empty())
        .collect();
    let mut root = Table::new();
    for _ in 0..=dice.roll(40) {
        let key = *dice.pick(&plain);
        let value = literal(key, dice);
        table_at(&mut root, key.table).insert(key.name.to_owned(), Node::Value(key.kind, value));
    }
    for rows in [
        "registries",
        "custom_api_server_headers",
        "auth.ldap.additional_domains",
        "auth.ldap.user_search_configs",
    ] {
        if dice.roll(3) == 0 {
            let count = 1 + dice.roll(3);
            let made = (0..count).map(|_| row(rows, dice)).collect();
            let (parent, name) = rows.rsplit_once('.').unwrap_or(("", rows));
            table_at(&mut root, parent).insert(name.to_owned(), Node::Rows(made));
        }
    }
    root
}

fn table_at<'t>(root: &'t mut Table, path: &str) -> &'t mut Table {
    let steps = if path.is_empty() {
        Vec::new()
    } else {
        path.parse::<KeyPath>().unwrap().0
    };
    let mut table = root;
    for step in steps {
        let Step::Name(name) = step else {
            unreachable!("{path} has a row")
        };
        let node = table.entry(name).or_insert_with(|| Node::Table(Table::new()));
        let Node::Table(inner) = node else {
            unreachable!("{path} is no table")
        };
        table = inner;
    }
    table
}

/// A row with what it needs, and some of what it may have.
fn row(rows: &str, dice: &mut Dice) -> Table {
    let table = format!("{rows}[]");
    let mut made = Table::new();
    for key in keys().iter().filter(|key| key.table == table) {
        if key.default == Fallback::Unset || dice.roll(3) == 0 {
            made.insert(key.name.to_owned(), Node::Value(key.kind, literal(key, dice)));
        }
    }
    made
}

/// An allowed value in one of the ways in which TOML writes it.
fn literal(key: &Key, dice: &mut Dice) -> String {
    match key.kind {
        Kind::Bool => (*dice.pick(&["true", "false"])).to_owned(),
        Kind::Integer => {
            let number = key.min.or(key.max).unwrap_or(3);
            match dice.roll(4) {
                0 if number >= 0 => format!("0x{number:x}"),
                1 if number >= 0 => format!("+{number}"),
                2 if number >= 1000 => format!("{}_{:03}", number / 1000, number % 1000),
                _ => number.to_string(),
            }
        }
        Kind::Text => string(&word(key, dice), dice),
        Kind::List => {
            let count = if key.not_empty {
                1 + dice.roll(2)
            } else {
                dice.roll(3)
            };
            let items: Vec<_> = (0..count).map(|_| string(&word(key, dice), dice)).collect();
            match (items.is_empty(), dice.roll(3)) {
                (true, _) => "[ ]".to_owned(),
                (_, 0) => format!("[{}]", items.join(",")),
                (_, 1) => format!("[ {} , ]", items.join(" , ")),
                _ => format!("[ # a list\n    {},\n  # done\n]", items.join(",\n\t")),
            }
        }
        Kind::Map => match dice.roll(2) {
            0 => "{}".to_owned(),
            _ => format!(
                "{{ a = {}, \"b c\" = {} }}",
                string(&word(key, dice), dice),
                string(&word(key, dice), dice)
            ),
        },
    }
}

fn word(key: &Key, dice: &mut Dice) -> String {
    if key.allowed.is_empty() {
        key.format.sample().to_owned()
    } else {
        (*dice.pick(key.allowed)).to_owned()
    }
}

fn string(text: &str, dice: &mut Dice) -> String {
    let basic = toml_edit::Value::from(text).to_string();
    match dice.roll(4) {
        0 if !text.contains('\'') => format!("'{text}'"),
        1 if !text.contains(['"', '\\']) => format!("\"\"\"\n{text}\"\"\""),
        2 if text.is_ascii() && !text.is_empty() && !text.contains(['"', '\\']) => {
            let (first, rest) = text.split_at(1);
            format!("\"\\u{:04X}{rest}\"", u32::from(first.chars().next().unwrap()))
        }
        _ => basic,
    }
}

/// The text of a tree, written by a person with no style of their own.
struct Writer<'d> {
    dice: &'d mut Dice,
    text: String,
    given: Vec<(String, String)>,
}

/// A valid file.
pub(crate) fn file(seed: u64) -> File {
    let mut dice = Dice::new(seed);
    let tree = tree(&mut dice);
    let (windows, mark) = (dice.roll(3) == 0, dice.roll(4) == 0);
    let mut writer = Writer {
        dice: &mut dice,
        text: String::new(),
        given: Vec::new(),
    };
    writer.lines(&tree, "", "");
    let Writer { text, mut given, .. } = writer;
    let (mut text, mut newline) = (text, "\n");
    if windows {
        text = text.replace('\n', "\r\n");
        newline = "\r\n";
    }
    for (_, literal) in &mut given {
        *literal = literal.replace('\n', newline);
    }
    if mark {
        text.insert(0, '\u{feff}');
    }
    File { text, given }
}

/// The path of a name in a table.
fn below_of(path: &str, name: &str) -> String {
    let path: KeyPath = if path.is_empty() {
        KeyPath::default()
    } else {
        path.parse().unwrap()
    };
    path.join(name).to_string()
}

impl Writer<'_> {
    fn space(&mut self) -> String {
        (*self.dice.pick(&["", " ", "  ", "\t"])).to_owned()
    }

    fn name(&mut self, name: &str) -> String {
        match self.dice.roll(8) {
            _ if name.contains('.') => format!("\"{name}\""),
            0 => format!("\"{name}\""),
            1 => format!("'{name}'"),
            _ => name.to_owned(),
        }
    }

    fn remark(&mut self) {
        match self.dice.roll(6) {
            0 => self.text.push_str("# = [ \"a comment\n"),
            1 => self.text.push('\n'),
            2 => self.text.push_str("   \t\n"),
            _ => {}
        }
    }

    /// The keys of a table, one a line, and then the tables below it. `place` is where keys stand for people, `header`
    /// what stands in headers.
    fn lines(&mut self, table: &Table, place: &str, header: &str) {
        for (name, node) in table {
            if let Node::Value(..) = node {
                self.line(&[name], node, place);
            }
        }
        let mut below = Vec::new();
        for (name, node) in table {
            match node {
                Node::Value(..) => {}
                // Inline and dotted tables stand among the keys, before any header.
                Node::Table(_) if self.dice.roll(4) == 0 => self.line(&[name], node, place),
                Node::Table(inner) if self.dice.roll(4) == 0 => self.dotted(&[name], inner, place),
                Node::Rows(_) if self.dice.roll(4) == 0 => self.line(&[name], node, place),
                _ => below.push((name, node)),
            }
        }
        for (name, node) in below {
            let place = below_of(place, name);
            let written = self.name(name);
            let header = if header.is_empty() {
                written
            } else {
                format!("{header}.{written}")
            };
            match node {
                Node::Table(inner) => {
                    self.remark();
                    let (indent, space) = (self.space(), self.space());
                    self.text
                        .push_str(&format!("{indent}[{space}{header}{space}]{space}# of {name}\n"));
                    self.lines(inner, &place, &header);
                }
                Node::Rows(rows) => {
                    for (index, row) in rows.iter().enumerate() {
                        let indent = self.space();
                        self.text.push_str(&format!("{indent}[[{header}]]\n"));
                        self.lines(row, &format!("{place}[{index}]"), &header);
                    }
                }
                Node::Value(..) => {}
            }
        }
    }

    fn dotted(&mut self, names: &[&str], table: &Table, place: &str) {
        for (name, node) in table {
            let names = [names, &[name]].concat();
            match node {
                Node::Table(inner) => self.dotted(&names, inner, place),
                _ => self.line(&names, node, place),
            }
        }
    }

    /// `names = value` on a line.
    fn line(&mut self, names: &[&str], node: &Node, place: &str) {
        self.remark();
        let mut path = place.to_owned();
        let mut left = String::new();
        for name in names {
            path = below_of(&path, name);
            if !left.is_empty() {
                let space = self.space();
                left.push_str(&format!("{space}.{space}"));
            }
            let name = self.name(name);
            left.push_str(&name);
        }
        let value = self.value(node, &path);
        let (before, around, after) = (self.space(), self.space(), self.space());
        let remark = if self.dice.roll(3) == 0 { "# here" } else { "" };
        self.text.push_str(&format!(
            "{before}{left}{around}={around}{value}{after}{remark}\n"
        ));
    }

    fn value(&mut self, node: &Node, path: &str) -> String {
        match node {
            Node::Value(kind, literal) => {
                if *kind != Kind::Map {
                    self.given.push((path.to_owned(), literal.clone()));
                }
                literal.clone()
            }
            Node::Table(table) => {
                let entries: Vec<_> = table
                    .iter()
                    .map(|(name, node)| {
                        let inner = below_of(path, name);
                        let value = self.value(node, &inner);
                        format!("{} = {value}", self.name(name))
                    })
                    .collect();
                let space = self.space();
                format!("{{{space}{}{space}}}", entries.join(", "))
            }
            Node::Rows(rows) => {
                let rows: Vec<_> = rows
                    .iter()
                    .enumerate()
                    .map(|(index, row)| {
                        let entries: Vec<_> = row
                            .iter()
                            .map(|(name, node)| {
                                format!("{name}={}", self.value(node, &format!("{path}[{index}].{name}")))
                            })
                            .collect();
                        format!("{{ {} }}", entries.join(","))
                    })
                    .collect();
                format!("[\n  {},\n]", rows.join(",\n  "))
            }
        }
    }
}
