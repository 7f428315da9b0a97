//! How many questions about access are answered at once, and where: beside the threads that serve requests, so that
//! a long one, over all users or a whole log, holds up nothing but other questions.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::error::{ApiError, Kind};

/// How long a question waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many wait for each one that is answered. Every one keeps its body in memory.
const WAITING_FOR_EACH: usize = 8;

/// Answers a few questions at once.
#[derive(Debug)]
pub(crate) struct Answering {
    /// One for each question that is answered or waits.
    admitted: Arc<Semaphore>,
    /// One for each question that is answered.
    at_work: Arc<Semaphore>,
    patience: Duration,
}

impl Answering {
    /// Answers as many at once as said, at least one.
    pub(super) fn new(at_once: usize) -> Self {
        Self::with_patience(at_once.max(1), PATIENCE)
    }

    fn with_patience(at_once: usize, patience: Duration) -> Self {
        Self {
            admitted: Arc::new(Semaphore::new(at_once.saturating_mul(1 + WAITING_FOR_EACH))),
            at_work: Arc::new(Semaphore::new(at_once)),
            patience,
        }
    }

    /// Answers one question on a thread of its own. One whose asker leaves while it waits is not answered; one that
    /// is being answered keeps its place until it is done, so that leaving and asking again gains nothing.
    ///
    /// # Errors
    /// Too many wait, its turn did not come in time, or the answer panicked.
    pub(super) async fn answer<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(busy)?;
        let place = timeout(self.patience, self.at_work.clone().acquire_owned()).await;
        let place = place.map_err(busy)?.map_err(ApiError::internal)?;
        let places: [OwnedSemaphorePermit; 2] = [admitted, place];
        let answered = tokio::task::spawn_blocking(move || {
            let answer = question();
            drop(places);
            answer
        });
        answered.await.map_err(ApiError::internal)
    }
}

fn busy(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(
        Kind::TooMany,
        "other questions about access are being answered, ask again in a moment",
    )
    .because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// Asks a question that is answered when the sender says so; it has begun when this returns.
    async fn long(
        answering: &Arc<Answering>,
    ) -> (mpsc::Sender<()>, tokio::task::JoinHandle<Result<(), ApiError>>) {
        let (end, ended) = mpsc::channel();
        let (begin, begun) = tokio::sync::oneshot::channel();
        let answering = Arc::clone(answering);
        let asked = tokio::spawn(async move {
            let question = move || {
                begin.send(()).unwrap();
                // Gone without a word is an end too.
                let _ = ended.recv();
            };
            answering.answer(question).await
        });
        begun.await.unwrap();
        (end, asked)
    }

    /// Only so many are answered at once; one whose asker left still counts, and one that cannot wait is refused.
    #[tokio::test]
    async fn few_are_answered_at_once() {
        let answering = Arc::new(Answering::with_patience(1, Duration::ZERO));
        let (end, asked) = long(&answering).await;
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled(), "its asker left");
        let refused = answering.answer(|| ()).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::TooMany);
        assert!(refused.to_string().contains("ask again"), "{refused}");
        drop(end);
        // The thread gives its place back when it gets to it.
        let _place = answering.at_work.acquire().await.unwrap();
        assert_eq!(answering.at_work.available_permits(), 0);
    }

    /// A question waits for its turn; more than may wait are refused at once.
    #[tokio::test]
    async fn questions_wait_for_their_turn() {
        let answering = Arc::new(Answering::with_patience(1, Duration::from_secs(600)));
        let (end, asked) = long(&answering).await;
        let waiting: Vec<_> = (0..WAITING_FOR_EACH)
            .map(|number| {
                let answering = Arc::clone(&answering);
                tokio::spawn(async move { answering.answer(move || number).await })
            })
            .collect();
        while answering.admitted.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(answering.answer(|| ()).await.unwrap_err().kind(), Kind::TooMany);
        end.send(()).unwrap();
        asked.await.unwrap().unwrap();
        for (number, answer) in waiting.into_iter().enumerate() {
            assert_eq!(answer.await.unwrap().unwrap(), number);
        }
        assert_eq!(answering.answer(|| 7).await.unwrap(), 7);
    }

    /// A panic is an error of this one question, and its place is free again.
    #[tokio::test]
    async fn a_panic_is_contained() {
        let answering = Answering::new(0);
        let failed = answering.answer(|| panic!("no answer")).await;
        assert_eq!(failed.unwrap_err().kind(), Kind::Internal);
        assert_eq!(answering.answer(|| 1).await.unwrap(), 1);
    }
}
