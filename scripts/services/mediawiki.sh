# A real MediaWiki: Debian's package served by our nginx and php-fpm out of its place in /usr/share, with a configuration,
# an upload directory and a database of its own. Sourced by services.sh. Needs mariadb.

MEDIAWIKI_CODE=/usr/share/mediawiki
MEDIAWIKI_URL=http://127.0.0.1:$MEDIAWIKI_PORT
MEDIAWIKI_DATABASE=wiki
MEDIAWIKI_HOME=$DIR/mediawiki
PHP_FPM_SOCKET=$DIR/run/php-fpm.sock

mediawiki_install() {
    install_packages mediawiki mariadb-client nginx php-fpm php-cli php-mysql php-intl php-mbstring php-xml php-apcu php-curl \
        php-gd imagemagick apache2- apache2-bin- libapache2-mod-php8.2-
}

php_fpm_program() { basename "$(find /usr/sbin -name 'php-fpm[0-9]*' | sort -V | tail -n 1)"; }

mediawiki_is_up() {
    is_running php-fpm php-fpm && is_running nginx nginx && is_answering "$MEDIAWIKI_PORT"
}

mediawiki_up() {
    mariadb_up
    mkdir -p "$MEDIAWIKI_HOME/images" "$MEDIAWIKI_HOME/cache" "$DIR/nginx"
    mediawiki_set_up_once
    fill "$HERE/LocalSettings.additions.php" "$MEDIAWIKI_HOME/LocalSettings.additions.php" \
        URL="$MEDIAWIKI_URL" HOME="$MEDIAWIKI_HOME"
    if mediawiki_is_up; then return; fi
    stop_running nginx nginx QUIT
    stop_running php-fpm php-fpm QUIT
    need_free_port "$MEDIAWIKI_PORT" CUTOVER_MEDIAWIKI_PORT
    start_php_fpm
    start_nginx
    wait_until 60 mediawiki_answers || fail "MediaWiki does not answer at $MEDIAWIKI_URL; see $DIR/log"
}

mediawiki_answers() {
    (
        exec 3<>"/dev/tcp/127.0.0.1/$MEDIAWIKI_PORT"
        printf 'GET /w/api.php?action=query&meta=siteinfo&format=json HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
        grep -q '"generator":"MediaWiki' <&3
    ) 2>/dev/null
}

start_php_fpm() {
    local root_flag=()
    if [ "$(id -u)" = 0 ]; then root_flag=(--allow-to-run-as-root); fi
    fill "$HERE/php-fpm.conf" "$DIR/run/php-fpm.conf" DIR="$DIR" USER="$(id -un)" GROUP="$(id -gn)" \
        SOCKET="$PHP_FPM_SOCKET" HOME="$MEDIAWIKI_HOME" CODE="$MEDIAWIKI_CODE"
    "$(php_fpm_program)" "${root_flag[@]}" --fpm-config "$DIR/run/php-fpm.conf" \
        -d opcache.memory_consumption=192 -d apc.shm_size=64M </dev/null >>"$DIR/log/php-fpm.log" 2>&1 9>&- ||
        fail "php-fpm does not start; see $DIR/log/php-fpm.log"
}

start_nginx() {
    local user_line=""
    if [ "$(id -u)" = 0 ]; then user_line="user $(id -un) $(id -gn);"; fi
    fill "$HERE/nginx.conf" "$DIR/nginx/nginx.conf" DIR="$DIR" PORT="$MEDIAWIKI_PORT" SOCKET="$PHP_FPM_SOCKET" \
        HOME="$MEDIAWIKI_HOME" CODE="$MEDIAWIKI_CODE" USER_LINE="$user_line"
    nginx -p "$DIR/nginx" -c "$DIR/nginx/nginx.conf" -e "$DIR/log/nginx-error.log" \
        </dev/null >>"$DIR/log/nginx.log" 2>&1 9>&- ||
        fail "nginx does not start; see $DIR/log/nginx.log"
}

# MediaWiki's own installer, once. A run that broke off half-way is begun again from an empty database.
mediawiki_set_up_once() {
    if [ -e "$MEDIAWIKI_HOME/set-up.complete" ]; then return; fi
    say "setting up MediaWiki"
    rm -f "$MEDIAWIKI_HOME/LocalSettings.php"
    mariadb_admin_sql <<SQL
DROP DATABASE IF EXISTS $MEDIAWIKI_DATABASE;
CREATE USER IF NOT EXISTS 'wiki'@'localhost' IDENTIFIED BY '$(secret wiki-database-password)';
CREATE USER IF NOT EXISTS 'wiki_reader'@'127.0.0.1' IDENTIFIED BY '$(secret wiki-reader-password)';
CREATE DATABASE $MEDIAWIKI_DATABASE;
GRANT ALL PRIVILEGES ON $MEDIAWIKI_DATABASE.* TO 'wiki'@'localhost';
GRANT SELECT ON $MEDIAWIKI_DATABASE.* TO 'wiki_reader'@'127.0.0.1';
GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'wiki_reader'@'127.0.0.1';
SQL
    secret wiki-admin-password >/dev/null
    mediawiki_install_php >"$DIR/log/mediawiki-install.log" 2>&1 ||
        fail "MediaWiki's installer failed; see $DIR/log/mediawiki-install.log"
    printf '\nrequire __DIR__ . "/LocalSettings.additions.php";\n' >>"$MEDIAWIKI_HOME/LocalSettings.php"
    touch "$MEDIAWIKI_HOME/set-up.complete"
}

mediawiki_install_php() {
    php "$MEDIAWIKI_CODE/maintenance/install.php" --confpath "$MEDIAWIKI_HOME" \
        --dbtype mysql --dbserver "localhost:$MARIADB_SOCKET" --dbname $MEDIAWIKI_DATABASE --dbuser wiki \
        --dbpassfile "$DIR/secrets/wiki-database-password" \
        --server "$MEDIAWIKI_URL" --scriptpath /w --lang en --passfile "$DIR/secrets/wiki-admin-password" \
        "Cutover Test Wiki" Admin
}

mediawiki_down() {
    stop_running nginx nginx QUIT
    stop_running php-fpm php-fpm QUIT
}

mediawiki_status() {
    if mediawiki_is_up; then echo "mediawiki up $MEDIAWIKI_URL"; else echo "mediawiki down"; return 1; fi
}

mediawiki_env() {
    cat <<ENV
export CUTOVER_MEDIAWIKI_URL=$MEDIAWIKI_URL
export CUTOVER_MEDIAWIKI_ADMIN=Admin
export CUTOVER_MEDIAWIKI_ADMIN_PASSWORD=$(secret wiki-admin-password)
export CUTOVER_MEDIAWIKI_DATABASE=$MEDIAWIKI_DATABASE
export CUTOVER_MEDIAWIKI_DATABASE_READER=wiki_reader
export CUTOVER_MEDIAWIKI_DATABASE_READER_PASSWORD=$(secret wiki-reader-password)
ENV
}
