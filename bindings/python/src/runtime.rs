//! How Python waits: with the interpreter free, and so that a person can interrupt.
//!
//! Every operation that waits is one future of Rust. [`wait`] is its synchronous form and [`promise`] its awaitable one, so the
//! two cannot differ. Dropping the future is how it is cancelled, in both.
//!
//! Threads of the runtime speak to the interpreter when a promise is kept. None may do so while the interpreter ends, which would
//! end the process with an abort: before that everything that is under way is cancelled and waited for.

use std::future::Future;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use pyo3::IntoPyObjectExt as _;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyDict, PyTuple};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How soon a waiting call sees Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

/// How long the end of the interpreter waits for what is under way, which only has to notice that it is cancelled.
const FAREWELL: Duration = Duration::from_secs(5);

/// Threads that carry bytes; what computes does so on the caller's own.
const WORKERS: usize = 2;

/// Where futures run, and what of them is under way. A forked process gets one of its own: threads are not forked.
struct Place {
    process: u32,
    runtime: Runtime,
    under_way: TaskTracker,
    end: CancellationToken,
}

static PLACE: RwLock<Option<&'static Place>> = RwLock::new(None);

fn place() -> PyResult<&'static Place> {
    let process = std::process::id();
    let ours = |place: &Option<&'static Place>| place.filter(|place| place.process == process);
    if let Some(place) = ours(&PLACE.read().unwrap_or_else(PoisonError::into_inner)) {
        return Ok(place);
    }
    let mut kept = PLACE.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(place) = ours(&kept) {
        return Ok(place);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("mke")
        .enable_all()
        .build()
        .map_err(|error| PyRuntimeError::new_err(format!("no threads can be started: {error}")))?;
    // Lives as long as the process: dropping a runtime whose threads were not forked would wait for them for ever.
    let place: &'static Place = Box::leak(Box::new(Place {
        process,
        runtime,
        under_way: TaskTracker::new(),
        end: CancellationToken::new(),
    }));
    *kept = Some(place);
    Ok(place)
}

/// Waits for the future with the interpreter released. Ctrl-C and other signals end it with their exception.
pub(crate) fn wait<T, F>(py: Python<'_>, future: F) -> PyResult<T>
where
    T: Send,
    F: Future<Output = PyResult<T>> + Send,
{
    let place = place()?;
    py.detach(|| {
        place.runtime.block_on(async {
            let mut future = std::pin::pin!(future);
            loop {
                match tokio::time::timeout(LOOK, &mut future).await {
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
    let place = place()?;
    end_with_the_interpreter(py)?;
    let event_loop = py.import("asyncio")?.call_method0("get_running_loop")?;
    let promised = event_loop.call_method0("create_future")?;
    let given_up = place.end.child_token();
    // Also called when the promise is kept, which cancels nothing any more.
    let done = {
        let given_up = given_up.clone();
        let give_up = move |_: &Bound<'_, PyTuple>, _: Option<&Bound<'_, PyDict>>| given_up.cancel();
        PyCFunction::new_closure(py, None, None, give_up)?
    };
    promised.call_method1("add_done_callback", (done,))?;
    let (event_loop, kept) = (event_loop.unbind(), promised.clone().unbind());
    let task = async move {
        let outcome = given_up.run_until_cancelled_owned(future).await;
        // Nothing of Python may be left in this task when it is over: only here it is attached.
        Python::try_attach(move |py| {
            if let Some(outcome) = outcome {
                // A loop that is closed already has nobody who waits.
                let _ = keep(py, event_loop.bind(py), kept.bind(py), outcome);
            }
            drop((event_loop, kept));
        });
    };
    place.under_way.spawn_on(task, place.runtime.handle());
    Ok(promised)
}

/// Lets the loop settle the promise in its own thread.
fn keep<T>(
    py: Python<'_>,
    event_loop: &Bound<'_, PyAny>,
    promised: &Bound<'_, PyAny>,
    outcome: PyResult<T>,
) -> PyResult<()>
where
    T: for<'any> IntoPyObject<'any>,
{
    let (setter, value) = match outcome.and_then(|value| value.into_py_any(py)) {
        Ok(value) => ("set_result", value),
        Err(error) => ("set_exception", error.into_value(py).into_any()),
    };
    let settle = wrap_pyfunction!(settle, py)?;
    event_loop.call_method1("call_soon_threadsafe", (settle, promised, setter, value))?;
    Ok(())
}

/// Settles a promise, unless whoever waited gave up meanwhile.
#[pyfunction]
fn settle(promised: &Bound<'_, PyAny>, setter: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    if !promised.call_method0("done")?.is_truthy()? {
        promised.call_method1(setter, (value,))?;
    }
    Ok(())
}

/// Has everything cancelled and waited for before the interpreter ends.
fn end_with_the_interpreter(py: Python<'_>) -> PyResult<()> {
    static ASKED: OnceLock<()> = OnceLock::new();
    if ASKED.get().is_none() {
        py.import("atexit")?
            .call_method1("register", (wrap_pyfunction!(end, py)?,))?;
        // Twice does no harm.
        let _ = ASKED.set(());
    }
    Ok(())
}

#[pyfunction]
fn end(py: Python<'_>) -> PyResult<()> {
    let place = place()?;
    place.end.cancel();
    place.under_way.close();
    py.detach(|| {
        place.runtime.block_on(async {
            // Whoever is late finds the interpreter gone, and does not touch it.
            let _ = tokio::time::timeout(FAREWELL, place.under_way.wait()).await;
        });
    });
    Ok(())
}
