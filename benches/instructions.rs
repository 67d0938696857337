//! The gate on what the pure cores cost: instructions an operation, counted by callgrind, since
//! time on shared cores is no gate. `tools/instructions.sh` compares with what is committed in
//! `benches/instructions.toml`, `tools/instructions.sh --accept` writes that file.
//!
//! What could differ between two runs is pinned: callgrind shows every program the same processor
//! (which decides on code for SIMD, here and in the C library), the environment is empty, and
//! what hashes with a seed does so often enough that the seed does not show.

mod cases;
mod gate;

use cases::Round;
use gate::Counts;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The first round makes what is made once; the second shows that all is warm.
const WARM_ROUNDS_COUNT: u64 = 2;
const ROUNDS_COUNT: u64 = 16;

/// What it is called with by the script; without it, and so by `cargo test` and by a plain `cargo
/// bench`, whose profile is another, each case runs once.
const COMPARE: &str = "--compare";
const ACCEPT: &str = "--accept";
/// What it calls itself with, under callgrind.
const MEASURE: &str = "--measure";
/// As callgrind reads it in the symbols. With a wildcard it would write no dumps.
const COUNTED: &str = "instructions::counted_rounds";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_asked = |name: &str| arguments.iter().any(|argument| argument == name);
    if is_asked(MEASURE) {
        measure();
    } else if is_asked(COMPARE) || is_asked(ACCEPT) {
        return match gate(is_asked(ACCEPT)) {
            Ok(is_level) => ExitCode::from(u8::from(!is_level)),
            Err(error) => {
                eprintln!("{error}");
                ExitCode::from(2)
            }
        };
    } else {
        for case in cases::all() {
            case.check(case.prepare()());
        }
    }
    ExitCode::SUCCESS
}

/// Under callgrind: a dump for each case.
fn measure() {
    for case in cases::all() {
        let mut round = case.prepare();
        for _ in 0..WARM_ROUNDS_COUNT {
            case.check(round());
        }
        let right_count = counted_rounds(&mut round);
        assert_eq!(right_count, ROUNDS_COUNT * case.operations_count, "{}", case.name);
    }
}

/// Callgrind counts within this function, and writes a dump at its end.
#[inline(never)]
fn counted_rounds(round: &mut Round) -> u64 {
    (0..ROUNDS_COUNT).map(|_| round()).sum()
}

/// Counts, and compares or accepts; whether nothing moved.
fn gate(accepts: bool) -> Result<bool, Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.toml");
    let now = count()?;
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let verdict = gate::compare(&gate::read(&committed)?, &now);
    print!("{}", verdict.table);
    if accepts {
        fs::write(&path, gate::write(&now))?;
        println!("written to {}", path.display());
        return Ok(true);
    }
    if verdict.moved.is_empty() {
        println!("all within {} %", 100.0 * gate::TOLERANCE);
        return Ok(true);
    }
    println!(
        "{} beyond {} %: {}\nwhere that is meant: tools/instructions.sh --accept, and commit",
        verdict.moved.len(),
        100.0 * gate::TOLERANCE,
        verdict.moved.join("; "),
    );
    Ok(false)
}

/// Runs this program under callgrind, each case in its turn.
fn count() -> Result<Counts, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--dump-after={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", folder.path().join("counts").display()))
        .arg(std::env::current_exe()?)
        .arg(MEASURE)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .map_err(|error| format!("valgrind: {error} (tools/test.sh --install-only has it)"))?;
    if !output.status.success() {
        return Err(format!("callgrind: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut counts = Counts::new();
    for (case, number) in cases::all().iter().zip(1..) {
        let dump = fs::read_to_string(folder.path().join(format!("counts.{number}")))?;
        let total = gate::summary(&dump).ok_or_else(|| format!("{}: no sum", case.name))?;
        let operations_count = ROUNDS_COUNT * case.operations_count;
        counts.insert(case.name.clone(), total as f64 / operations_count as f64);
    }
    Ok(counts)
}
