//! Time, and who does what next: one thread, one clock that jumps to the next thing to happen, one source of chance.
//!
//! What happens at one time happens in the order it was asked for. A task runs until it waits; whoever wakes it puts it
//! at the end of the line. So one seed gives one history.

use fastrand::Rng;
use rtr_core::time::Instant;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Where every history begins.
pub const BEGIN: Instant = Instant(1_795_000_000_000);

/// A mutex that no panic elsewhere makes unusable.
pub fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something to happen at a time.
enum Due<E> {
    Wake(Waker),
    Happen(E),
}

struct Entry<E> {
    at: i64,
    sequence: u64,
    due: Due<E>,
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.sequence) == (other.at, other.sequence)
    }
}

impl<E> Eq for Entry<E> {}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.sequence).cmp(&(other.at, other.sequence))
    }
}

/// The clock, the agenda and the dice. `E` is what can happen.
pub struct Kernel<E> {
    now: AtomicI64,
    sequence: AtomicU64,
    agenda: Mutex<BinaryHeap<Reverse<Entry<E>>>>,
    rng: Mutex<Rng>,
    ready: Arc<Mutex<VecDeque<usize>>>,
    running: AtomicUsize,
    lines: Mutex<Vec<Arc<Line>>>,
}

/// Nobody runs.
const NOBODY: usize = usize::MAX;

impl<E> Kernel<E> {
    /// A kernel at [`BEGIN`] whose chance comes from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            now: AtomicI64::new(BEGIN.0),
            sequence: AtomicU64::new(0),
            agenda: Mutex::new(BinaryHeap::new()),
            rng: Mutex::new(Rng::with_seed(seed)),
            ready: Arc::default(),
            running: AtomicUsize::new(NOBODY),
            lines: Mutex::default(),
        }
    }

    /// The true time.
    pub fn now(&self) -> Instant {
        Instant(self.now.load(Ordering::Relaxed))
    }

    /// A number in `range`.
    pub fn draw(&self, range: std::ops::RangeInclusive<i64>) -> i64 {
        held(&self.rng).i64(range)
    }

    /// A number from 0 up to 1.
    pub fn random(&self) -> f64 {
        held(&self.rng).f64()
    }

    /// A number nobody else gets.
    pub fn next(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// Who is running: a task's number.
    pub fn running(&self) -> Option<usize> {
        Some(self.running.load(Ordering::Relaxed)).filter(|task| *task != NOBODY)
    }

    /// Lets `event` happen at `at`, or now if that is over.
    pub fn at(&self, at: Instant, event: E) {
        self.push(at.0, Due::Happen(event));
    }

    /// Lets `event` happen in so many milliseconds.
    pub fn after(&self, ms: i64, event: E) {
        self.at(self.now().plus_ms(ms), event);
    }

    fn push(&self, at: i64, due: Due<E>) {
        let entry = Entry { at: at.max(self.now().0), sequence: self.next(), due };
        held(&self.agenda).push(Reverse(entry));
    }

    /// Waits so many milliseconds.
    pub async fn sleep(&self, ms: i64) {
        let until = self.now().plus_ms(ms);
        let mut asked = false;
        std::future::poll_fn(|context| {
            if self.now() >= until && asked {
                return Poll::Ready(());
            }
            if !asked {
                asked = true;
                self.push(until.0, Due::Wake(context.waker().clone()));
            }
            Poll::Pending
        })
        .await;
    }

    /// Goes on to the next thing on the agenda; what is woken is ready afterwards. None: nothing will ever happen.
    pub fn step(&self) -> Option<Option<E>> {
        let Reverse(entry) = held(&self.agenda).pop()?;
        self.now.store(entry.at, Ordering::Relaxed);
        match entry.due {
            Due::Wake(waker) => {
                waker.wake();
                Some(None)
            }
            Due::Happen(event) => Some(Some(event)),
        }
    }

    /// Whether nothing is on the agenda.
    pub fn is_idle(&self) -> bool {
        held(&self.agenda).is_empty()
    }

    /// The next task that can go on.
    pub fn next_ready(&self) -> Option<usize> {
        held(&self.ready).pop_front()
    }

    /// Lets the task go on.
    pub fn make_ready(&self, task: usize) {
        held(&self.ready).push_back(task);
    }

    /// Lets `task` run until it waits.
    pub fn poll<T>(&self, task: usize, future: &mut Pin<Box<dyn Future<Output = T> + Send>>) -> Option<T> {
        let waker = {
            let mut lines = held(&self.lines);
            while lines.len() <= task {
                let line =
                    Line { task: lines.len(), ready: self.ready.clone(), queued: AtomicBool::new(false) };
                lines.push(Arc::new(line));
            }
            lines[task].queued.store(false, Ordering::Relaxed);
            Waker::from(lines[task].clone())
        };
        self.running.store(task, Ordering::Relaxed);
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        self.running.store(NOBODY, Ordering::Relaxed);
        match polled {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }
}

/// Puts its task in the line, unless it stands there already.
struct Line {
    task: usize,
    ready: Arc<Mutex<VecDeque<usize>>>,
    queued: AtomicBool,
}

impl Wake for Line {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            held(&self.ready).push_back(self.task);
        }
    }
}

/// A value that one side gives and the other waits for.
pub struct Promise<T>(Mutex<(Option<T>, Option<Waker>)>);

impl<T> Default for Promise<T> {
    fn default() -> Self {
        Self(Mutex::new((None, None)))
    }
}

impl<T> Promise<T> {
    /// Gives it; only the first counts.
    pub fn keep(&self, value: T) {
        let mut inner = held(&self.0);
        if inner.0.is_none() {
            inner.0 = Some(value);
        }
        if let Some(waker) = inner.1.take() {
            waker.wake();
        }
    }

    /// Waits for it.
    pub async fn kept(&self) -> T {
        std::future::poll_fn(|context| {
            let mut inner = held(&self.0);
            match inner.0.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    inner.1 = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}
