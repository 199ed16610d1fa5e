#!/bin/sh
# Check the model with Spin (Debian package `spin`, and a C compiler): first as it is, then with each rule left out.
# Ends with 0 when the model holds and every broken variant is found out. Two minutes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

check() { # the rules that are left out
    spin -a "$@" "$here/flip.pml" >/dev/null
    cc -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=2048 -o pan pan.c
    ./pan -m200000 -w24 >out 2>&1 || true
    if grep -q 'errors: 0' out && ! grep -qE 'max search depth too small|out of memory|reached -DMEMLIM' out; then
        echo holds
    elif grep -q 'assertion violated' out; then
        echo broken
    else
        cat out >&2
        echo unclear
    fi
}

result=$(check)
echo "as it is: $result"
test "$result" = holds
for rule in NOT_READY NO_HOLD NO_LEASE FENCE_OFF_EARLY TELL_FIRST TELL_WITHOUT_LEASE LEASE_REGAINED; do
    result=$(check "-DBROKEN_$rule")
    echo "without $rule: $result"
    test "$result" = broken
done
