# MariaDB for tests: own data directory, socket and port; row binlog as a wiki's replication source has. Sourced by services.sh.
# Users: root (socket only, no password: the socket's directory is the user's own), cutover (all rights, for the store and tests).

MARIADB_SOCKET=$DIR/run/mariadb.sock

mariadb_install() { install_packages mariadb-server mariadb-client; }

mariadb_is_up() { is_running mariadb mariadbd && mariadb_admin_sql <<<'SELECT 1' >/dev/null 2>&1; }

mariadb_admin_sql() { mariadb --no-defaults --socket="$MARIADB_SOCKET" --user=root --batch --skip-column-names; }

mariadb_up() {
    if mariadb_is_up; then return; fi
    stop_running mariadb mariadbd
    need_free_port "$MARIADB_PORT" CUTOVER_MARIADB_PORT
    mkdir -p "$DIR/mariadb"
    fill "$HERE/mariadb.cnf" "$DIR/mariadb/my.cnf" DIR="$DIR" PORT="$MARIADB_PORT" SOCKET="$MARIADB_SOCKET" USER="$(id -un)"
    mariadb_make_data
    # setsid: a Ctrl-C in the terminal that started it must not reach the server.
    setsid mariadbd --defaults-file="$DIR/mariadb/my.cnf" >>"$DIR/log/mariadb.log" 2>&1 </dev/null 9>&- &
    wait_until 60 mariadb_is_up || fail "mariadbd does not start; see $DIR/log/mariadb.log"
    mariadb_make_users
}

mariadb_make_data() {
    if [ -e "$DIR/mariadb/data.complete" ]; then return; fi
    rm -rf "$DIR/mariadb/data"
    # --force: a host whose own name cannot be looked up (many containers) is good enough.
    mariadb-install-db --defaults-file="$DIR/mariadb/my.cnf" --auth-root-authentication-method=normal \
        --skip-test-db --skip-name-resolve --force >"$DIR/log/mariadb-install.log" 2>&1 ||
        fail "mariadb-install-db failed; see $DIR/log/mariadb-install.log"
    touch "$DIR/mariadb/data.complete"
}

mariadb_make_users() {
    local password
    password=$(secret mariadb-password)
    # 127.0.0.1 is an account of its own (skip-name-resolve), so root@localhost cannot be reached over TCP.
    mariadb_admin_sql <<SQL
DROP USER IF EXISTS ''@'localhost', 'root'@'127.0.0.1', 'root'@'::1';
CREATE USER IF NOT EXISTS 'cutover'@'localhost', 'cutover'@'127.0.0.1';
ALTER USER 'cutover'@'localhost' IDENTIFIED BY '$password', 'cutover'@'127.0.0.1' IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON *.* TO 'cutover'@'localhost' WITH GRANT OPTION;
GRANT ALL PRIVILEGES ON *.* TO 'cutover'@'127.0.0.1' WITH GRANT OPTION;
SQL
}

mariadb_down() { stop_running mariadb mariadbd; }

mariadb_status() {
    if mariadb_is_up; then echo "mariadb up 127.0.0.1:$MARIADB_PORT"; else echo "mariadb down"; return 1; fi
}

mariadb_env() {
    cat <<ENV
export CUTOVER_MARIADB_HOST=127.0.0.1
export CUTOVER_MARIADB_PORT=$MARIADB_PORT
export CUTOVER_MARIADB_SOCKET='$MARIADB_SOCKET'
export CUTOVER_MARIADB_USER=cutover
export CUTOVER_MARIADB_PASSWORD=$(secret mariadb-password)
ENV
}
