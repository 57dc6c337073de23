# shellcheck shell=bash
# A PostgreSQL server of our own on a free loopback port, in a temporary folder, under a user that is not root.
# Sourced by ./test; exports BAILIWICK_TEST_POSTGRES, the URL of a database from which tests make their own.

POSTGRES_FOLDER=

# Where the server's programs are: Debian keeps them out of PATH, one folder per version.
postgres_programs() {
  local folder
  folder=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort | tail -n 1)
  if [[ -x $folder/initdb ]]; then echo "$folder"; return; fi
  folder=$(command -v initdb) || return 1
  dirname "$(readlink -f "$folder")"
}

start_postgres() {
  if [[ -n ${BAILIWICK_TEST_POSTGRES:-} ]]; then return; fi
  POSTGRES_FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/bailiwick-postgres.XXXXXX")
  if ((EUID == 0)); then chown postgres "$POSTGRES_FOLDER"; fi
  # The cluster lives minutes, so it need not survive a power cut; nothing that a query can see depends on it.
  as_postgres initdb --pgdata="$POSTGRES_FOLDER/data" --username=bailiwick --auth=trust --encoding=UTF8 \
    --locale=C --no-sync >"$LOGS/postgres-init.log" 2>&1 || postgres_failed "$LOGS/postgres-init.log"
  local attempt port
  for attempt in 1 2 3 4 5; do
    port=$(free_port)
    if run_postgres "$port"; then
      export BAILIWICK_TEST_POSTGRES="postgres://bailiwick@127.0.0.1:$port/postgres"
      return
    fi
  done
  postgres_failed "$POSTGRES_FOLDER/log (after $attempt attempts)"
}

run_postgres() {
  as_postgres pg_ctl start --wait --silent --pgdata="$POSTGRES_FOLDER/data" --log="$POSTGRES_FOLDER/log" \
    --options="-c listen_addresses=127.0.0.1 -c port=$1 -c unix_socket_directories='' \
      -c fsync=off -c full_page_writes=off -c max_connections=300" >/dev/null 2>&1 </dev/null
}

stop_postgres() {
  if [[ -z $POSTGRES_FOLDER ]]; then return; fi
  as_postgres pg_ctl stop --mode=immediate --silent --pgdata="$POSTGRES_FOLDER/data" >/dev/null 2>&1 || true
  rm -rf "$POSTGRES_FOLDER"
}

# PostgreSQL refuses to run as root.
as_postgres() {
  local program
  program=$(postgres_programs)/$1
  shift
  if ((EUID == 0)); then (cd / && runuser -u postgres -- "$program" "$@"); else "$program" "$@"; fi
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

postgres_failed() {
  echo "PostgreSQL did not start; see $1" >&2
  exit 2
}
