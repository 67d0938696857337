//! What the process costs, as the system tells it.
//!
//! The times are of the whole process: a program that embeds the gateway counts its own in. Where
//! `/proc` is not to be had, nothing is told rather than zero.

use std::fs;
use std::time::Duration;

/// Ticks of a second in `/proc/PID/stat`: a part of the kernel's interface (`USER_HZ`), whatever
/// its own clock runs at.
const TICKS_PER_SECOND: u64 = 100;

/// The process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// CPU time of all its threads, those that ended included; in steps of 10 ms.
    pub cpu: Option<Duration>,
    /// Memory that is in RAM.
    pub resident_bytes: Option<u64>,
}

/// One thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// CPU time.
    pub cpu: Duration,
    /// Time in which it could have run and another had its core.
    pub starved: Duration,
}

impl Process {
    /// As of now.
    pub fn now() -> Process {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        Process {
            cpu: read("stat").and_then(|text| cpu_of(&text)),
            resident_bytes: read("status").and_then(|text| resident_of(&text)),
        }
    }
}

impl Thread {
    /// The thread of this number of the process, as of now; `None` where it has ended.
    pub fn now(number: u64) -> Option<Thread> {
        thread_of(&fs::read_to_string(format!("/proc/self/task/{number}/schedstat")).ok()?)
    }
}

/// User and system time of `/proc/PID/stat`. The second field, the program's name, is in brackets
/// and may hold spaces and brackets itself.
fn cpu_of(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<u64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some(Duration::from_millis((user + system) * 1_000 / TICKS_PER_SECOND))
}

fn resident_of(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// `schedstat`: nanoseconds on a core, nanoseconds in wait of one, and how often.
fn thread_of(schedstat: &str) -> Option<Thread> {
    let mut times = schedstat.split_ascii_whitespace().map(str::parse::<u64>);
    let (cpu_ns, starved_ns) = (times.next()?.ok()?, times.next()?.ok()?);
    let (cpu, starved) = (Duration::from_nanos(cpu_ns), Duration::from_nanos(starved_ns));
    Some(Thread { cpu, starved })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_system_writes() {
        let stat = "4711 (a) b) S 1 4711 4711 0 -1 4194560 1 0 0 0 250 125 7 8 20 0 3 0 99 1 2";
        assert_eq!(cpu_of(stat), Some(Duration::from_millis(3_750)));
        let status = "Name:\tfrys\nVmHWM:\t  9000 kB\nVmRSS:\t    1234 kB\nThreads:\t3\n";
        assert_eq!(resident_of(status), Some(1234 * 1024));
        let thread = thread_of("1500000000 20000000 77\n").expect("three numbers");
        assert_eq!((thread.cpu.as_millis(), thread.starved.as_millis()), (1_500, 20));
    }

    #[test]
    fn tells_nothing_of_what_it_does_not_understand() {
        assert_eq!(cpu_of("4711 (frys"), None);
        assert_eq!(cpu_of("4711 (frys) S 1 x"), None);
        assert_eq!(resident_of("VmRSS:\t12 MB\n"), None);
        assert_eq!(thread_of("12"), None);
        assert_eq!(Thread::now(u64::MAX), None);
    }

    #[test]
    fn knows_its_own_process_and_thread() {
        let process = Process::now();
        assert!(process.cpu.is_some(), "{process:?}");
        assert!(process.resident_bytes > Some(100 * 1024), "{process:?}");
        let thread = fs::read_link("/proc/thread-self").expect("procfs");
        let number = thread.file_name().and_then(|name| name.to_str()?.parse().ok());
        assert!(Thread::now(number.expect("a number")).is_some());
    }
}
