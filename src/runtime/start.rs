//! Why a ring could not be set up, in words that an operator can act on.

use std::fmt;

use super::Errno;

/// What refused the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The kernel is older than 6.1, or was built without io_uring.
    Kernel,
    /// The administrator switched io_uring off with `kernel.io_uring_disabled`.
    Sysctl {
        /// 1: only members of `kernel.io_uring_group` may use it; 2: nobody may.
        value: u8,
    },
    /// A system call filter, usually a container's.
    Seccomp,
    /// The limit on locked memory.
    Memlock {
        /// The limit now, in bytes; `None` when it could not be read.
        limit_bytes: Option<u64>,
    },
    /// The limit on open files.
    OpenFiles {
        /// The limit now; `None` when it could not be read.
        limit_count: Option<u64>,
    },
    /// Something else: the number says what.
    Other,
}

/// A start that failed because a ring, or what belongs to it, was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartFault {
    /// What refused it.
    pub refusal: Refusal,
    /// The kernel's answer.
    pub errno: Errno,
}

impl StartFault {
    /// Finds out what refused, by the kernel's answer and what the system says about itself.
    pub(crate) fn of(errno: Errno) -> StartFault {
        let refusal = classify(errno, &System::read());
        StartFault { refusal, errno }
    }
}

impl fmt::Display for StartFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "io_uring was refused ({}): ", self.errno)?;
        match self.refusal {
            Refusal::Kernel => {
                let release = kernel_release().unwrap_or_else(|| "this kernel".to_owned());
                write!(
                    formatter,
                    "{release} is too old or was built without it. \
                     Run on Linux 6.1 or later with CONFIG_IO_URING."
                )
            }
            Refusal::Sysctl { value: 1 } => formatter.write_str(
                "kernel.io_uring_disabled is 1. Add this user's group to kernel.io_uring_group, \
                 or run: sysctl kernel.io_uring_disabled=0",
            ),
            Refusal::Sysctl { value } => write!(
                formatter,
                "kernel.io_uring_disabled is {value}. Run: sysctl kernel.io_uring_disabled=0"
            ),
            Refusal::Seccomp => formatter.write_str(
                "a system call filter (seccomp) forbids it. Allow io_uring_setup, io_uring_enter \
                 and io_uring_register in the container's or the service's profile.",
            ),
            Refusal::Memlock { limit_bytes } => {
                match limit_bytes {
                    Some(bytes) => write!(formatter, "locked memory is limited to {bytes} bytes")?,
                    None => formatter.write_str("memory could not be locked")?,
                }
                formatter.write_str(
                    ". Raise it (ulimit -l, LimitMEMLOCK= in systemd) or lower the number of \
                     workers or of runtime buffers.",
                )
            }
            Refusal::OpenFiles { limit_count } => {
                match limit_count {
                    Some(count) => write!(formatter, "open files are limited to {count}")?,
                    None => formatter.write_str("no file descriptor is left")?,
                }
                formatter.write_str(". Raise it (ulimit -n, LimitNOFILE= in systemd).")
            }
            Refusal::Other => formatter.write_str("the kernel gave no reason that is known here."),
        }
    }
}

impl std::error::Error for StartFault {}

/// The limit on open files of this process now, and the highest it may be raised to.
pub fn open_files_limit() -> Option<(u64, u64)> {
    limit_row("Max open files")
}

/// The limit on locked memory in bytes now, and the highest it may be raised to.
pub fn locked_memory_limit() -> Option<(u64, u64)> {
    limit_row("Max locked memory")
}

/// What decides between two causes of one error number.
#[derive(Debug, Default)]
struct System {
    io_uring_disabled: Option<u8>,
    locked_bytes: Option<u64>,
    open_files: Option<u64>,
}

impl System {
    fn read() -> System {
        let disabled = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled").ok();
        System {
            io_uring_disabled: disabled.and_then(|text| text.trim().parse().ok()),
            locked_bytes: locked_memory_limit().map(|(now, _)| now),
            open_files: open_files_limit().map(|(now, _)| now),
        }
    }
}

fn classify(errno: Errno, system: &System) -> Refusal {
    match errno.0 {
        libc::EPERM | libc::EACCES => match system.io_uring_disabled {
            Some(value) if value > 0 => Refusal::Sysctl { value },
            Some(_) | None => Refusal::Seccomp,
        },
        libc::ENOSYS | libc::EINVAL | libc::EOPNOTSUPP => Refusal::Kernel,
        libc::ENOMEM => Refusal::Memlock { limit_bytes: system.locked_bytes },
        libc::EMFILE | libc::ENFILE => Refusal::OpenFiles { limit_count: system.open_files },
        _ => Refusal::Other,
    }
}

/// Two numbers of a line of `/proc/self/limits`; `unlimited` is the highest number.
fn limit_row(name: &str) -> Option<(u64, u64)> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let row = limits.lines().find_map(|line| line.strip_prefix(name))?;
    let mut words = row.split_ascii_whitespace().map(|word| match word {
        "unlimited" => Some(u64::MAX),
        number => number.parse().ok(),
    });
    Some((words.next()??, words.next()??))
}

fn kernel_release() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    Some(format!("Linux {}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(io_uring_disabled: u8) -> System {
        System {
            io_uring_disabled: Some(io_uring_disabled),
            locked_bytes: Some(65_536),
            open_files: Some(1024),
        }
    }

    #[test]
    fn a_permission_refusal_is_the_sysctl_when_it_is_set_and_else_seccomp() {
        let fault = classify(Errno(libc::EPERM), &system(2));
        assert_eq!(fault, Refusal::Sysctl { value: 2 });
        assert_eq!(classify(Errno(libc::EPERM), &system(0)), Refusal::Seccomp);
        assert_eq!(classify(Errno(libc::EACCES), &System::default()), Refusal::Seccomp);
    }

    #[test]
    fn each_other_refusal_has_its_cause() {
        assert_eq!(classify(Errno(libc::ENOSYS), &system(0)), Refusal::Kernel);
        assert_eq!(classify(Errno(libc::EINVAL), &system(0)), Refusal::Kernel);
        let memlock = Refusal::Memlock { limit_bytes: Some(65_536) };
        assert_eq!(classify(Errno(libc::ENOMEM), &system(0)), memlock);
        let files = Refusal::OpenFiles { limit_count: Some(1024) };
        assert_eq!(classify(Errno(libc::EMFILE), &system(0)), files);
    }

    #[test]
    fn each_refusal_says_what_to_do() {
        let refusals = [
            (Refusal::Kernel, "Linux 6.1"),
            (Refusal::Sysctl { value: 1 }, "io_uring_group"),
            (Refusal::Sysctl { value: 2 }, "sysctl kernel.io_uring_disabled=0"),
            (Refusal::Seccomp, "io_uring_setup"),
            (Refusal::Memlock { limit_bytes: Some(9) }, "LimitMEMLOCK"),
            (Refusal::OpenFiles { limit_count: None }, "LimitNOFILE"),
        ];
        for (refusal, advice) in refusals {
            let text = StartFault { refusal, errno: Errno(libc::EPERM) }.to_string();
            assert!(text.contains(advice), "{text}");
        }
    }

    #[test]
    fn the_limits_of_this_process_can_be_read() {
        assert!(open_files_limit().unwrap().0 > 0);
        assert!(locked_memory_limit().is_some());
    }
}
