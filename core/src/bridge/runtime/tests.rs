//! Who runs the runtime: nothing may depend on who it is. Each test has a runtime of its own, so that others do not wait there.

use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, ThreadId};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::super::{CancelToken, Limit, Operation};
use super::*;
use crate::transport::socket::Socket;

const LONG: Duration = Duration::from_secs(10);

fn begin() -> Runtime {
    Runtime::begin("test").expect("a thread")
}

fn run<T: Send + 'static>(runtime: &Runtime, work: impl Future<Output = T> + Send + 'static) -> T {
    let work = async { Ok(work.await) };
    Operation::run(runtime, "test", Limit::After(LONG), CancelToken::new(), work).expect("runs")
}

/// What a call that nobody waits for tells.
fn start<T: Send + 'static>(runtime: &Runtime, work: impl Future<Output = T> + Send + 'static) -> Receiver<T> {
    let (done, ended) = channel();
    runtime.spawn(async move { drop(done.send(work.await)) });
    ended
}

async fn whose() -> ThreadId {
    // Of its own, as connections and sessions are.
    tokio::spawn(async { thread::current().id() }).await.expect("no panic")
}

/// After this the thread that calls is at the helm whenever it waits, if nobody else does.
fn relieve(runtime: &Runtime) {
    let own = thread::current().id();
    assert!((0..10_000).any(|_| run(runtime, whose()) == own), "it is never at the helm");
}

#[test]
fn a_thread_that_waits_alone_does_what_goes_on_itself_and_its_keeper_what_goes_on_afterwards() {
    let runtime = begin();
    relieve(&runtime);
    let own = thread::current().id();
    // Begun at the helm, and still to be done when that is left: soon, and when the keeper has long been asleep.
    for stay in [0, 30] {
        let (done, ended) = channel();
        run(&runtime, async move {
            tokio::time::sleep(Duration::from_millis(stay)).await;
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let _ = done.send(thread::current().id());
            });
        });
        assert_ne!(ended.recv_timeout(LONG).expect("somebody does it"), own);
        relieve(&runtime);
    }
    // The keeper is back; but what is begun before that is done too.
    for _ in 0..100 {
        relieve(&runtime);
        assert_ne!(start(&runtime, whose()).recv_timeout(LONG).expect("somebody does it"), own);
    }
}

#[test]
fn those_who_wait_beside_go_on_when_who_was_at_the_helm_has_left() {
    let runtime = begin();
    for pause in [0, 1, 5, 20] {
        relieve(&runtime);
        thread::scope(|scope| {
            let (go, gone) = oneshot::channel::<()>();
            let (came, here) = channel();
            let first = scope.spawn(|| {
                relieve(&runtime);
                run(&runtime, async move {
                    let _ = came.send(());
                    drop(gone.await);
                });
            });
            here.recv_timeout(LONG).expect("it is at the helm");
            let beside = scope.spawn(|| {
                run(&runtime, async move {
                    drop(go);
                    // Beyond what the first one waits for.
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                });
            });
            first.join().expect("no panic");
            beside.join().expect("no panic");
        });
    }
}

#[test]
fn who_stays_at_the_helm_serves_all_and_the_keeper_comes_back_after_it() {
    let runtime = begin();
    relieve(&runtime);
    let (go, gone) = oneshot::channel::<()>();
    let others = runtime.clone();
    let other = thread::spawn(move || {
        let served = (0..20).all(|_| {
            let pause = async { tokio::time::sleep(Duration::from_millis(5)).await };
            start(&others, pause).recv_timeout(LONG).is_ok()
        });
        drop(go);
        served
    });
    run(&runtime, async move { drop(gone.await) });
    assert!(other.join().expect("no panic"));
    assert_ne!(start(&runtime, whose()).recv_timeout(LONG).expect("the keeper does it"), thread::current().id());
}

#[test]
fn work_that_outlasts_patience_goes_on_without_the_thread() {
    let runtime = begin();
    for at_helm in [false, true] {
        if at_helm {
            relieve(&runtime);
        }
        let (go, gone) = oneshot::channel::<()>();
        let (done, ended) = channel();
        let work = Box::pin(async move {
            drop(gone.await);
            let _ = done.send(());
        });
        let patience = Duration::from_millis(5);
        let came = runtime.wait_for(work, patience, |left| ended.recv_timeout(left).is_ok());
        assert!(!came);
        drop(go);
        ended.recv_timeout(LONG).expect("it goes on");
    }
}

#[test]
fn a_stack_that_is_small_runs_nothing_but_its_own() {
    let runtime = begin();
    relieve(&runtime);
    let small = thread::Builder::new().stack_size(256 * 1024);
    let never_own = move || (0..50).all(|_| run(&runtime, whose()) != thread::current().id());
    assert!(small.spawn(never_own).expect("a thread").join().expect("no panic"));
}

#[test]
fn many_threads_that_come_and_go_all_get_their_answers() {
    let runtime = begin();
    thread::scope(|scope| {
        for thread in 0..6_u64 {
            let runtime = &runtime;
            scope.spawn(move || {
                for turn in 0..300 {
                    let micros = (thread * 7919 + turn * 104_729) % 1500;
                    let answer = run(runtime, async move {
                        if micros > 300 {
                            tokio::time::sleep(Duration::from_micros(micros)).await;
                        }
                        turn
                    });
                    assert_eq!(answer, turn);
                    if micros % 5 == 0 {
                        // So that others are alone, too.
                        thread::sleep(Duration::from_micros(4 * micros));
                    }
                }
            });
        }
    });
}

#[test]
fn no_thread_of_ours_takes_a_signal_of_the_host_whoever_has_started_it() {
    let runtime = begin();
    relieve(&runtime);
    // A thread for what blocks, such as looking up a name, is started by whoever is at the helm.
    let blocking = run(&runtime, async { tokio::task::spawn_blocking(mask).await.expect("no panic") });
    let keeper = start(&runtime, async { mask() }).recv_timeout(LONG).expect("the keeper does it");
    for mask in [blocking, keeper] {
        let is_blocked = |signal: libc::c_int| mask & (1 << (signal - 1)) != 0;
        assert_eq!(
            [libc::SIGINT, libc::SIGPIPE, libc::SIGTERM, libc::SIGSEGV].map(is_blocked),
            [true, true, true, false]
        );
    }
}

#[test]
fn a_write_to_a_connection_that_was_reset_ends_no_host() {
    let gives_none = thread::spawn(|| sigpipe_by(Socket::new)).join().expect("no panic");
    let gives_one = thread::spawn(|| sigpipe_by(|stream| stream)).join().expect("no panic");
    assert_eq!((gives_none, gives_one), (false, true), "such a write raises it, unless it is asked not to");
}

/// Whether writing to a reset connection raises the signal; leaves it blocked, and pending, in this thread.
fn sigpipe_by<S: AsyncRead + AsyncWrite + Unpin>(make: impl FnOnce(TcpStream) -> S) -> bool {
    be_quiet();
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let mut stream = make(TcpStream::connect(listener.local_addr().expect("its own")).await.expect("connect"));
        // With what was not read there, closing it resets it.
        stream.write_all(b"unread").await.expect("write");
        let (peer, _) = listener.accept().await.expect("accept");
        peer.readable().await.expect("readable");
        drop(peer);
        stream.read(&mut [0]).await.expect_err("reset");
        let slices = [io::IoSlice::new(b"too"), io::IoSlice::new(b"late")];
        stream.write_vectored(&slices).await.expect_err("reset");
    });
    signals("SigPnd:") & (1 << (libc::SIGPIPE - 1)) != 0
}

#[test]
fn calls_that_are_answered_at_once_let_others_have_their_turn() {
    let runtime = begin();
    relieve(&runtime);
    let other = start(&runtime, async { tokio::time::sleep(Duration::from_millis(20)).await });
    let until = std::time::Instant::now() + LONG;
    while other.try_recv().is_err() {
        assert!(std::time::Instant::now() < until, "nothing else goes on");
        run(&runtime, async {});
    }
}

#[test]
fn a_destructor_at_the_end_of_a_thread_may_still_call() {
    struct Closes(Option<Runtime>);
    impl Drop for Closes {
        fn drop(&mut self) {
            // Older than what the runtime keeps in this thread, so that has gone.
            assert!(Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed()));
            assert_eq!(self.0.take().map(|runtime| run(&runtime, async { 7 })), Some(7));
        }
    }
    thread_local! {
        static CLOSES: std::cell::RefCell<Closes> = const { std::cell::RefCell::new(Closes(None)) };
    }
    let runtime = begin();
    let ends = thread::spawn(move || {
        CLOSES.with_borrow_mut(|closes| closes.0 = Some(runtime.clone()));
        relieve(&runtime);
    });
    ends.join().expect("no panic");
}

/// The signals that this thread blocks.
fn mask() -> u64 {
    signals("SigBlk:")
}

/// What the system says of this thread's signals.
fn signals(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").expect("linux");
    let set = status.lines().find_map(|line| line.strip_prefix(name)).expect("there").trim();
    u64::from_str_radix(set, 16).expect("hex")
}
