# Vitess for tests: one vtcombo (gateway, tablets, topology in memory) on a MariaDB of its own. Sourced by vitess.sh.
# Two keyspaces: one without shards for control data, one with shards for revisions. vtcombo knows no passwords (who is
# on this machine may come in: keep nothing in it that matters); user vt comes to the database by its socket alone.

VITESS_SOCKET=$DIR/run/vitess-mariadb.sock
VITESS_CONTROL=control
VITESS_REVISIONS=revisions

vitess_database_sql() { mariadb --no-defaults --socket="$VITESS_SOCKET" --user=root --batch --skip-column-names "$@"; }

vitess_database_is_up() { is_running vitess-mariadb mariadbd && vitess_database_sql -e 'SELECT 1' >/dev/null 2>&1; }

vitess_database_up() {
    if vitess_database_is_up; then return; fi
    stop_running vitess-mariadb mariadbd
    mkdir -p "$DIR/mariadb"
    fill "$HERE/vitess.cnf" "$DIR/mariadb/my.cnf" DIR="$DIR" SOCKET="$VITESS_SOCKET" USER="$(id -un)"
    if [ ! -e "$DIR/mariadb/data.complete" ]; then
        rm -rf "$DIR/mariadb/data"
        mariadb-install-db --defaults-file="$DIR/mariadb/my.cnf" --auth-root-authentication-method=normal \
            --skip-test-db --skip-name-resolve --force >"$DIR/log/mariadb-install.log" 2>&1 ||
            fail "mariadb-install-db failed; see $DIR/log/mariadb-install.log"
        touch "$DIR/mariadb/data.complete"
    fi
    setsid mariadbd --defaults-file="$DIR/mariadb/my.cnf" >>"$DIR/log/mariadb.log" 2>&1 </dev/null 9>&- &
    disown
    wait_until 60 vitess_database_is_up || fail "mariadbd does not start; see $DIR/log/mariadb.log"
}

vitess_make_databases() {
    local shard
    {
        echo "CREATE USER IF NOT EXISTS vt@localhost; GRANT ALL ON *.* TO vt@localhost WITH GRANT OPTION;"
        echo "CREATE DATABASE IF NOT EXISTS vt_${VITESS_CONTROL}_0;"
        for shard in $VITESS_SHARDS; do echo "CREATE DATABASE IF NOT EXISTS \`vt_${VITESS_REVISIONS}_$shard\`;"; done
    } | vitess_database_sql
}

vitess_topology() {
    local shard
    printf 'cells:"zone1" keyspaces:{name:"%s" shards:{name:"0"} replica_count:1} keyspaces:{name:"%s"' \
        $VITESS_CONTROL $VITESS_REVISIONS
    for shard in $VITESS_SHARDS; do printf ' shards:{name:"%s"}' "$shard"; done
    printf ' replica_count:1}'
}

vitess_is_answering() {
    is_running vitess vtcombo && mariadb --no-defaults --protocol=tcp --host=127.0.0.1 --port="$VITESS_PORT" \
        --user=cutover --batch --skip-column-names -e "SHOW VITESS_SHARDS" >/dev/null 2>&1
}

vitess_is_up() { vitess_is_answering && [ "$(cat "$DIR/vitess/shards" 2>/dev/null)" = "$VITESS_SHARDS" ]; }

vitess_up() {
    vitess_database_up
    if vitess_is_up; then return; fi
    stop_running vitess vtcombo
    vitess_make_databases
    need_free_port "$VITESS_PORT" CUTOVER_VITESS_PORT
    need_free_port "$VITESS_WEB_PORT" CUTOVER_VITESS_WEB_PORT
    mkdir -p "$DIR/vitess/schema" "$DIR/vitess/tmp"
    printf '%s' "$VITESS_SHARDS" >"$DIR/vitess/shards"
    vitess_run
    wait_until 60 vitess_has_decided || true
    vitess_is_answering || fail "vtcombo does not start; see $DIR/log/vitess.log"
}

# Answering, or dead. Not is_running: the process bears another name until it becomes vtcombo.
vitess_has_decided() { vitess_is_answering || ! kill -0 "$(cat "$DIR/run/vitess.pid")" 2>/dev/null; }

vitess_run() {
    local user users=() disguise=()
    # vtcombo does not run as root. In a user namespace of its own it is nobody, who still owns root's files.
    if [ "$(id -u)" = 0 ]; then
        unshare --user true 2>/dev/null || fail "vtcombo does not run as root, and user namespaces are not allowed here"
        disguise=(unshare --user)
    fi
    for user in app dba allprivs appdebug filtered repl; do users+=("--db-$user-user" vt); done
    # A transaction that touches two shards is refused, a query that would go to all of them too, unless it says so
    # itself. VSchema survives in a file, as it would in a real topology server.
    VTDATAROOT=$DIR/vitess setsid "${disguise[@]}" "$VITESS_BIN/vtcombo" \
        --start-mysql=false --db-socket "$VITESS_SOCKET" --db-charset utf8mb4 "${users[@]}" \
        --proto-topo "$(vitess_topology)" --schema-dir "$DIR/vitess/schema" \
        --vschema-persistence-dir "$DIR/vitess/schema" --vschema-ddl-authorized-users % \
        --mycnf-server-id 1 --mycnf-socket-file "$VITESS_SOCKET" \
        --mysql-auth-server-impl none --mysql-server-bind-address 127.0.0.1 --mysql-server-port "$VITESS_PORT" \
        --bind-address 127.0.0.1 --port "$VITESS_WEB_PORT" \
        --transaction-mode SINGLE --no-scatter --tablet-types-to-wait PRIMARY \
        >>"$DIR/log/vitess.log" 2>&1 </dev/null 9>&- &
    echo $! >"$DIR/run/vitess.pid"
    disown
}

vitess_down() {
    stop_running vitess vtcombo
    stop_running vitess-mariadb mariadbd
}

vitess_status() {
    if vitess_is_answering; then
        echo "vitess up 127.0.0.1:$VITESS_PORT, shards $(cat "$DIR/vitess/shards"), $(vitess_version)"
    else
        echo "vitess down"
        return 1
    fi
}

vitess_version() { "$VITESS_BIN/vtcombo" --version 2>/dev/null | sed 's/.*Version: //; s/ (.*//'; }

vitess_env() {
    cat <<ENV
export CUTOVER_VITESS_HOST=127.0.0.1
export CUTOVER_VITESS_PORT=$VITESS_PORT
export CUTOVER_VITESS_USER=cutover
export CUTOVER_VITESS_KEYSPACES=$VITESS_REVISIONS,$VITESS_CONTROL
export CUTOVER_VITESS_SOCKET='$VITESS_SOCKET'
ENV
}
