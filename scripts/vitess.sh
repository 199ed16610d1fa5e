#!/bin/bash
# vitess.sh - a real Vitess for tests and measurements, on this machine and for this user only.
#
#   vitess.sh build    build vtcombo once with Go, into the cache; fine to repeat
#   vitess.sh up       build if need be, then start it on loopback with a MariaDB of its own (Debian's, installed if
#                      missing); restarts it when CUTOVER_VITESS_SHARDS is not what it was started with
#   vitess.sh down     stop both; the data stays
#   vitess.sh status   one line; exit 1 unless it is up
#   vitess.sh env      shell exports:  eval "$(scripts/vitess.sh env)"
#   vitess.sh run COMMAND...   up, run the command with those exports, down again if it was not up before
#
# Everything lies under CUTOVER_VITESS_DIR (~/.cache/cutover-vitess). The build is that of scripts/vitess/go.mod; what
# Go downloads and compiles on the way (2 GB) goes when it is done, CUTOVER_VITESS_KEEP_GO=1 keeps it. Several may run
# side by side: each has a name (CUTOVER_VITESS_NAME), ports and shards of its own.
set -euo pipefail
umask 077

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
HERE=$SCRIPTS/services
CACHE=${CUTOVER_VITESS_DIR:-$HOME/.cache/cutover-vitess}
DIR=$CACHE/${CUTOVER_VITESS_NAME:-tests}
VITESS_BIN=$CACHE/bin
VITESS_PORT=${CUTOVER_VITESS_PORT:-15306}
VITESS_WEB_PORT=${CUTOVER_VITESS_WEB_PORT:-15300}
VITESS_SHARDS=${CUTOVER_VITESS_SHARDS:--80 80-}

PATH=$PATH:/usr/sbin:/sbin:/usr/local/go/bin

say() { echo "vitess: $*" >&2; }
fail() { say "$*"; exit 1; }
usage() { sed -n '2,/^set -e/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 2; }

for part in packages processes vitess; do
    # shellcheck source=/dev/null
    . "$HERE/$part.sh"
done

prepare_directory() {
    case "$CACHE" in /*) ;; *) fail "CUTOVER_VITESS_DIR must be an absolute path, not $CACHE" ;; esac
    # A unix socket's path must stay under 107 bytes.
    [ ${#DIR} -le 75 ] || fail "CUTOVER_VITESS_DIR is too long for unix sockets (75 characters at most): $DIR"
    mkdir -p "$DIR/run" "$DIR/log" "$VITESS_BIN"
    exec 9>"$VITESS_BIN/lock"
    flock --timeout 1800 9 || fail "another vitess.sh has been at work for half an hour ($VITESS_BIN/lock)"
}

wanted_build() { cat "$SCRIPTS/vitess/go.mod" "$SCRIPTS/vitess/go.sum" | sha256sum | cut -d' ' -f1; }

build() {
    local wanted log=$CACHE/build.log
    wanted=$(wanted_build)
    if [ "$(cat "$VITESS_BIN/built" 2>/dev/null)" = "$wanted" ] && [ -x "$VITESS_BIN/vtcombo" ]; then return; fi
    command -v go >/dev/null || fail "building vtcombo needs Go (the version that scripts/vitess/go.mod names)"
    say "building vtcombo: minutes; $log says how far it is"
    local began=$SECONDS
    rm -f "$VITESS_BIN/built"
    # -p 2: linking and compiling more at once needs more memory than small machines have.
    (cd "$SCRIPTS/vitess" && GOMODCACHE=$CACHE/go/mod GOCACHE=$CACHE/go/build GOFLAGS="-modcacherw -buildvcs=false -mod=readonly" \
        CGO_ENABLED=0 nice go build -p 2 -v -trimpath -ldflags "-s -w" -o "$VITESS_BIN/" tool) >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        fail "the build failed; all of it is in $log"
    }
    echo "$wanted" >"$VITESS_BIN/built"
    [ "${CUTOVER_VITESS_KEEP_GO:-}" = 1 ] || rm -rf "$CACHE/go"
    say "built in $((SECONDS - began)) s: $(vitess_version)"
}

up() {
    prepare_directory
    build
    install_packages mariadb-server mariadb-client
    vitess_up
    vitess_env >"$DIR/vitess.env"
    vitess_status
    exec 9>&-
}

down() {
    [ -d "$DIR/run" ] || return 0
    prepare_directory
    vitess_down
    rm -f "$DIR/vitess.env"
    exec 9>&-
}

verb=${1:-}
[ -n "$verb" ] || usage
shift
case "$verb" in
    build) prepare_directory; build ;;
    up) up ;;
    down) down ;;
    status) vitess_status ;;
    env)
        [ -s "$DIR/vitess.env" ] || fail "it is not up; start with: scripts/vitess.sh up"
        cat "$DIR/vitess.env" ;;
    run)
        [ $# -gt 0 ] || usage
        was_up=0
        vitess_is_up && was_up=1
        [ $was_up = 1 ] || trap down EXIT
        up
        # shellcheck source=/dev/null
        . "$DIR/vitess.env"
        verdict=0
        "$@" || verdict=$?
        exit $verdict ;;
    *) usage ;;
esac
