#!/usr/bin/env bash
# Throw-away PostgreSQL and Redis servers on loopback, on free ports, in a temporary folder.
#
#   tests/services.sh          starts both, prints the exports for another terminal, stops them on Ctrl-C
#   source tests/services.sh   gives the functions below (tests/run does so)
#
# The servers keep nothing: they are tuned for speed, trust every local connection, and their data goes with
# them. Needs nothing newer than bash 3.2.

services_dir=''
services_pids=()

# Prints the folder of the PostgreSQL server programs: the newest of Debian's, which are not in PATH, else PATH's.
postgres_bin() {
    local dir version best=-1 found=''
    for dir in /usr/lib/postgresql/*/bin; do
        [[ -x $dir/postgres && -x $dir/initdb ]] || continue
        version=${dir%/bin} version=${version##*/}
        if [[ $version =~ ^[0-9]+$ ]] && ((version > best)); then
            best=$version found=$dir
        fi
    done
    if [[ -z $found ]] && command -v initdb >/dev/null; then
        found=$(dirname "$(command -v initdb)")
    fi
    [[ -n $found && -x $found/postgres ]] && printf '%s\n' "$found"
}

# Prints the path of a Chromium or Chrome.
chromium_path() {
    local name
    for name in "${POLYPHONY_TEST_CHROMIUM:-}" chromium chromium-browser google-chrome-stable google-chrome; do
        [[ -n $name ]] && command -v "$name" && return
    done
    return 1
}

# Runs a command in the services' folder as the user USER of the system when this is root: PostgreSQL refuses to
# run as root, and a server open to every local connection should not have root's rights.
as_user() { # USER COMMAND...
    local user=$1
    shift
    cd "$services_dir"
    ((EUID == 0)) || exec "$@"
    id -u "$user" >/dev/null 2>&1 || user=nobody
    exec setpriv --reuid="$user" --regid="$(id -g "$user")" --init-groups --reset-env -- env LC_ALL=C PATH="$PATH" "$@"
}

make_services_dir() {
    [[ -z $services_dir ]] || return 0
    local base=${TMPDIR:-/tmp}
    # Another user than root has to get in, and root's own TMPDIR may be closed to others.
    ((EUID != 0)) || base=/tmp
    services_dir=$(mktemp -d "$base/polyphony-test.XXXXXX") || return 1
    chmod 755 "$services_dir"
}

# Makes an empty folder that the server's user owns.
make_server_folder() { # USER NAME
    mkdir -m 700 "$services_dir/$2" || return 1
    ((EUID == 0)) || return 0
    local user=$1
    id -u "$user" >/dev/null 2>&1 || user=nobody
    chown "$user" "$services_dir/$2"
}

launch_postgres() { # PORT
    # Only the speed of tests counts here; the many locks are for dropping whole schemas in one transaction. What is
    # measured must keep what it acknowledges.
    local durable=off
    [[ -z ${POLYPHONY_SERVICES_DURABLE:-} ]] || durable=on
    as_user postgres "$postgres_programs/postgres" -D "$services_dir/postgres/data" -p "$1" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories="$services_dir/postgres" \
        -c fsync=$durable -c synchronous_commit=$durable -c full_page_writes=$durable \
        -c max_connections=300 -c shared_buffers=256MB -c max_locks_per_transaction=256
}

postgres_answers() { # PORT
    "$postgres_programs/pg_isready" -q -U postgres -h "$services_dir/postgres" -p "$1"
}

launch_redis() { # PORT
    as_user redis redis-server --port "$1" --bind 127.0.0.1 --unixsocket "$services_dir/redis/socket" \
        --save '' --appendonly no --dir "$services_dir/redis" --daemonize no
}

redis_answers() { # PORT, unused: the socket in our folder cannot be another process's server, a port could
    [[ $(redis-cli -s "$services_dir/redis/socket" ping 2>/dev/null) == PONG ]]
}

# Starts NAME (with its launch_NAME and NAME_answers) and sets service_port. The system has no way to reserve a
# port for a program started later, so a port is tried, and another one when it turns out to be taken. Ports come
# from below the range that outgoing connections and `bind(0)` draw from.
start_on_free_port() { # NAME
    local name=$1 log=$services_dir/$1.log try pid
    for try in 1 2 3 4 5 6 7 8; do
        service_port=$((15000 + RANDOM % 17000))
        # A process group of its own: Ctrl-C must reach the tests first, and the servers by stop_services.
        set -m
        "launch_$name" "$service_port" </dev/null >"$log" 2>&1 &
        pid=$!
        set +m
        services_pids+=("$pid")
        if wait_for_answer "$name" "$pid"; then
            return 0
        fi
        kill -0 "$pid" 2>/dev/null && break # it runs but does not answer: another port would not help
        unset "services_pids[$((${#services_pids[@]} - 1))]"
    done
    printf '%s did not start (try %s); its log ends:\n' "$name" "$try" >&2
    tail -n 20 "$log" >&2
    return 1
}

wait_for_answer() { # NAME PID; at most 60 seconds
    local _
    for _ in {1..600}; do
        kill -0 "$2" 2>/dev/null || return 1
        "$1_answers" "$service_port" && return 0
        sleep 0.1
    done
    return 1
}

# Exports POLYPHONY_TEST_POSTGRES, the address of a superuser.
start_postgres() {
    postgres_programs=$(postgres_bin) || { echo 'PostgreSQL: no server programs found' >&2; return 1; }
    make_services_dir && make_server_folder postgres postgres || return 1
    # C.UTF-8 sorts by bytes, as SQLite does, and still knows the letters beyond ASCII.
    if ! (as_user postgres "$postgres_programs/initdb" -D "$services_dir/postgres/data" -U postgres --auth=trust \
        --encoding=UTF8 --locale=C.UTF-8 --no-sync) </dev/null >"$services_dir/initdb.out" 2>&1; then
        echo 'initdb failed:' >&2
        cat "$services_dir/initdb.out" >&2
        return 1
    fi
    start_on_free_port postgres || return 1
    export POLYPHONY_TEST_POSTGRES="postgres://postgres@127.0.0.1:$service_port/postgres"
}

# Exports POLYPHONY_TEST_REDIS.
start_redis() {
    command -v redis-server >/dev/null || { echo 'Redis: no redis-server found' >&2; return 1; }
    make_services_dir && make_server_folder redis redis || return 1
    start_on_free_port redis || return 1
    export POLYPHONY_TEST_REDIS="redis://127.0.0.1:$service_port"
}

# True when a server that was started has ended by itself; prints how its log ends.
service_died() {
    local pid died=1
    for pid in ${services_pids[@]+"${services_pids[@]}"}; do
        kill -0 "$pid" 2>/dev/null || died=0
    done
    ((died == 0)) || return 1
    echo 'a server ended during the tests; the logs end:' >&2
    tail -n 20 "$services_dir"/*.log >&2
}

# Stops what was started, by process id, and removes the folder.
stop_services() {
    local pid
    # An interrupt is a quick and clean stop for both, and takes PostgreSQL's shared memory along.
    for pid in ${services_pids[@]+"${services_pids[@]}"}; do
        kill -INT "$pid" 2>/dev/null || true
    done
    for pid in ${services_pids[@]+"${services_pids[@]}"}; do
        end_process "$pid" "$pid" QUIT
    done
    services_pids=()
    [[ -z $services_dir ]] || rm -rf "$services_dir"
    services_dir=''
}

# Waits for a process that was told to end; after 10 seconds sends TARGET the signal, after 2 more kills it.
end_process() { # PID TARGET SIGNAL
    local tick
    for tick in {1..120}; do
        kill -0 -- "$1" 2>/dev/null || return 0
        ((tick != 100)) || kill "-$3" -- "$2" 2>/dev/null || true
        sleep 0.1
    done
    kill -KILL -- "$2" 2>/dev/null || true
}

services_main() {
    trap 'trap "" INT TERM HUP; stop_services' EXIT
    trap 'exit 0' INT TERM HUP
    start_postgres
    start_redis
    printf 'export %s=%s\n' POLYPHONY_TEST_POSTGRES "$POLYPHONY_TEST_POSTGRES" POLYPHONY_TEST_REDIS "$POLYPHONY_TEST_REDIS"
    echo 'Ctrl-C stops both servers.' >&2
    wait
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    set -euo pipefail
    services_main
fi
