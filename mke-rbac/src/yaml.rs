//! Decides whether a YAML text may be read: aliases repeat what an anchor names, so a short text can stand for one
//! that fits into no memory. The parser limits how often, not how much.

use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_yaml_ng::{Deserializer, Error};

/// How many times its own length a text may stand for.
const FACTOR: usize = 8;
/// What a short text may stand for in any case, in bytes.
const FREE: usize = 64 * 1024;

/// Reads a text with one document.
///
/// # Errors
/// Those of the parser, and a text that [`check`] refuses.
pub(crate) fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    check(text)?;
    serde_yaml_ng::from_str(text)
}

/// Whether the text, with its aliases written out, is not much longer than it is.
///
/// # Errors
/// It is, or it cannot be parsed.
pub(crate) fn check(text: &str) -> Result<(), Error> {
    // Without an anchor there is nothing to repeat; then it is not read twice.
    if !text.contains('&') {
        return Ok(());
    }
    let mut left = text.len().saturating_mul(FACTOR).saturating_add(FREE);
    for document in Deserializer::from_str(text) {
        Measure { left: &mut left }.deserialize(document)?;
    }
    Ok(())
}

/// Walks over a document, keeps nothing, and gives up when the rest is used up.
struct Measure<'l> {
    left: &'l mut usize,
}

impl Measure<'_> {
    fn take<E: serde::de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        // A value without text, such as an empty list, takes room too.
        match self.left.checked_sub(bytes.saturating_add(1)) {
            Some(left) => {
                *self.left = left;
                Ok(())
            }
            None => Err(E::custom(format!(
                "its aliases stand for more than {FACTOR} times the text; write out what they name"
            ))),
        }
    }

    fn again(&mut self) -> Measure<'_> {
        Measure { left: self.left }
    }
}

impl<'de> DeserializeSeed<'de> for Measure<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Measure<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: serde::de::Error>(mut self, _: bool) -> Result<(), E> {
        self.take(0)
    }

    fn visit_i64<E: serde::de::Error>(mut self, _: i64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_u64<E: serde::de::Error>(mut self, _: u64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_i128<E: serde::de::Error>(mut self, _: i128) -> Result<(), E> {
        self.take(0)
    }

    fn visit_u128<E: serde::de::Error>(mut self, _: u128) -> Result<(), E> {
        self.take(0)
    }

    fn visit_f64<E: serde::de::Error>(mut self, _: f64) -> Result<(), E> {
        self.take(0)
    }

    fn visit_str<E: serde::de::Error>(mut self, text: &str) -> Result<(), E> {
        self.take(text.len())
    }

    fn visit_unit<E: serde::de::Error>(mut self) -> Result<(), E> {
        self.take(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.take(0)?;
        while items.next_element_seed(self.again())?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        self.take(0)?;
        while fields.next_key_seed(self.again())?.is_some() {
            fields.next_value_seed(self.again())?;
        }
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(mut self, tagged: A) -> Result<(), A::Error> {
        let (tag, value) = tagged.variant::<String>()?;
        self.take(tag.len())?;
        value.newtype_variant_seed(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// A list of a thousand words, named a thousand times: 20 kB that stand for 10 MB.
    fn bomb() -> String {
        let words = vec!["word"; 1000].join(",");
        let aliases = vec!["*a"; 1000].join(",");
        format!("a: &a [{words}]\nb: [{aliases}]\n")
    }

    /// Wherever YAML comes from outside, states and manifests in a request body included.
    #[test]
    fn every_reader_refuses_what_explodes() {
        let refused = |error: String| assert!(error.contains("aliases stand for more"), "{error}");
        let whole = |error: &dyn std::error::Error| match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        refused(whole(
            &crate::kubernetes::Rbac::from_manifests(&bomb()).unwrap_err(),
        ));
        refused(whole(
            &crate::admission::Objects::empty().read(&bomb()).unwrap_err(),
        ));
        refused(whole(&crate::state::World::parse(&bomb(), None).unwrap_err()));
        refused(whole(&crate::inquiry::changes(&bomb()).unwrap_err()));
        refused(whole(&crate::inquiry::PolicyTests::parse(&bomb()).unwrap_err()));
    }

    /// DoS by aliases is refused without building what they stand for; modest use and every tag stay possible.
    #[test]
    fn aliases_do_not_explode() {
        let error = from_str::<Value>(&bomb()).unwrap_err().to_string();
        assert!(error.contains("aliases stand for more than 8 times"), "{error}");
        let long = "x".repeat(100_000);
        let repeated = format!("a: &a {long}\nb: [{}]\n", vec!["*a"; 100].join(","));
        assert!(check(&repeated).is_err(), "long texts count by their length");
        assert!(
            check(&format!("---\na: 1\n---\n{}", bomb())).is_err(),
            "in every document"
        );
        let modest = "a: &a {x: [1, -1, 1.5, true, null, !t z]}\nb: *a\nc: [*a, *a]\n---\nx&y: z\n";
        assert!(check(modest).is_ok(), "{:?}", check(modest));
        assert_eq!(
            from_str::<Value>("a: &a [1]\nb: *a\n").unwrap(),
            serde_json::json!({"a": [1], "b": [1]})
        );
    }
}
