//! A child process that cannot outlive us, and the signals a test sends it.

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;

type Order = (Command, mpsc::Sender<io::Result<Child>>);

/// PR_SET_PDEATHSIG is bound to the *thread* that forks, so all children are forked by one that lives as long as we.
static SPAWNER: LazyLock<Mutex<mpsc::Sender<Order>>> = LazyLock::new(|| {
    let (orders, inbox) = mpsc::channel::<Order>();
    let run = move || {
        for (mut command, answer) in inbox {
            let _ = answer.send(command.spawn());
        }
    };
    thread::Builder::new().name("spawner".into()).spawn(run).expect("the spawner thread");
    Mutex::new(orders)
});

/// A child that is killed when this is dropped, and by the kernel when our process dies in any way.
#[derive(Debug)]
pub(crate) struct Tied {
    pub(crate) child: Child,
}

impl Tied {
    pub(crate) fn spawn(mut command: Command) -> io::Result<Tied> {
        let parent = std::process::id();
        // Ctrl-C is for us; what we started ends with us.
        command.process_group(0);
        // SAFETY: the closure calls async-signal-safe functions only and allocates nothing.
        unsafe {
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // The parent may have died before the line above took effect.
                if libc::getppid() as u32 != parent {
                    libc::_exit(1);
                }
                Ok(())
            });
        }
        let (answer, inbox) = mpsc::channel();
        let orders = SPAWNER.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        orders.send((command, answer)).expect("the spawner lives");
        drop(orders);
        Ok(Tied { child: inbox.recv().expect("the spawner answers")? })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGSTOP; returns once the whole process stands still.
    pub(crate) fn freeze(&self) {
        self.signal(libc::SIGSTOP);
        let mut seen = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: `seen` is valid for writes; WNOWAIT leaves an exit to be reaped by `child`.
        unsafe {
            libc::waitid(libc::P_PID, self.pid(), seen.as_mut_ptr(), libc::WSTOPPED | libc::WEXITED | libc::WNOWAIT);
        }
    }

    /// SIGCONT.
    pub(crate) fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    /// SIGKILL; returns once the process is gone and its ports are free.
    pub(crate) fn kill(&mut self) -> io::Result<ExitStatus> {
        let _ = self.child.kill();
        self.child.wait()
    }

    pub(crate) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: plain system call. The pid is ours until `child` is reaped, which takes `&mut self`.
        unsafe { libc::kill(self.pid() as libc::pid_t, signal) };
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}
