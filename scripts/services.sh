#!/bin/bash
# services.sh - the real servers that tests and measurements run against, on this machine and for this user only.
#
#   services.sh up     [NAME...]   install what is missing (apt-get, Debian 12), set up once, start; fine to repeat
#   services.sh down   [NAME...]   stop; the data stays, the next `up` finds it
#   services.sh status [NAME...]   one line per service; exit 1 unless all are up
#   services.sh env                shell exports of what is up:  eval "$(scripts/services.sh env)"
#   services.sh install PACKAGE... only the apt-get part, with no daemon started (the benchmarks use it)
#
# Names, in starting order: mariadb (with row binlog), mediawiki (nginx + php-fpm + Debian's MediaWiki),
# radosgw (S3: Ceph's gateway, monitor and an OSD in memory; its data goes with `down`).
#
# Rules
# - Everything listens on 127.0.0.1 and lives under CUTOVER_SERVICES_DIR (~/.cache/cutover-services): own configuration,
#   own data, own pid files. The system's instances, their data and /etc stay as they are; only packages are added.
# - Runs as root or as a user with sudo (sudo is used for apt-get alone); the servers run as the calling user. No systemd.
# - Only processes named by our pid files are ever ended, and only if they still run the program we started.
# - To begin again from nothing: down, then delete the directory. Uploads of test runs stay in it until then.
# - A service is one file in services/ with functions NAME_install, NAME_up, NAME_down, NAME_status, NAME_env.
set -euo pipefail
umask 077

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/services
DIR=${CUTOVER_SERVICES_DIR:-$HOME/.cache/cutover-services}
ALL_SERVICES="mariadb mediawiki radosgw"

# The only place where ports are chosen.
MARIADB_PORT=${CUTOVER_MARIADB_PORT:-3380}
MEDIAWIKI_PORT=${CUTOVER_MEDIAWIKI_PORT:-8580}
RADOSGW_PORT=${CUTOVER_RADOSGW_PORT:-7580}  # and the two after it

PATH=$PATH:/usr/sbin:/sbin

say() { echo "services: $*" >&2; }
fail() { say "$*"; exit 1; }
usage() { sed -n '2,/^set -e/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 2; }

for part in "$HERE"/*.sh; do
    # shellcheck source=/dev/null
    . "$part"
done

prepare_directory() {
    case "$DIR" in /*) ;; *) fail "CUTOVER_SERVICES_DIR must be an absolute path, not $DIR" ;; esac
    # A unix socket's path must stay under 107 bytes; the longest name below DIR has 24.
    [ ${#DIR} -le 80 ] || fail "CUTOVER_SERVICES_DIR is too long for unix sockets (80 characters at most): $DIR"
    mkdir -p "$DIR/run" "$DIR/log"
}

# `make -j` or two terminals must not set up the same database twice. Daemons must not inherit the lock: start_* close 9.
take_lock() {
    exec 9>"$DIR/run/lock"
    flock --timeout 900 9 || fail "another services.sh has been at work for 15 minutes ($DIR/run/lock)"
}

each() {  # each FUNCTION_SUFFIX NAME...
    local suffix=$1 name
    shift
    for name in "$@"; do "${name}_$suffix"; done
}

reversed() { printf '%s\n' "$@" | tac; }

write_env() {  # what `env` prints; tests read the file, so it lists only what is up
    local name file=$DIR/services.env
    for name in $ALL_SERVICES; do
        if "${name}_status" >/dev/null; then "${name}_env"; fi
    done >"$file.next"
    mv "$file.next" "$file"
}

verb=${1:-}
[ -n "$verb" ] || usage
shift
# shellcheck disable=SC2086  # a list of plain words
names=${*:-$ALL_SERVICES}
case "$verb" in
    up | down | status)
        for name in $names; do
            case " $ALL_SERVICES " in *" $name "*) ;; *) fail "no service is called $name; there are: $ALL_SERVICES" ;; esac
        done ;;
esac

case "$verb" in
    up)
        prepare_directory
        take_lock
        each install $names
        each up $names
        write_env
        each status $names ;;
    down)
        [ -d "$DIR/run" ] || exit 0
        take_lock
        each down $(reversed $names)
        write_env ;;
    status)
        verdict=0
        for name in $names; do "${name}_status" || verdict=1; done
        exit $verdict ;;
    env)
        [ -s "$DIR/services.env" ] || fail "nothing is up; start with: scripts/services.sh up"
        cat "$DIR/services.env" ;;
    install)
        [ $# -gt 0 ] || usage
        prepare_directory
        take_lock
        install_packages "$@" ;;
    *) usage ;;
esac
