# Debian packages, added without starting any daemon of theirs. Sourced by services.sh.

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; return; fi
    command -v sudo >/dev/null || fail "packages are missing and this is neither root nor a user with sudo: $*"
    sudo "$@"
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# install_packages PACKAGE... [PACKAGE-]: a trailing minus keeps an alternative of a dependency out, as apt-get means it;
# it is dropped where that package is installed already, so that nothing is ever removed from this machine.
install_packages() {
    local wanted=() missing=0 package
    for package in "$@"; do
        case "$package" in
            *-) is_installed "${package%-}" || wanted+=("$package") ;;
            *) wanted+=("$package"); is_installed "$package" || missing=1 ;;
        esac
    done
    [ $missing = 1 ] || return 0
    command -v apt-get >/dev/null || fail "needs Debian's apt-get to install: $*"
    say "installing: ${wanted[*]}"
    local log=$DIR/log/packages.log units
    units=$(list_enabled_units)
    forbid_daemon_starts
    trap allow_daemon_starts EXIT
    { as_root apt-get -qq update && as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 install "${wanted[@]}"; } >"$log" 2>&1 </dev/null || {
        tail -n 20 "$log" >&2
        fail "apt-get failed; all of it is in $log"
    }
    allow_daemon_starts
    trap - EXIT
    disable_units_beyond "$units"
}

# A package also enables its daemon for the next start of the machine; nobody asked for that.
list_enabled_units() { find /etc/systemd/system/multi-user.target.wants -name '*.service' -printf '%f\n' 2>/dev/null || true; }

disable_units_beyond() {
    local unit
    command -v systemctl >/dev/null || return 0
    for unit in $(list_enabled_units); do
        case $'\n'$1$'\n' in *$'\n'"$unit"$'\n'*) ;; *) as_root systemctl --quiet disable "$unit" 2>/dev/null || true ;; esac
    done
}

# policy-rc.d is what a package's scripts ask before they start a daemon; 101 is "not allowed".
POLICY=/usr/sbin/policy-rc.d
POLICY_KEPT=/usr/sbin/policy-rc.d.before-cutover

forbid_daemon_starts() {
    if [ -e $POLICY ] && [ ! -e $POLICY_KEPT ]; then as_root mv $POLICY $POLICY_KEPT; fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee $POLICY >/dev/null
    as_root chmod 755 $POLICY
}

allow_daemon_starts() {
    as_root rm -f $POLICY
    if [ -e $POLICY_KEPT ]; then as_root mv $POLICY_KEPT $POLICY; fi
}
