#!/usr/bin/env bash
# The public API is what api/public.txt says: a change of it is a change of that file, for everybody
# to see. A line that goes or changes may break a program that embeds the gateway.
#
#   tools/api.sh             fails where the two differ, and shows in what
#   UPDATE=1 tools/api.sh    writes the file anew
set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Of the default features: none of them adds to the API, and `.ci/run` compiles each alone.
RUSTDOC=$PWD/tools/api/rustdoc-json cargo rustdoc --locked --quiet --lib -- \
    -Zunstable-options --output-format json --document-hidden-items --cap-lints allow
target=${CARGO_TARGET_DIR:-target}
listing=$(python3 tools/api/list.py "$target/doc/frys_gateway.json")

if [ "${UPDATE:-}" ]; then
    printf '%s\n' "$listing" >api/public.txt
elif ! diff -U0 --label api/public.txt --label 'the code' api/public.txt - <<<"$listing"; then
    echo "the public API changed: UPDATE=1 tools/api.sh, and a line in CHANGELOG.md" >&2
    exit 1
fi
