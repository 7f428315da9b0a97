//! Whether a TCP port on loopback is free, and if not, who holds it.

use std::net::{Ipv4Addr, TcpListener};

use crate::failure::{Failure, Outcome};
use crate::process;

/// Refuses a port on which another program listens, and names that program when `/proc` shows it.
pub(crate) fn must_be_free(port: u16) -> Outcome {
    let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else {
        return Ok(());
    };
    let holder = holder(port).map_or_else(String::new, |holder| format!(" (held by {holder})"));
    Err(Failure::Precondition(format!(
        "cannot listen on 127.0.0.1:{port}{holder}: {error}; stop that program or choose another port with --port"
    )))
}

/// The listening program, as `name, process 123`.
fn holder(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inode = tables
        .iter()
        .find_map(|table| listening(&std::fs::read_to_string(table).ok()?, port))?;
    let wanted = format!("socket:[{inode}]");
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let pid = entry.file_name().to_string_lossy().into_owned();
        // "self" and "thread-self" are this program under another name.
        if !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let Ok(files) = std::fs::read_dir(entry.path().join("fd")) else {
            continue;
        };
        let mut targets = files
            .flatten()
            .filter_map(|file| std::fs::read_link(file.path()).ok());
        if targets.any(|target| target.as_os_str() == wanted.as_str()) {
            let name = process::program(&pid).unwrap_or_else(|| "a program".to_owned());
            return Some(format!("{name}, process {pid}"));
        }
    }
    None
}

/// Inode of the socket that listens on `port`, from a table in the format of `/proc/net/tcp`.
fn listening(table: &str, port: u16) -> Option<u64> {
    /// TCP_LISTEN in the kernel's numbering.
    const LISTEN: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (_, local) = fields.get(1)?.rsplit_once(':')?;
        let here = u16::from_str_radix(local, 16).ok()? == port && *fields.get(3)? == LISTEN;
        if here { fields.get(9)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_of_the_kernel_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0\n\
             1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0\n";
        assert_eq!(listening(table, 8443), Some(4711));
        assert_eq!(listening(table, 8080), None, "connected, not listening");
        assert_eq!(listening("", 1), None);
    }

    #[test]
    fn the_holder_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = must_be_free(port).unwrap_err().to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        assert!(error.contains("--port"), "{error}");
    }
}
