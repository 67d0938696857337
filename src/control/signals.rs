//! Signals become commands to one gateway. Installed by the `frys` command, never by the library,
//! because signals belong to the process.
//!
//! SIGTERM and SIGINT drain; a second SIGINT stops at once; SIGHUP reads the configuration again;
//! SIGUSR1 reopens the access log.

use std::io;
use std::thread::JoinHandle;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::{Handle, Signals};

use super::Remote;

/// The thread that waits for signals; it ends when this is dropped.
pub struct Watch {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// Waits for signals from now on.
///
/// # Errors
/// When the process may open no further file descriptors or start no further thread.
pub fn install(remote: Remote) -> io::Result<Watch> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])?;
    let handle = signals.handle();
    let thread = std::thread::Builder::new().name("frys-signals".into()).spawn(move || {
        let mut interrupts_count = 0;
        for signal in signals.forever() {
            match signal {
                SIGUSR1 => remote.reopen_logs(),
                SIGHUP => remote.reload_soon(),
                SIGINT if interrupts_count > 0 => remote.stop(),
                SIGINT => {
                    interrupts_count += 1;
                    remote.drain();
                }
                _ => remote.drain(),
            }
        }
    })?;
    Ok(Watch { handle, thread: Some(thread) })
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // A panic there was printed there; there is nothing left to undo.
            let _ = thread.join();
        }
    }
}
