# An S3 server: Ceph's gateway on a monitor and an OSD of its own. Everything is kept in memory and gone after `down`.
# Sourced by services.sh. The monitor takes the two ports after the gateway's, the OSD free ones from 6800 on.

RADOSGW_URL=http://127.0.0.1:$RADOSGW_PORT
RADOSGW_HOME=$DIR/radosgw
RADOSGW_ACCESS_KEY=cutover
RADOSGW_MEMORY_BYTES=${CUTOVER_RADOSGW_MEMORY_BYTES:-4294967296}

radosgw_install() { install_packages radosgw ceph-mon ceph-osd ceph-common; }

radosgw_is_up() {
    is_running mon ceph-mon && is_running osd ceph-osd && is_running radosgw radosgw && is_answering "$RADOSGW_PORT"
}

radosgw_up() {
    if radosgw_is_up; then return; fi
    # What is left of a cluster that lost a part is of no use: its data was in memory.
    radosgw_down
    need_free_port "$RADOSGW_PORT" CUTOVER_RADOSGW_PORT
    need_free_port $((RADOSGW_PORT + 1)) CUTOVER_RADOSGW_PORT
    need_free_port $((RADOSGW_PORT + 2)) CUTOVER_RADOSGW_PORT
    rm -rf "$RADOSGW_HOME"
    mkdir -p "$RADOSGW_HOME/mon" "$RADOSGW_HOME/osd" "$RADOSGW_HOME/rgw"
    say "starting radosgw"
    # 9>&-: the daemons must not inherit the lock.
    radosgw_start >"$DIR/log/radosgw-start.log" 2>&1 </dev/null 9>&- || {
        tail -n 5 "$DIR/log/radosgw-start.log" >&2
        radosgw_down
        fail "radosgw does not start; see $DIR/log/radosgw-start.log"
    }
}

# Called left of ||, where `set -e` is off: each step says itself what happens when it fails.
radosgw_start() {
    local fsid monitor=[v2:127.0.0.1:$((RADOSGW_PORT + 1)),v1:127.0.0.1:$((RADOSGW_PORT + 2))]
    fsid=$(cat /proc/sys/kernel/random/uuid)
    fill "$HERE/radosgw.conf" "$RADOSGW_HOME/ceph.conf" FSID="$fsid" MONITOR="$monitor" HOME="$RADOSGW_HOME" \
        RUN="$DIR/run" LOG="$DIR/log" PORT="$RADOSGW_PORT" MEMORY_BYTES="$RADOSGW_MEMORY_BYTES" &&
        radosgw_start_monitor "$fsid" "$monitor" && radosgw_start_osd && radosgw_start_gateway
}

radosgw_start_monitor() {  # FSID ADDRESS
    local keyring=$RADOSGW_HOME/admin.keyring
    ceph-authtool "$keyring" --create-keyring --gen-key -n mon. --cap mon 'allow *' &&
        ceph-authtool "$keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' &&
        monmaptool --create --fsid "$1" --addv a "$2" "$RADOSGW_HOME/monmap" &&
        radosgw_run ceph-mon --id a --mkfs --monmap "$RADOSGW_HOME/monmap" --keyring "$keyring" &&
        radosgw_run ceph-mon --id a
}

radosgw_start_osd() {
    local uuid
    uuid=$(cat /proc/sys/kernel/random/uuid)
    radosgw_run ceph osd new "$uuid" &&
        radosgw_run ceph auth get-or-create osd.0 mon 'allow profile osd' osd 'allow *' -o "$RADOSGW_HOME/osd/keyring" &&
        radosgw_run ceph-osd --id 0 --mkfs --osd-uuid "$uuid" &&
        radosgw_run ceph-osd --id 0
}

radosgw_start_gateway() {
    radosgw_run ceph auth get-or-create client.rgw.a mon 'allow *' osd 'allow *' -o "$RADOSGW_HOME/radosgw.keyring" &&
        radosgw_run radosgw --name client.rgw.a &&
        wait_until 60 is_answering "$RADOSGW_PORT" &&
        radosgw_run radosgw-admin user create --uid cutover --display-name cutover \
            --access-key "$RADOSGW_ACCESS_KEY" --secret-key "$(secret radosgw-secret-key)" >/dev/null
}

radosgw_run() {  # PROGRAM ARGUMENT...: one of Ceph's programs with our configuration; its clients would wait for ever
    local program=$1
    shift
    timeout 60 "$program" --conf "$RADOSGW_HOME/ceph.conf" "$@"
}

radosgw_down() {
    stop_running radosgw radosgw
    stop_running osd ceph-osd
    stop_running mon ceph-mon
}

radosgw_status() {
    if radosgw_is_up; then echo "radosgw up $RADOSGW_URL"; else echo "radosgw down"; return 1; fi
}

radosgw_env() {
    cat <<ENV
export CUTOVER_S3_ENDPOINT=$RADOSGW_URL
export CUTOVER_S3_ACCESS_KEY=$RADOSGW_ACCESS_KEY
export CUTOVER_S3_SECRET_KEY=$(secret radosgw-secret-key)
export CUTOVER_S3_REGION=us-east-1
ENV
}
