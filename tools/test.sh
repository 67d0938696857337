#!/usr/bin/env bash
# Installs what the tests need (apt, as root or with sudo) and runs them all.
#
#   tools/test.sh                 install, then test
#   tools/test.sh --install-only  install and stop
#
# A program that cannot be installed leaves its tests out, and they say so; with CI=true they fail.
set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }
}

# RUNLEVEL=1 keeps packages from starting their services.
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq "$@" >/dev/null
}

missing_packages() {
    local pair
    for pair in nginx:nginx-light curl:curl python3:python3 wrk:wrk hey:hey cc:gcc git:git \
        valgrind:valgrind chromium:chromium; do
        command -v "${pair%%:*}" >/dev/null || printf '%s\n' "${pair##*:}"
    done
    python3 -c 'import jsonschema' 2>/dev/null || echo python3-jsonschema
}

# promtool comes with a server that nobody here needs, so it is unpacked, not installed.
unpack_promtool() {
    local folder=$PWD/target/tools
    if command -v promtool >/dev/null; then return; fi
    mkdir -p "$folder"
    # apt downloads as a user of its own, which may not write here; it says so and goes on.
    (cd "$folder" && apt-get -qq download prometheus 2>/dev/null && dpkg-deb -x prometheus_*.deb .)
}

install() {
    local packages
    mapfile -t packages < <(missing_packages)
    if [ "${#packages[@]}" -eq 0 ] && command -v promtool >/dev/null; then return; fi
    if ! can_install; then
        echo "cannot install (neither root nor sudo): ${packages[*]} prometheus"
        return
    fi
    say "installing: ${packages[*]} promtool"
    apt_get update || echo "apt-get update failed; going on with the lists that are there"
    if [ "${#packages[@]}" -gt 0 ]; then
        apt_get install -y --no-install-recommends "${packages[@]}" || echo "not all of it"
    fi
    unpack_promtool || echo "no promtool"
}

export PATH=$PATH:/usr/sbin:/sbin:$PWD/target/tools/usr/bin
install
if [ "${1:-}" = --install-only ]; then exit; fi

if ! command -v cargo >/dev/null; then
    echo "cargo is missing: install Rust with rustup, then run this again" >&2
    exit 1
fi

say "unit, wire, simulation, integration and documentation tests"
cargo test --locked

say "the floors"
cargo test --locked --quiet --manifest-path perf/engines/Cargo.toml

if compgen -G 'benches/*.rs' >/dev/null; then
    say "each benchmark once"
    cargo test --locked --quiet --benches
fi

say "all tests passed"
