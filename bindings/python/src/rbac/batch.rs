//! Many decisions in one call: positions from arrays or names from lists, verdicts as bytes, the interpreter free
//! meanwhile.

use mke_rbac::Prepared;
use mke_rbac::operation::{ModifierSet, Operation};
use pyo3::prelude::*;
use pyo3::types::{PyMemoryView, PyString};

use crate::errors::invalid;

/// Questions of one thread, at least: starting one costs as much as several thousand decisions.
const SHARE: usize = 16_384;
/// Questions whose memory is asked for together, because waiting for it is most of what they cost.
const TOGETHER: usize = 32;

/// One of the three arguments of a batch, as it was given.
pub(super) enum Column {
    /// The same for every question.
    Same(i64),
    /// One for each question.
    Each(Vec<i64>),
    /// One for each question, as an array has them.
    Raw(Raw),
}

/// The bytes of an array of whole numbers.
pub(super) struct Raw {
    bytes: Vec<u8>,
    width: usize,
    signed: bool,
}

impl Column {
    /// Reads an argument: a name, a list of names or positions, or an array of whole numbers. `position` looks up a name.
    pub(super) fn read(
        what: &str,
        value: &Bound<'_, PyAny>,
        position: impl Fn(&Bound<'_, PyAny>) -> PyResult<i64>,
    ) -> PyResult<Self> {
        if value.is_none() || value.is_instance_of::<PyString>() {
            return position(value).map(Self::Same);
        }
        if let Ok(view) = PyMemoryView::from(value)
            && !holds_names(&view)?
        {
            return Raw::read(what, &view).map(Self::Raw);
        }
        let mut all = Vec::with_capacity(value.len().unwrap_or_default());
        for item in value.try_iter()? {
            let item = item?;
            all.push(match item.is_none() || item.is_instance_of::<PyString>() {
                true => position(&item)?,
                false => match item.extract() {
                    Ok(number) => number,
                    Err(_) => position(&name_of(what, &item)?)?,
                },
            });
        }
        Ok(Self::Each(all))
    }

    fn len(&self) -> Option<usize> {
        match self {
            Self::Same(_) => None,
            Self::Each(all) => Some(all.len()),
            Self::Raw(raw) => Some(raw.bytes.len() / raw.width),
        }
    }

    /// The positions, each of which must be below `known`; `-1` too where it stands for nobody.
    fn check(self, what: &str, known: usize, nobody: bool) -> Result<Numbers, String> {
        let one = |(index, position): (usize, i64)| {
            let there = usize::try_from(position).is_ok_and(|position| position < known);
            let number = i32::try_from(position).ok();
            number
                .filter(|_| there || (nobody && position == -1))
                .ok_or_else(|| {
                    format!(
                        "{what}[{index}] is {position}, positions go from 0 to {}",
                        known.saturating_sub(1)
                    )
                })
        };
        Ok(match self {
            Self::Same(position) => Numbers::Same(one((0, position))?),
            Self::Each(all) => Numbers::Each(all.into_iter().enumerate().map(one).collect::<Result<_, _>>()?),
            Self::Raw(raw) => Numbers::Each(raw.numbers().enumerate().map(one).collect::<Result<_, _>>()?),
        })
    }

    /// The positions as the bytes of 32-bit numbers of this machine.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let narrow = |number: i64| i32::try_from(number).unwrap_or(i32::MAX).to_ne_bytes();
        match self {
            Self::Same(position) => narrow(*position).to_vec(),
            Self::Each(all) => all.iter().flat_map(|position| narrow(*position)).collect(),
            Self::Raw(raw) => raw.numbers().flat_map(narrow).collect(),
        }
    }
}

/// Whether an array of NumPy holds texts or objects, which are looked at one by one.
fn holds_names(view: &Bound<'_, PyMemoryView>) -> PyResult<bool> {
    let format: String = view.getattr("format")?.extract()?;
    let dimensions: usize = view.getattr("ndim")?.extract()?;
    Ok(dimensions == 1 && format.ends_with(['w', 'O']))
}

/// The name in a scalar of Arrow.
fn name_of<'py>(what: &str, item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let refused = || invalid(what, "must hold names (str) or positions (int)");
    let name = item.call_method0("as_py").map_err(|_| refused())?;
    match name.is_none() || name.is_instance_of::<PyString>() {
        true => Ok(name),
        false => Err(refused()),
    }
}

impl Raw {
    fn read(what: &str, view: &Bound<'_, PyMemoryView>) -> PyResult<Self> {
        let format: String = view.getattr("format")?.extract()?;
        let width: usize = view.getattr("itemsize")?.extract()?;
        let refused = || {
            let found = format!(
                "must hold whole numbers in one dimension and in the order of bytes of this machine, found format `{format}`"
            );
            invalid(what, &found)
        };
        let native: &[char] = if cfg!(target_endian = "little") {
            &['@', '=', '<']
        } else {
            &['@', '=', '>']
        };
        let letter = format.trim_start_matches(native);
        let signed = match letter {
            "b" | "h" | "i" | "l" | "q" | "n" => true,
            "B" | "H" | "I" | "L" | "Q" | "N" => false,
            _ => return Err(refused()),
        };
        let dimensions: usize = view.getattr("ndim")?.extract()?;
        if dimensions != 1 || !matches!(width, 1 | 2 | 4 | 8) {
            return Err(refused());
        }
        // A copy, because the owner may write to the array while the interpreter is free.
        let bytes: Vec<u8> = view.call_method0("tobytes")?.extract()?;
        Ok(Self { bytes, width, signed })
    }

    /// The numbers; those too large for 64 bits with a sign are as large as can be.
    fn numbers(&self) -> impl Iterator<Item = i64> + '_ {
        self.bytes
            .chunks_exact(self.width)
            .map(|bytes| match (bytes, self.signed) {
                (&[a], true) => i64::from(i8::from_ne_bytes([a])),
                (&[a], false) => i64::from(a),
                (&[a, b], true) => i64::from(i16::from_ne_bytes([a, b])),
                (&[a, b], false) => i64::from(u16::from_ne_bytes([a, b])),
                (&[a, b, c, d], true) => i64::from(i32::from_ne_bytes([a, b, c, d])),
                (&[a, b, c, d], false) => i64::from(u32::from_ne_bytes([a, b, c, d])),
                (&[a, b, c, d, e, f, g, h], true) => i64::from_ne_bytes([a, b, c, d, e, f, g, h]),
                (&[a, b, c, d, e, f, g, h], false) => {
                    i64::try_from(u64::from_ne_bytes([a, b, c, d, e, f, g, h])).unwrap_or(i64::MAX)
                }
                _ => i64::MAX,
            })
    }
}

/// Positions that are all known.
enum Numbers {
    Same(i32),
    Each(Vec<i32>),
}

impl Numbers {
    fn at(&self, index: usize) -> i32 {
        match self {
            Self::Same(number) => *number,
            Self::Each(all) => all.get(index).copied().unwrap_or(i32::MAX),
        }
    }
}

/// Questions whose positions are all known.
pub(super) struct Questions {
    users: Numbers,
    operations: Numbers,
    collections: Numbers,
    modifiers: ModifierSet,
    len: usize,
}

impl Questions {
    /// Checks the arguments of a batch against a policy.
    ///
    /// # Errors
    /// In words: lists of different lengths, and the first position that stands for nothing.
    pub(super) fn check(
        prepared: &Prepared,
        users: Column,
        operations: Column,
        collections: Column,
        modifiers: ModifierSet,
    ) -> Result<Self, String> {
        let lengths = [&users, &operations, &collections];
        let lengths: Vec<_> = lengths.into_iter().filter_map(Column::len).collect();
        let len = lengths.first().copied().unwrap_or(1);
        if let Some(other) = lengths.iter().find(|other| **other != len) {
            return Err(format!(
                "lists of one batch are equally long, found {len} and {other}"
            ));
        }
        Ok(Self {
            users: users.check("subjects", prepared.user_count(), true)?,
            operations: operations.check("operations", Operation::ALL.len(), false)?,
            collections: collections.check("collections", prepared.collection_count(), false)?,
            modifiers,
            len,
        })
    }

    /// One byte for each question, 1 for allowed, on at most so many threads.
    pub(super) fn decide(&self, prepared: &Prepared, threads: Option<usize>) -> Vec<u8> {
        let mut verdicts = vec![0; self.len];
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads
            .unwrap_or_else(|| cores().min(self.len.div_ceil(SHARE)))
            .max(1);
        let share = self.len.div_ceil(threads).max(1);
        let mut parts = verdicts.chunks_mut(share).enumerate();
        // The first share is for this thread.
        let own = parts.next();
        std::thread::scope(|scope| {
            for (number, part) in parts {
                scope.spawn(move || self.fill(prepared, number * share, part));
            }
            if let Some((_, part)) = own {
                self.fill(prepared, 0, part);
            }
        });
        verdicts
    }

    fn fill(&self, prepared: &Prepared, start: usize, verdicts: &mut [u8]) {
        for (block, verdicts) in verdicts.chunks_mut(TOGETHER).enumerate() {
            let start = start + block * TOGETHER;
            for index in start..start + verdicts.len() {
                if let Some(collection) = self.collection(index) {
                    prepared.fetch(self.user(index), collection);
                }
            }
            for (index, verdict) in (start..).zip(verdicts) {
                *verdict = u8::from(self.one(prepared, index));
            }
        }
    }

    /// The only number below zero that was let in is nobody's.
    fn user(&self, index: usize) -> Option<usize> {
        usize::try_from(self.users.at(index)).ok()
    }

    fn collection(&self, index: usize) -> Option<usize> {
        usize::try_from(self.collections.at(index)).ok()
    }

    fn one(&self, prepared: &Prepared, index: usize) -> bool {
        let operation = usize::try_from(self.operations.at(index)).ok();
        let operation = operation.and_then(|position| Operation::ALL.get(position));
        match (operation, self.collection(index)) {
            (Some(operation), Some(collection)) => {
                prepared.allows(self.user(index), *operation, self.modifiers, collection)
            }
            _ => false,
        }
    }
}
