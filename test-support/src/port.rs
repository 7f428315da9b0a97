//! Ports that a program is told before it listens on them.
//!
//! Wherever the program itself may choose, it listens on port 0 instead. What is told here stays free while a server is
//! stopped and started again: it lies outside the range from which the kernel serves everybody who asks for any port.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::net::TcpListener;

/// The lowest port that is given: below it stand well-known services.
const LOWEST: u16 = 10_000;

/// From where on the kernel gives ports to whoever asks for any, where it does not say so itself.
const USUAL_FIRST: u16 = 32_768;

/// A TCP port of the loopback interface on which nobody listens, and which nobody gets by chance later.
///
/// # Panics
/// When the ports are all taken.
pub fn free_port() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let end = first_of(&range);
    let count = u64::from(end - LOWEST);
    // Tests run at the same time, so each begins somewhere else.
    let start = RandomState::new().hash_one(std::process::id()) % count;
    let ports = (0..count).filter_map(|step| u16::try_from(u64::from(LOWEST) + (start + step) % count).ok());
    let mut free = ports.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().expect("a free port")
}

/// Where the kernel's range begins; the usual place where that leaves nothing below it.
fn first_of(range: &str) -> u16 {
    let first = range.split_whitespace().next().and_then(|text| text.parse().ok());
    first
        .filter(|first| *first > LOWEST + 1_000)
        .unwrap_or(USUAL_FIRST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_what_the_kernel_gives() {
        for (range, first) in [
            ("32768\t60999\n", 32_768),
            ("20000 30000", 20_000),
            ("1024 65535", 32_768),
            ("", 32_768),
        ] {
            assert_eq!(first_of(range), first, "{range}");
        }
        let port = free_port();
        let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert!(port >= LOWEST);
        assert_ne!(free_port(), taken.local_addr().unwrap().port());
    }
}
