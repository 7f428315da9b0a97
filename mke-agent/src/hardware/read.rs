//! Reads the tables of the kernel. What one of them does not say is left out; nothing is guessed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The unit of sizes in `/sys/block`, whatever the disk's own one is (Documentation/ABI/stable/sysfs-block).
const SECTOR: u64 = 512;
/// Most entries of one directory that are looked at.
const MAX_ENTRIES: usize = 4096;
/// Most bytes of one table.
const MAX_TABLE: usize = 8 * 1024 * 1024;

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hardware {
    /// Who made it, if it says so.
    pub vendor: Option<String>,
    /// What it is called.
    pub product: Option<String>,
    /// Version of the kernel.
    pub kernel: Option<String>,
    /// Its processors.
    pub processors: Processors,
    /// Its memory.
    pub memory: Memory,
    /// Its disks by name; without RAM disks, loops and empty drives.
    pub disks: Vec<Disk>,
    /// Its network cards by name; those without a device behind them are left out.
    pub network_cards: Vec<NetworkCard>,
}

/// Processors.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Processors {
    /// What the kernel schedules on.
    pub logical: usize,
    /// Packages; 0 when the kernel does not say.
    pub sockets: usize,
    /// The first one's model.
    pub model: Option<String>,
}

/// Memory in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// All of it.
    pub total_bytes: u64,
    /// What programs could still get.
    pub available_bytes: u64,
    /// Swap.
    pub swap_bytes: u64,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Its name below `/dev`.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// Whether something turns in it.
    pub rotational: bool,
    /// Whether it can be taken out.
    pub removable: bool,
    /// Whether it cannot be written.
    pub read_only: bool,
    /// Its model.
    pub model: Option<String>,
    /// Its parts by name.
    pub partitions: Vec<Partition>,
}

/// A part of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    /// Its name below `/dev`.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
}

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkCard {
    /// Its name.
    pub name: String,
    /// Its hardware address.
    pub address: Option<String>,
    /// Its speed, while something is connected.
    pub megabits: Option<u64>,
}

/// Reads `proc` and `sys` below `root`, which is `/` but in tests.
pub fn read(root: &Path) -> Hardware {
    let (proc, sys) = (root.join("proc"), root.join("sys"));
    Hardware {
        vendor: line(&sys.join("class/dmi/id/sys_vendor")),
        product: line(&sys.join("class/dmi/id/product_name")),
        kernel: line(&proc.join("sys/kernel/osrelease")),
        processors: processors(&table(&proc.join("cpuinfo"))),
        memory: memory(&table(&proc.join("meminfo"))),
        disks: names(&sys.join("block"))
            .into_iter()
            .filter_map(|name| disk(&sys.join("block").join(&name), name))
            .collect(),
        network_cards: names(&sys.join("class/net"))
            .into_iter()
            .filter_map(|name| network_card(&sys.join("class/net").join(&name), name))
            .collect(),
    }
}

fn processors(cpuinfo: &str) -> Processors {
    let mut found = Processors::default();
    let mut sockets = BTreeSet::new();
    for (key, value) in cpuinfo.lines().filter_map(|line| line.split_once(':')) {
        match key.trim() {
            "processor" => found.logical += 1,
            "physical id" => {
                sockets.insert(value.trim());
            }
            "model name" if found.model.is_none() => found.model = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    found.sockets = sockets.len();
    found
}

fn memory(meminfo: &str) -> Memory {
    let bytes = |key: &str| {
        let line = meminfo
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let kib: u64 = line
            .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .unwrap_or(0);
        kib.saturating_mul(1024)
    };
    Memory {
        total_bytes: bytes("MemTotal"),
        available_bytes: bytes("MemAvailable"),
        swap_bytes: bytes("SwapTotal"),
    }
}

fn disk(dir: &Path, name: String) -> Option<Disk> {
    let kind = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let size_bytes = number(&dir.join("size"))?.saturating_mul(SECTOR);
    if size_bytes == 0 || kind("ram") || kind("loop") {
        return None;
    }
    let is = |file: &str| number(&dir.join(file)) == Some(1);
    let partitions = names(dir)
        .into_iter()
        .filter(|part| dir.join(part).join("partition").exists())
        .filter_map(|part| {
            let size_bytes = number(&dir.join(&part).join("size"))?.saturating_mul(SECTOR);
            Some(Partition {
                name: part,
                size_bytes,
            })
        })
        .collect();
    Some(Disk {
        size_bytes,
        rotational: is("queue/rotational"),
        removable: is("removable"),
        read_only: is("ro"),
        model: line(&dir.join("device/model")),
        partitions,
        name,
    })
}

fn network_card(dir: &Path, name: String) -> Option<NetworkCard> {
    if !dir.join("device").exists() {
        return None;
    }
    Some(NetworkCard {
        address: line(&dir.join("address")),
        // Unplugged ones say -1 or nothing at all.
        megabits: number(&dir.join("speed")),
        name,
    })
}

/// Entries of a directory in order.
fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .take(MAX_ENTRIES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

fn table(path: &Path) -> String {
    let mut text = fs::read_to_string(path).unwrap_or_default();
    if text.len() > MAX_TABLE {
        text.clear();
    }
    text
}

fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn number(path: &Path) -> Option<u64> {
    line(path)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ARCH-022: every table is read, what is no disk or card is left out, and an empty machine is an answer.
    #[test]
    fn a_machine_is_read() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "proc/cpuinfo",
            "processor\t: 0\nmodel name\t: Fast CPU\nphysical id\t: 0\n\nprocessor\t: 1\nphysical id\t: 1\n",
        );
        write(
            "proc/meminfo",
            "MemTotal:       16384 kB\nMemAvailable:    8192 kB\nSwapTotal:       1024 kB\n",
        );
        write("proc/sys/kernel/osrelease", "6.1.0\n");
        write("sys/class/dmi/id/sys_vendor", "Maker\n");
        write("sys/class/dmi/id/product_name", " \n");
        write("sys/block/sda/size", "2048\n");
        write("sys/block/sda/ro", "0\n");
        write("sys/block/sda/removable", "0\n");
        write("sys/block/sda/queue/rotational", "1\n");
        write("sys/block/sda/device/model", "Disk 1  \n");
        write("sys/block/sda/sda1/partition", "1\n");
        write("sys/block/sda/sda1/size", "1024\n");
        write("sys/block/loop0/size", "9999\n");
        write("sys/block/ram0/size", "9999\n");
        write("sys/block/sr0/size", "0\n");
        write("sys/class/net/lo/address", "00:00:00:00:00:00\n");
        write("sys/class/net/eth0/address", "02:00:00:00:00:01\n");
        write("sys/class/net/eth0/speed", "-1\n");
        write("sys/class/net/eth0/device/vendor", "x\n");
        let hardware = read(root.path());
        assert_eq!(
            (
                hardware.vendor.as_deref(),
                hardware.product,
                hardware.kernel.as_deref()
            ),
            (Some("Maker"), None, Some("6.1.0"))
        );
        let processors = &hardware.processors;
        assert_eq!((processors.logical, processors.sockets), (2, 2));
        assert_eq!(processors.model.as_deref(), Some("Fast CPU"));
        let memory = &hardware.memory;
        assert_eq!(
            (memory.total_bytes, memory.available_bytes, memory.swap_bytes),
            (16 << 20, 8 << 20, 1 << 20)
        );
        let [disk] = &hardware.disks[..] else {
            panic!("{:?}", hardware.disks)
        };
        assert_eq!(
            (
                &*disk.name,
                disk.size_bytes,
                disk.rotational,
                disk.read_only,
                disk.model.as_deref()
            ),
            ("sda", 1 << 20, true, false, Some("Disk 1"))
        );
        assert_eq!(
            (&*disk.partitions[0].name, disk.partitions[0].size_bytes),
            ("sda1", 1 << 19)
        );
        let [card] = &hardware.network_cards[..] else {
            panic!("{:?}", hardware.network_cards)
        };
        assert_eq!(
            (&*card.name, card.address.as_deref(), card.megabits),
            ("eth0", Some("02:00:00:00:00:01"), None)
        );
        let nothing = read(&root.path().join("nowhere"));
        assert_eq!((nothing.processors.logical, nothing.disks.len()), (0, 0));
    }
}
