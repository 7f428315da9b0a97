//! Whose data a directory of etcd holds: the ids of member and cluster, from the beginning of its log. Pure.
//!
//! Each file of the log begins with two records: the checksum that the file before it ended with, and the ids. A record is
//! framed by a little-endian length of 8 bytes, whose highest byte tells how much padding follows. Both are messages of
//! protocol buffers.

/// How many bytes of a file are enough: the first two records take less than a hundred.
pub const HEAD: usize = 512;

/// A record that holds a checksum.
const CHECKSUM: u64 = 4;
/// A record that holds the ids.
const METADATA: u64 = 1;

/// Whose data it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The id of the member.
    pub member: u64,
    /// The id of its cluster.
    pub cluster: u64,
}

/// Why that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WalError {
    /// It ends too soon.
    #[error("the log of the store's member ends within its first records")]
    Short,
    /// It is no such file.
    #[error("what lies in the place of the log of the store's member is no log")]
    Foreign,
    /// Bytes have changed.
    #[error("the checksum of the first record of the log of the store's member is wrong")]
    Damaged,
}

/// Reads the beginning of a file of the log, of which [`HEAD`] bytes are enough.
///
/// # Errors
/// [`WalError`].
pub fn identity(head: &[u8]) -> Result<Identity, WalError> {
    let (before, rest) = record(head)?;
    if before.kind != CHECKSUM {
        return Err(WalError::Foreign);
    }
    let (metadata, _) = record(rest)?;
    if metadata.kind != METADATA {
        return Err(WalError::Foreign);
    }
    if checksum(before.checksum, metadata.data) != metadata.checksum {
        return Err(WalError::Damaged);
    }
    let (mut member, mut cluster) = (None, None);
    let mut fields = Fields(metadata.data);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Number(id)) => member = Some(id),
            (2, Value::Number(id)) => cluster = Some(id),
            _ => {}
        }
    }
    match (member, cluster) {
        (Some(member), Some(cluster)) if member != 0 => Ok(Identity { member, cluster }),
        _ => Err(WalError::Foreign),
    }
}

struct Record<'r> {
    kind: u64,
    checksum: u32,
    data: &'r [u8],
}

/// The first record, and what comes behind it.
fn record(bytes: &[u8]) -> Result<(Record<'_>, &[u8]), WalError> {
    let (frame, rest) = bytes.split_first_chunk::<8>().ok_or(WalError::Short)?;
    let frame = u64::from_le_bytes(*frame);
    let padding = if frame >> 63 == 1 { (frame >> 56) & 0x7 } else { 0 };
    let length = frame & 0x00ff_ffff_ffff_ffff;
    // Room that was reserved and not written yet is empty.
    if length == 0 {
        return Err(WalError::Short);
    }
    // These records are small; anything else is no log.
    let (length, padding) = match (usize::try_from(length), usize::try_from(padding)) {
        (Ok(length), Ok(padding)) if length <= HEAD => (length, padding),
        _ => return Err(WalError::Foreign),
    };
    let body = rest.get(..length).ok_or(WalError::Short)?;
    let rest = rest.get(length + padding..).unwrap_or_default();
    let mut found = Record {
        kind: 0,
        checksum: 0,
        data: &[],
    };
    let mut fields = Fields(body);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Number(kind)) => found.kind = kind,
            (2, Value::Number(sum)) => found.checksum = u32::try_from(sum).map_err(|_| WalError::Foreign)?,
            (3, Value::Bytes(data)) => found.data = data,
            _ => {}
        }
    }
    Ok((found, rest))
}

enum Value<'v> {
    Number(u64),
    Bytes(&'v [u8]),
}

/// The fields of a message that are left.
struct Fields<'f>(&'f [u8]);

impl<'f> Fields<'f> {
    fn next(&mut self) -> Result<Option<(u64, Value<'f>)>, WalError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let value = match tag & 0x7 {
            0 => Value::Number(self.number()?),
            2 => {
                let length = usize::try_from(self.number()?).map_err(|_| WalError::Foreign)?;
                let (data, rest) = self.0.split_at_checked(length).ok_or(WalError::Foreign)?;
                self.0 = rest;
                Value::Bytes(data)
            }
            _ => return Err(WalError::Foreign),
        };
        Ok(Some((tag >> 3, value)))
    }

    /// Seven bits a byte, the lowest first.
    fn number(&mut self) -> Result<u64, WalError> {
        let mut number = 0_u64;
        for place in 0..10_u32 {
            let (byte, rest) = self.0.split_first().ok_or(WalError::Foreign)?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if place == 9 && bits > 1 {
                return Err(WalError::Foreign);
            }
            number |= bits << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(WalError::Foreign)
    }
}

/// CRC-32C of `data` behind what had the checksum `before`.
fn checksum(before: u32, data: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        let mut sum = sum ^ u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0x82f6_3b78
            } else {
                sum >> 1
            };
        }
        sum
    };
    !data.iter().fold(!before, step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(mut value: u64, into: &mut Vec<u8>) {
        loop {
            let bits = u8::try_from(value & 0x7f).unwrap();
            value >>= 7;
            if value == 0 {
                return into.push(bits);
            }
            into.push(bits | 0x80);
        }
    }

    /// A record as etcd writes it, padded to eight bytes.
    fn written(kind: u64, sum: u32, data: Option<&[u8]>, into: &mut Vec<u8>) {
        let mut body = vec![0x08];
        number(kind, &mut body);
        body.push(0x10);
        number(u64::from(sum), &mut body);
        if let Some(data) = data {
            body.push(0x1a);
            number(data.len() as u64, &mut body);
            body.extend(data);
        }
        let padding = (8 - body.len() % 8) % 8;
        let mut frame = body.len() as u64;
        if padding != 0 {
            frame |= (0x80 | padding as u64) << 56;
        }
        into.extend(frame.to_le_bytes());
        into.extend(&body);
        into.extend(std::iter::repeat_n(0, padding));
    }

    fn log(identity: Identity, before: u32) -> Vec<u8> {
        let mut data = vec![0x08];
        number(identity.member, &mut data);
        data.push(0x10);
        number(identity.cluster, &mut data);
        let mut log = Vec::new();
        written(CHECKSUM, before, None, &mut log);
        written(METADATA, checksum(before, &data), Some(&data), &mut log);
        // Room for more.
        log.resize(log.len() + 64, 0);
        log
    }

    /// The checksum of nine digits that every description of CRC-32C gives, at once and in two pieces.
    #[test]
    fn sums() {
        assert_eq!(checksum(0, b"123456789"), 0xe306_9283);
        assert_eq!(checksum(checksum(0, b"1234"), b"56789"), 0xe306_9283);
    }

    /// What is none says so.
    #[test]
    fn no_logs() {
        for (bytes, error) in [
            (Vec::new(), WalError::Short),
            (vec![0; 512], WalError::Short),
            (b"SQLite format 3\0".repeat(8), WalError::Foreign),
            (vec![0xff; 64], WalError::Foreign),
        ] {
            assert_eq!(identity(&bytes), Err(error), "{bytes:?}");
        }
        let mut other = Vec::new();
        written(CHECKSUM, 0, None, &mut other);
        written(2, 0, Some(b"entry"), &mut other);
        assert_eq!(identity(&other), Err(WalError::Foreign));
    }

    proptest! {
        /// What was written is read, whatever came before it; cut off or with another byte it is refused or the same, never
        /// another member's.
        #[test]
        fn read_as_written(
            member in 1..=u64::MAX, cluster: u64, before: u32, cut in 0..64_usize, place in 0..64_usize, byte: u8,
        ) {
            let known = Identity { member, cluster };
            let log = log(known, before);
            prop_assert_eq!(identity(&log), Ok(known));
            if let Ok(found) = identity(&log[..cut.min(log.len())]) {
                prop_assert_eq!(found, known);
            }
            let mut changed = log.clone();
            let place = place.min(log.len() - 1);
            changed[place] = byte;
            if let Ok(found) = identity(&changed) {
                prop_assert_eq!(found, known);
            }
        }

        /// Nothing makes it fall over.
        #[test]
        fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _ = identity(&bytes);
        }
    }
}
