# Shorthands; each line is also a command that can be typed.

default:
    @just --list

# everything that a merge needs
ci:
    .ci/run

# installs what the tests need and runs them
test:
    tools/test.sh

# the house style alone, a few seconds
tidy:
    cargo test --locked --test tidy

lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

demo:
    cargo run --release -- demo

# against nginx, haproxy and others; `just perf --only small-64 --rounds 3`
perf *arguments:
    perf/run {{arguments}}

# `just instructions --accept` writes the counts anew
instructions *arguments:
    tools/instructions.sh {{arguments}}
