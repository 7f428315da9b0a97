//! The archive format of POSIX.1-1988 (ustar): as much of it as layers need. Everything belongs to root and has the time 0.

use crate::failure::{Failure, Outcome};

const BLOCK: usize = 512;

/// Writes an archive into memory.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// Adds a directory.
    pub(super) fn directory(&mut self, name: &str, mode: u32) -> Outcome {
        self.entry(&format!("{name}/"), mode, b'5', &[])
    }

    /// Adds a file.
    pub(super) fn file(&mut self, name: &str, mode: u32, content: &[u8]) -> Outcome {
        self.entry(name, mode, b'0', content)
    }

    /// The archive, with the two empty blocks that end it.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * BLOCK, 0);
        self.0
    }

    fn entry(&mut self, name: &str, mode: u32, kind: u8, content: &[u8]) -> Outcome {
        self.0.extend(header(name, mode, kind, content.len())?);
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        Ok(())
    }
}

/// The header block: name, mode, owner, size, time, check sum, kind, magic (tables 10-15 of the standard's page on `pax`).
fn header(name: &str, mode: u32, kind: u8, size: usize) -> Outcome<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, width: usize, text: &str| -> Outcome {
        let place = block
            .get_mut(at..at + width)
            .and_then(|field| field.get_mut(..text.len()));
        match place {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Ok(())
            }
            None => Err(Failure::Broken(format!(
                "`{text}` does not fit into {width} bytes of an archive's header"
            ))),
        }
    };
    put(0, 100, name)?;
    put(100, 8, &format!("{mode:07o}"))?;
    put(108, 8, "0000000")?;
    put(116, 8, "0000000")?;
    put(124, 12, &format!("{size:011o}"))?;
    put(136, 12, "00000000000")?;
    put(148, 8, "        ")?;
    put(156, 1, if kind == b'5' { "5" } else { "0" })?;
    put(257, 6, "ustar\0")?;
    put(263, 2, "00")?;
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    let sum = format!("{sum:06o}\0 ");
    if let Some(field) = block.get_mut(148..156) {
        field.copy_from_slice(sum.as_bytes());
    }
    Ok(block)
}

/// One entry of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) content: &'a [u8],
}

/// The entries of an archive, which may come from elsewhere.
pub(super) fn entries(archive: &[u8]) -> Outcome<Vec<Entry<'_>>> {
    let mut entries = Vec::new();
    let mut rest = archive;
    while let Some((block, after)) = rest.split_at_checked(BLOCK) {
        if block.iter().all(|byte| *byte == 0) {
            return Ok(entries);
        }
        let entry = read(block, after)
            .ok_or_else(|| Failure::No(format!("entry {} of the archive is damaged", entries.len() + 1)))?;
        rest = after
            .get(entry.content.len().next_multiple_of(BLOCK)..)
            .unwrap_or_default();
        entries.push(entry);
    }
    Err(Failure::No("the archive ends in the middle".to_owned()))
}

fn read<'a>(block: &'a [u8], after: &'a [u8]) -> Option<Entry<'a>> {
    let text = |at: usize, width: usize| -> Option<&'a str> {
        let field = block.get(at..at + width)?;
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(width);
        std::str::from_utf8(field.get(..end)?).ok()
    };
    let size = usize::from_str_radix(text(124, 12)?.trim(), 8).ok()?;
    Some(Entry {
        name: text(0, 100)?,
        content: after.get(..size)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut writer = Writer::default();
        writer.directory("tmp", 0o1777).unwrap();
        writer.file("bin/program", 0o755, &[7; 1000]).unwrap();
        writer.file("empty", 0o644, &[]).unwrap();
        writer.finish()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let archive = sample();
        assert_eq!(archive.len() % BLOCK, 0);
        let entries = entries(&archive).unwrap();
        let seen: Vec<(&str, usize)> = entries
            .iter()
            .map(|entry| (entry.name, entry.content.len()))
            .collect();
        assert_eq!(seen, [("tmp/", 0), ("bin/program", 1000), ("empty", 0)]);
    }

    /// Another program agrees on names, modes and owners.
    #[test]
    fn tar_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.tar");
        std::fs::write(&file, sample()).unwrap();
        let output = std::process::Command::new("tar")
            .args(["--utc", "--numeric-owner", "-tvf"])
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/",
                "-rwxr-xr-x 0/0 1000 1970-01-01 00:00 bin/program",
                "-rw-r--r-- 0/0 0 1970-01-01 00:00 empty",
            ]
        );
    }

    #[test]
    fn damage_is_seen() {
        let archive = sample();
        assert!(entries(&archive[..archive.len() - 2 * BLOCK]).is_err(), "no end");
        assert!(entries(&archive[..BLOCK + 700]).is_err(), "half a file");
        let long = "a/".repeat(60);
        assert!(Writer::default().file(&long, 0o644, &[]).is_err());
    }
}
