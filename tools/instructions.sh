#!/usr/bin/env bash
# Counts the instructions of the pure cores and holds them against benches/instructions.toml.
#
#   tools/instructions.sh           compare; fails where a count moved by more than 2 %
#   tools/instructions.sh --accept  write the new counts, to be committed
set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case ${1:---compare} in
    --compare | --accept) ;;
    *)
        sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
cargo bench --locked --quiet --profile instructions --bench instructions -- "${1:---compare}"
