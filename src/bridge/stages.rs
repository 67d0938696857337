//! Where the time of requests goes: one histogram a stage, written by one worker.
//!
//! Two clocks feed them. The loop's own is read once a turn: it times what waits for others, for
//! every request, and these times add up to the request's whole. What fits into one turn is below
//! that clock, so a few requests are timed with a finer one (`limits::STAGE_SAMPLE_EVERY`).

use super::histogram::{Histogram, Merged};

macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident $label:literal $basis:ident,)*) => {
        /// A part of a request's way through a worker.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Stage { $($(#[$doc])* $name,)* }

        impl Stage {
            /// Every stage, in the order in which a request meets them.
            pub const ALL: &[Stage] = &[$(Stage::$name,)*];

            /// The word for metrics.
            pub const fn label(self) -> &'static str {
                match self { $(Stage::$name => $label,)* }
            }

            /// How it is timed.
            pub const fn basis(self) -> Basis {
                match self { $(Stage::$name => Basis::$basis,)* }
            }
        }
    };
}

stages! {
    /// From the end of a TCP handshake to the worker's taking the connection, in the kernel's
    /// ticks: what is shorter than a tick reads zero.
    AcceptWait "accept_wait" Sample,
    /// From the loop's look at what arrived to its next system call: what arrives meanwhile waits
    /// that long before it is looked at. Not a part of one request.
    Turn "turn" Sample,
    /// From the first byte of a request's head to its last; only heads that did not come whole.
    Receive "receive" Clock,
    /// The head's bytes become facts.
    Parse "parse" Sample,
    /// Host, path and method become a route.
    Route "route" Sample,
    /// The route's filters see the request; once more behind each question to control.
    Filter "filter" Sample,
    /// A filter waits for what it asked control for.
    FilterWait "filter_wait" Clock,
    /// The route's cluster becomes an endpoint.
    Balance "balance" Sample,
    /// A file is opened, and read where one read brings all of it.
    File "file" Clock,
    /// The wait for a place in a pool whose connections were all in use.
    PoolWait "pool_wait" Clock,
    /// A new connection to the upstream is opened; also one that failed.
    Connect "connect" Clock,
    /// The request's head is written for the upstream.
    Encode "encode" Sample,
    /// The request's body goes up and no answer has begun.
    Upload "upload" Clock,
    /// From the sent request to the first byte of the final answer, or to the attempt's failure.
    UpstreamFirstByte "upstream_first_byte" Clock,
    /// The answer's head is parsed and written for the client.
    Answer "answer" Sample,
    /// From the answer's first byte to the last one queued for the client.
    Relay "relay" Clock,
}

/// How a stage is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// By the loop's clock, always: these stages add up to the whole.
    Clock,
    /// By a finer clock, on a sample.
    Sample,
}

impl Basis {
    /// The word for `/stats`.
    pub const fn label(self) -> &'static str {
        match self {
            Basis::Clock => "clock",
            Basis::Sample => "sample",
        }
    }
}

/// The stages of one worker: 16 histograms, 132 KiB.
pub struct Stages([Histogram; Stage::ALL.len()]);

impl Default for Stages {
    fn default() -> Self {
        Stages(std::array::from_fn(|_| Histogram::new()))
    }
}

impl Stages {
    /// Counts a time. Only the owning thread may call this.
    pub fn record(&self, stage: Stage, duration_ns: u64) {
        if let Some(histogram) = self.0.get(stage as usize) {
            histogram.record(duration_ns);
        }
    }

    /// Adds what a stage holds now to a sum.
    pub fn read(&self, stage: Stage, sum: &mut Merged) {
        if let Some(histogram) = self.0.get(stage as usize) {
            sum.add(histogram);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_its_stages_in_their_order() {
        for (index, stage) in Stage::ALL.iter().enumerate() {
            assert_eq!(*stage as usize, index);
        }
    }

    #[test]
    fn keeps_each_stage_apart() {
        let stages = Stages::default();
        stages.record(Stage::Connect, 5_000);
        for stage in Stage::ALL {
            let mut sum = Merged::default();
            stages.read(*stage, &mut sum);
            let expected = if *stage == Stage::Connect { (1, 5_000) } else { (0, 0) };
            assert_eq!((sum.count(), sum.sum_ns()), expected, "{stage:?}");
        }
    }
}
