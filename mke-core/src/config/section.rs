//! A table of a file as a struct: the macro `section!` declares its fields and their keys in one place.
//!
//! ```text
//! section! {
//!     /// How long sessions live.
//!     pub struct SessionSettings at "auth.sessions" {
//!         /// How many minutes a login lives.
//!         lifetime_minutes: u32 = Key::integer(60).min(10).unit("minutes").live();
//!         /// A key whose name in the file is no Rust name.
//!         token("storeToken"): bool = Key::bool(false);
//!     }
//!     parts { … }   // more keys of the same table, grouped in a struct of their own
//!     tables { … }  // tables below this one
//!     rows { … }    // arrays of tables below this one
//!     named { … }   // tables whose names the user chooses
//! }
//! ```
//!
//! The documentation of a field is the key's `about`. Everything else follows from [`Section`].

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Debug;

use super::key::Key;
use super::value::Value;

/// A table of a file, with its keys and the tables below it.
pub trait Section: Debug + Any {
    /// Where it stands, as in [`Key::table`].
    fn table(&self) -> &'static str;

    /// Calls `visit` with every key of this table, in the order of the file.
    fn each_key(&self, visit: &mut dyn FnMut(&'static Key));

    /// The key of this name.
    fn key(&self, name: &str) -> Option<&'static Key>;

    /// The value of a key; `None` when it is unset or no key of this table.
    fn value(&self, name: &str) -> Option<Value>;

    /// Takes a value that was checked against the key. Says whether the key is there and its type fits.
    fn assign(&mut self, name: &str, value: &Value) -> bool;

    /// Calls `visit` with every key of this table that has another value in `other`, a table of the same type.
    fn each_difference(&self, other: &dyn Section, visit: &mut dyn FnMut(&'static Key));

    /// Calls `visit` with every table below this one.
    fn each_child<'a>(&'a self, visit: &mut dyn FnMut(&'static Child, ChildRef<'a>));

    /// Whether the array of tables of this name holds what it holds by default.
    fn rows_are_default(&self, name: &str) -> bool;

    /// The table of this name below this one.
    fn child(&self, name: &str) -> Option<(&'static Child, ChildRef<'_>)>;

    /// The table of this name below this one, to be filled.
    fn child_mut(&mut self, name: &str) -> Option<(&'static Child, ChildMut<'_>)>;
}

/// What is known about a table below another.
#[derive(Debug)]
pub struct Child {
    /// Its name in TOML.
    pub name: &'static str,
    /// Its name in the JSON form, where there is one.
    pub json: Option<&'static str>,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// A table with nothing but defaults in it, to learn its keys from; for rows and named tables, one of them.
    pub prototype: fn() -> Box<dyn Section>,
}

/// Tables below a section.
#[derive(Debug)]
pub enum ChildRef<'a> {
    /// One table.
    Table(&'a dyn Section),
    /// An array of tables.
    Rows(Vec<&'a dyn Section>),
    /// Tables under names that the user chose.
    Named(Vec<(&'a str, &'a dyn Section)>),
}

/// Tables below a section, to be filled.
pub enum ChildMut<'a> {
    /// One table.
    Table(&'a mut dyn Section),
    /// An array of tables.
    Rows(&'a mut dyn Rows),
    /// Tables under names that the user chooses.
    Named(&'a mut dyn Named),
}

/// An array of tables.
pub trait Rows {
    /// Removes all rows.
    fn clear_rows(&mut self);

    /// Adds a row of defaults and gives it.
    fn add(&mut self) -> &mut dyn Section;
}

impl<T: Section + Default> Rows for Vec<T> {
    fn clear_rows(&mut self) {
        self.clear();
    }

    fn add(&mut self) -> &mut dyn Section {
        self.push_mut(T::default())
    }
}

/// Tables under names.
pub trait Named {
    /// The table of this name; it is made when it is not there.
    fn entry_of(&mut self, name: &str) -> &mut dyn Section;
}

impl<T: Section + Default> Named for BTreeMap<String, T> {
    fn entry_of(&mut self, name: &str) -> &mut dyn Section {
        self.entry(name.to_owned()).or_default()
    }
}

/// Declares a table, see the [module](self).
macro_rules! section {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $toml:literal) => { $toml };
    (@json) => { None };
    (@json $json:literal) => { Some($json) };
    (@init $type:ty) => { <$type>::default() };
    (@init $type:ty, $init:expr) => { $init };
    (@about $about:literal) => { $about };

    (
        $(#[$meta:meta])*
        pub struct $name:ident at $table:literal {
            $( #[doc = $about:literal] $field:ident $(($toml:literal))? : $type:ty = $key:expr; )*
        }
        $( parts { $( #[doc = $part_about:literal] $part:ident : $part_type:ty; )* } )?
        $( tables { $( #[doc = $child_about:literal]
            $child:ident ($child_toml:literal $(, $child_json:literal)?) : $child_type:ty; )* } )?
        $( rows { $( #[doc = $rows_about:literal]
            $rows:ident ($rows_toml:literal $(, $rows_json:literal)?) : $row_type:ty $(= $rows_init:expr)?; )* } )?
        $( named { $( #[doc = $named_about:literal]
            $named:ident ($named_toml:literal) : $named_type:ty; )* } )?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $( #[doc = $about] pub $field: $type, )*
            $($( #[doc = $part_about] pub $part: $part_type, )*)?
            $($( #[doc = $child_about] pub $child: $child_type, )*)?
            $($( #[doc = $rows_about] pub $rows: Vec<$row_type>, )*)?
            $($( #[doc = $named_about] pub $named: std::collections::BTreeMap<String, $named_type>, )*)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $( $field: {
                        const KEY: $crate::config::Key = $key;
                        <$type as $crate::config::value::Field>::fallback(KEY.default)
                    }, )*
                    $($( $part: Default::default(), )*)?
                    $($( $child: Default::default(), )*)?
                    $($( $rows: section!(@init Vec<$row_type> $(, $rows_init)?), )*)?
                    $($( $named: Default::default(), )*)?
                }
            }
        }

        impl $name {
            /// The keys that stand in this struct itself.
            pub const KEYS: &'static [$crate::config::Key] = &[
                $( ($key).at($table, section!(@name $field $($toml)?), $about), )*
            ];

            const CHILDREN: &'static [$crate::config::Child] = &[
                $($( $crate::config::Child {
                    name: $child_toml,
                    json: section!(@json $($child_json)?),
                    about: $child_about,
                    prototype: || Box::new(<$child_type>::default()),
                }, )*)?
                $($( $crate::config::Child {
                    name: $rows_toml,
                    json: section!(@json $($rows_json)?),
                    about: $rows_about,
                    prototype: || Box::new(<$row_type>::default()),
                }, )*)?
                $($( $crate::config::Child {
                    name: $named_toml,
                    json: None,
                    about: $named_about,
                    prototype: || Box::new(<$named_type>::default()),
                }, )*)?
            ];
        }

        #[allow(unused_variables, unused_mut, clippy::needless_return, reason = "not every table has everything")]
        impl $crate::config::Section for $name {
            fn table(&self) -> &'static str {
                $table
            }

            fn each_key(&self, visit: &mut dyn FnMut(&'static $crate::config::Key)) {
                Self::KEYS.iter().for_each(&mut *visit);
                $($( self.$part.each_key(visit); )*)?
            }

            fn key(&self, name: &str) -> Option<&'static $crate::config::Key> {
                if let Some(key) = Self::KEYS.iter().find(|key| key.name == name) {
                    return Some(key);
                }
                $($( if let Some(key) = self.$part.key(name) { return Some(key); } )*)?
                None
            }

            fn value(&self, name: &str) -> Option<$crate::config::Value> {
                $( if name == section!(@name $field $($toml)?) {
                    return $crate::config::value::Field::to_value(&self.$field);
                } )*
                $($( if let Some(value) = self.$part.value(name) { return Some(value); } )*)?
                None
            }

            fn assign(&mut self, name: &str, value: &$crate::config::Value) -> bool {
                $( if name == section!(@name $field $($toml)?) {
                    return $crate::config::value::Field::assign(&mut self.$field, value);
                } )*
                $($( if self.$part.assign(name, value) { return true; } )*)?
                false
            }

            fn each_difference(
                &self,
                other: &dyn $crate::config::Section,
                visit: &mut dyn FnMut(&'static $crate::config::Key),
            ) {
                let other: &dyn std::any::Any = other;
                let Some(other) = other.downcast_ref::<Self>() else {
                    return self.each_key(visit);
                };
                // Keys stand in the order of the fields.
                let mut keys = Self::KEYS.iter();
                $( if let Some(key) = keys.next() && self.$field != other.$field { visit(key); } )*
                $($( self.$part.each_difference(&other.$part, visit); )*)?
            }

            fn each_child<'a>(
                &'a self,
                visit: &mut dyn FnMut(&'static $crate::config::Child, $crate::config::ChildRef<'a>),
            ) {
                $($( self.$part.each_child(visit); )*)?
                for child in Self::CHILDREN {
                    if let Some((_, tables)) = self.child(child.name) {
                        visit(child, tables);
                    }
                }
            }

            fn rows_are_default(&self, name: &str) -> bool {
                $($( if name == $rows_toml {
                    return self.$rows == section!(@init Vec<$row_type> $(, $rows_init)?);
                } )*)?
                $($( if self.$part.child(name).is_some() { return self.$part.rows_are_default(name); } )*)?
                false
            }

            fn child(&self, name: &str) -> Option<(&'static $crate::config::Child, $crate::config::ChildRef<'_>)> {
                $($( if let Some(child) = self.$part.child(name) { return Some(child); } )*)?
                let info = Self::CHILDREN.iter().find(|child| child.name == name)?;
                $($( if name == $child_toml {
                    return Some((info, $crate::config::ChildRef::Table(&self.$child)));
                } )*)?
                $($( if name == $rows_toml {
                    let rows = self.$rows.iter().map(|row| row as &dyn $crate::config::Section).collect();
                    return Some((info, $crate::config::ChildRef::Rows(rows)));
                } )*)?
                $($( if name == $named_toml {
                    let tables = self.$named.iter();
                    let tables = tables.map(|(name, table)| (name.as_str(), table as &dyn $crate::config::Section));
                    return Some((info, $crate::config::ChildRef::Named(tables.collect())));
                } )*)?
                None
            }

            fn child_mut(
                &mut self,
                name: &str,
            ) -> Option<(&'static $crate::config::Child, $crate::config::ChildMut<'_>)> {
                $($( if self.$part.child(name).is_some() { return self.$part.child_mut(name); } )*)?
                let info = Self::CHILDREN.iter().find(|child| child.name == name)?;
                $($( if name == $child_toml {
                    return Some((info, $crate::config::ChildMut::Table(&mut self.$child)));
                } )*)?
                $($( if name == $rows_toml {
                    return Some((info, $crate::config::ChildMut::Rows(&mut self.$rows)));
                } )*)?
                $($( if name == $named_toml {
                    return Some((info, $crate::config::ChildMut::Named(&mut self.$named)));
                } )*)?
                None
            }
        }
    };
}

pub(super) use section;
