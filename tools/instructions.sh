#!/usr/bin/env bash
# Counts the instructions of the pure cores and holds them against benches/instructions.toml.
#
#   tools/instructions.sh           compare; fails where a count moved by more than 2 %
#   tools/instructions.sh --accept  write the new counts, to be committed
set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cargo bench --locked --quiet --profile instructions --bench instructions -- "$@"
