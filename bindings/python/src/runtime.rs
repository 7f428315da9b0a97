//! How Python waits: with the interpreter free, and so that a person can interrupt.
//!
//! Every operation that waits is one future of Rust. [`wait`] is its synchronous form and [`promise`] its awaitable one, so the
//! two cannot differ. Dropping the future is how it is cancelled, in both.

use std::future::Future;
use std::time::Duration;

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3_async_runtimes::tokio;

/// How soon a waiting call sees Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

/// Waits for the future with the interpreter released. Ctrl-C and other signals end it with their exception.
pub(crate) fn wait<T, F>(py: Python<'_>, future: F) -> PyResult<T>
where
    T: Send,
    F: Future<Output = PyResult<T>> + Send,
{
    py.detach(|| {
        tokio::get_runtime().block_on(async {
            let mut future = std::pin::pin!(future);
            loop {
                match ::tokio::time::timeout(LOOK, &mut future).await {
                    Ok(done) => return done,
                    Err(_) => Python::attach(|py| py.check_signals())?,
                }
            }
        })
    })
}

/// The same as something to `await` in asyncio; cancelling the task drops the future.
pub(crate) fn promise<'py, T, F>(py: Python<'py>, future: F) -> PyResult<Bound<'py, PyAny>>
where
    T: for<'any> IntoPyObject<'any> + Send + 'static,
    F: Future<Output = PyResult<T>> + Send + 'static,
{
    tokio::future_into_py(py, async move {
        let value = future.await?;
        Python::attach(|py| value.into_py_any(py))
    })
}
