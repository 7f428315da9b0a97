//! A server that sends what a test says, for what no real one would do.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread::JoinHandle;

use mke_core::config::{Ldap, UserSearch};

/// Answers the n-th request of each connection with the n-th of these, then closes. An empty answer just closes.
pub(crate) struct Fake {
    port: u16,
    _thread: JoinHandle<()>,
}

/// One value with this tag.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let mut bytes = vec![tag];
    if content.len() < 0x80 {
        bytes.push(length[3]);
    } else {
        bytes.push(0x84);
        bytes.extend(length);
    }
    bytes.extend_from_slice(content);
    bytes
}

/// A message with this number around an operation.
pub(crate) fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&[2, 1, id], operation].concat())
}

/// The result of an operation, with more at its end.
pub(crate) fn outcome(tag: u8, code: u8, more: &[u8]) -> Vec<u8> {
    tlv(tag, &[&[0x0a, 1, code, 4, 0, 4, 0], more].concat())
}

/// A search entry with one value for each attribute.
pub(crate) fn entry(dn: &str, attributes: &[(&str, &str)]) -> Vec<u8> {
    let attributes: Vec<u8> = attributes
        .iter()
        .flat_map(|(name, value)| {
            let values = tlv(0x31, &tlv(4, value.as_bytes()));
            tlv(0x30, &[tlv(4, name.as_bytes()), values].concat())
        })
        .collect();
    tlv(0x64, &[tlv(4, dn.as_bytes()), tlv(0x30, &attributes)].concat())
}

impl Fake {
    pub(crate) fn start(answers: Vec<Vec<u8>>) -> Self {
        Self::start_each(vec![answers])
    }

    /// As [`Self::start`], with other answers for each connection in turn; the last ones for all further.
    pub(crate) fn start_each(connections: Vec<Vec<Vec<u8>>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(mut stream) = stream else { return };
                let answers = connections[number.min(connections.len() - 1)].clone();
                for answer in answers {
                    let mut request = [0; 4096];
                    if !matches!(stream.read(&mut request), Ok(1..)) || stream.write_all(&answer).is_err() {
                        break;
                    }
                }
            }
        });
        Self {
            port,
            _thread: thread,
        }
    }

    /// Settings that ask this server, without a reader and without pages.
    pub(crate) fn config(&self) -> Ldap {
        Ldap {
            server_url: Some(format!("ldap://127.0.0.1:{}", self.port)),
            no_simple_pagination: true,
            jit_user_provisioning: false,
            user_search_configs: vec![UserSearch {
                base_dn: Some("dc=x".to_owned()),
                scope_subtree: true,
                match_group: false,
                ..UserSearch::default()
            }],
            ..Ldap::default()
        }
    }
}
