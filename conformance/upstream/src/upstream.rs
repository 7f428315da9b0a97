//! Talks to the upstream program: frames out, answers in, one at a time.

use std::io::{BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use mke_rbac::kubernetes::{Rbac, Request, Rule};
use serde_json::Value;

use crate::wire;

/// Why the upstream program gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It cannot be started.
    #[error("cannot start the upstream authorizer's program {}; `cargo xtask differential` builds it", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ended, or its pipes broke.
    #[error("the upstream authorizer's program ended before it answered; what it said stands above")]
    Gone(#[source] std::io::Error),
    /// It refuses what it was asked.
    #[error("the upstream authorizer's program refuses: {0}")]
    Refused(String),
    /// Its answer has the wrong length.
    #[error("the upstream authorizer's program answered {got} bytes where {wanted} were due; build it again")]
    Length {
        /// Bytes that came.
        got: usize,
        /// Bytes that were due.
        wanted: usize,
    },
    /// A request or policy does not fit into a frame.
    #[error("{what} is too long for the upstream authorizer's program; ask for less at once")]
    TooLong {
        /// What does not fit.
        what: &'static str,
    },
}

/// A running upstream authorizer. It ends with this value.
#[derive(Debug)]
pub struct Upstream {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

/// What a policy costs upstream.
#[derive(Debug, Clone, Copy)]
pub struct Weight {
    /// Time to build it from objects that are in memory.
    pub build: Duration,
    /// Bytes on the heap that it holds.
    pub bytes: u64,
}

impl Upstream {
    /// Starts the program.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn start(program: &Path) -> Result<Self, UpstreamError> {
        let failed = |source| UpstreamError::Start {
            program: program.to_owned(),
            source,
        };
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (to, from) = (child.stdin.take(), child.stdout.take());
        match (to, from) {
            (Some(to), Some(from)) => Ok(Self {
                child,
                to: Some(to),
                from: BufReader::new(from),
            }),
            // Both were asked for, so this does not happen; a child without pipes is of no use.
            _ => Err(failed(std::io::Error::other("it has no pipes"))),
        }
    }

    fn ask(&mut self, command: u8, payload: &[u8]) -> Result<Vec<u8>, UpstreamError> {
        let length = u32::try_from(payload.len())
            .map_err(|_| UpstreamError::TooLong { what: "a frame" })?
            .to_le_bytes();
        let to = self
            .to
            .as_mut()
            .ok_or_else(|| UpstreamError::Gone(std::io::ErrorKind::BrokenPipe.into()))?;
        to.write_all(&[command])
            .and_then(|()| to.write_all(&length))
            .and_then(|()| to.write_all(payload))
            .and_then(|()| to.flush())
            .map_err(UpstreamError::Gone)?;
        let mut status = [0];
        let mut length = [0; 4];
        self.from.read_exact(&mut status).map_err(UpstreamError::Gone)?;
        self.from.read_exact(&mut length).map_err(UpstreamError::Gone)?;
        let mut body = Vec::new();
        let due = u32::from_le_bytes(length);
        let read = (&mut self.from)
            .take(due.into())
            .read_to_end(&mut body)
            .map_err(UpstreamError::Gone)?;
        if read as u64 != u64::from(due) {
            return Err(UpstreamError::Gone(std::io::ErrorKind::UnexpectedEof.into()));
        }
        match status {
            [0] => Ok(body),
            _ => Err(UpstreamError::Refused(
                String::from_utf8_lossy(&body).into_owned(),
            )),
        }
    }

    /// Loads roles and bindings in place of those before.
    ///
    /// # Errors
    ///
    /// When the program refuses or is gone.
    pub fn load(&mut self, rbac: &Rbac) -> Result<(), UpstreamError> {
        self.ask(b'P', wire::policy(rbac).to_string().as_bytes())
            .map(drop)
    }

    /// As [`Self::load`], and says what the policy costs.
    ///
    /// # Errors
    ///
    /// When the program refuses or is gone.
    pub fn weigh(&mut self, rbac: &Rbac) -> Result<Weight, UpstreamError> {
        let answer = self.ask(b'W', wire::policy(rbac).to_string().as_bytes())?;
        match numbers(&answer)?[..] {
            [nanos, bytes] => Ok(Weight {
                build: Duration::from_nanos(nanos),
                bytes,
            }),
            _ => Err(UpstreamError::Length {
                got: answer.len(),
                wanted: 16,
            }),
        }
    }

    /// The verdicts on these requests, in order.
    ///
    /// # Errors
    ///
    /// When a request is too long, and when the program refuses or is gone.
    pub fn allows(&mut self, requests: &[Request]) -> Result<Vec<bool>, UpstreamError> {
        let answer = self.ask(b'A', &frame(requests)?)?;
        verdicts(&answer, requests.len())
    }

    /// Keeps requests to measure with.
    ///
    /// # Errors
    ///
    /// When a request is too long, and when the program refuses or is gone.
    pub fn keep(&mut self, requests: &[Request]) -> Result<(), UpstreamError> {
        self.ask(b'K', &frame(requests)?).map(drop)
    }

    /// Decides `count` of the kept requests, from number `first` on and round again, and gives the nanoseconds of each
    /// sample of `batch` requests. The cost of reading the clock twice is in them.
    ///
    /// # Errors
    ///
    /// When the program refuses or is gone.
    pub fn measure(&mut self, first: u32, count: u32, batch: u32) -> Result<Vec<u64>, UpstreamError> {
        let payload: Vec<u8> = [first, count, batch]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        numbers(&self.ask(b'M', &payload)?)
    }

    /// What reading the clock twice takes there, many times, in nanoseconds.
    ///
    /// # Errors
    ///
    /// When the program refuses or is gone.
    pub fn clock(&mut self) -> Result<Vec<u64>, UpstreamError> {
        numbers(&self.ask(b'T', &[])?)
    }

    /// Replaces bindings by those of `rbac` with the same name, and gives the nanoseconds for each.
    ///
    /// # Errors
    ///
    /// When the program refuses or is gone.
    pub fn change(&mut self, rbac: &Rbac) -> Result<Vec<u64>, UpstreamError> {
        numbers(&self.ask(b'C', wire::policy(rbac).to_string().as_bytes())?)
    }

    /// Whether the first rules of each pair cover the second (R86).
    ///
    /// # Errors
    ///
    /// When the program refuses or is gone.
    pub fn covers(&mut self, pairs: &[(Vec<Rule>, Vec<Rule>)]) -> Result<Vec<bool>, UpstreamError> {
        let text: Value = pairs
            .iter()
            .map(|(owned, wanted)| Value::Array(vec![wire::rules(owned), wire::rules(wanted)]))
            .collect();
        let answer = self.ask(b'V', text.to_string().as_bytes())?;
        verdicts(&answer, pairs.len())
    }
}

fn frame(requests: &[Request]) -> Result<Vec<u8>, UpstreamError> {
    let mut bytes = Vec::with_capacity(requests.len() * 96);
    if requests.iter().all(|request| wire::write(request, &mut bytes)) {
        Ok(bytes)
    } else {
        Err(UpstreamError::TooLong {
            what: "a text of a request",
        })
    }
}

fn verdicts(answer: &[u8], wanted: usize) -> Result<Vec<bool>, UpstreamError> {
    if answer.len() == wanted {
        Ok(answer.iter().map(|verdict| *verdict == 1).collect())
    } else {
        Err(UpstreamError::Length {
            got: answer.len(),
            wanted,
        })
    }
}

fn numbers(answer: &[u8]) -> Result<Vec<u64>, UpstreamError> {
    let (numbers, rest) = answer.as_chunks::<8>();
    if rest.is_empty() {
        Ok(numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
    } else {
        Err(UpstreamError::Length {
            got: answer.len(),
            wanted: numbers.len() * 8,
        })
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // The end of its input ends the program; a program that hangs is not waited for.
        drop(self.to.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
