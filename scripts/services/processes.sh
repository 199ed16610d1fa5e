# Pid files, ports, templates. Sourced by services.sh.

# is_running NAME PROGRAM: the pid file names a living process, and it runs that program (a pid may have been used again).
is_running() {
    local pid state
    pid=$(cat "$DIR/run/$1.pid" 2>/dev/null) && [ -n "$pid" ] || return 1
    state=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
    # "PID (program) S ...": Z is a dead process that nobody has collected.
    case "$state" in *"($2"*") Z "*) return 1 ;; *"($2"*) return 0 ;; esac
    return 1
}

# stop_running NAME PROGRAM [SIGNAL]: end it and wait up to 30 s, then end it hard.
stop_running() {
    local name=$1 program=$2 signal=${3:-TERM} pid
    if is_running "$name" "$program"; then
        pid=$(cat "$DIR/run/$name.pid")
        kill -s "$signal" "$pid" 2>/dev/null || true
        wait_until 30 is_gone "$name" "$program" || kill -s KILL "$pid" 2>/dev/null || true
        wait_until 10 is_gone "$name" "$program" || fail "process $pid ($program) does not end"
    fi
    rm -f "$DIR/run/$name.pid"
}

is_gone() { ! is_running "$@"; }

# wait_until SECONDS COMMAND...: poll until the command succeeds; 1 when it never did.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

is_answering() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }  # is_answering PORT

# need_free_port PORT VARIABLE
need_free_port() {
    if is_answering "$1"; then fail "port $1 on 127.0.0.1 is taken by something else; choose another with $2=PORT"; fi
}

# fill TEMPLATE TARGET NAME=VALUE...: write TARGET with @NAME@ replaced.
fill() {
    local text name value pair
    text=$(cat "$1")
    local target=$2
    shift 2
    for pair in "$@"; do
        name=${pair%%=*} value=${pair#*=}
        text=${text//@$name@/"$value"}
    done
    if [[ $text =~ @[A-Z_]+@ ]]; then fail "$target: nothing given for ${BASH_REMATCH[0]}"; fi
    printf '%s\n' "$text" >"$target"
}

# secret NAME: a random password, made once and kept for this user only.
secret() {
    local file=$DIR/secrets/$1
    if [ ! -s "$file" ]; then
        mkdir -p "$DIR/secrets"
        od -An -N15 -tx1 /dev/urandom | tr -d ' \n' >"$file"
    fi
    cat "$file"
}
