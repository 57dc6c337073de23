# shellcheck shell=bash
# Installs what a fresh machine lacks, through its ordinary package managers; silent when all is there.
# Sourced by ./test and ./bench; needs ROOT, WORK and LOGS.

install_toolchain() {
  command -v cargo >/dev/null || { echo "cargo is missing: install Rust first (https://rustup.rs)" >&2; exit 2; }
  command -v cc >/dev/null || install_packages build-essential
  command -v git >/dev/null || install_packages git
  command -v ps >/dev/null || install_packages procps
}

install_postgres() {
  [[ -n ${BAILIWICK_TEST_POSTGRES:-} ]] || postgres_programs >/dev/null || install_packages postgresql
  command -v psql >/dev/null || install_packages postgresql-client
}

install_yardsticks() {
  command -v taskset >/dev/null || install_packages util-linux
  command -v strace >/dev/null || install_packages strace
  install_nginx
}

# Unpacked beside us instead of installed: the package would start a server of its own.
install_nginx() {
  PATH=$WORK/nginx/usr/sbin:$PATH:/usr/sbin
  if command -v nginx >/dev/null; then return; fi
  echo "unpacking nginx"
  mkdir -p "$WORK/nginx"
  (cd "$WORK/nginx" && download nginx && dpkg --extract nginx_*.deb .) >"$LOGS/install.log" 2>&1 ||
    { tail -n 20 "$LOGS/install.log" >&2; exit 2; }
}

download() { apt-get download "$1" || { apt-get update && apt-get download "$1"; }; }

install_chromium() {
  [[ -x /usr/bin/chromium ]] || install_packages chromium
}

# The pinned OpenAI client in a virtual environment of its own.
install_python() {
  local pins=$ROOT/tests/clients/requirements.txt
  if stamped "$WORK/python" "$pins"; then return; fi
  echo "installing the Python client"
  rm -rf "$WORK/python"
  python3 -c 'import ensurepip' 2>/dev/null || install_packages python3-venv
  python3 -m venv "$WORK/python"
  "$WORK/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$pins"
  stamp "$WORK/python" "$pins"
}

# The pinned OpenAI client and the browser driver for Node.
install_node() {
  local source=$ROOT/tests/clients
  if stamped "$WORK/node" "$source/package-lock.json"; then return; fi
  echo "installing the Node clients"
  rm -rf "$WORK/node"
  mkdir -p "$WORK/node"
  cp "$source/package.json" "$source/package-lock.json" "$WORK/node/"
  (cd "$WORK/node" && npm ci --no-audit --no-fund --loglevel=error)
  stamp "$WORK/node" "$source/package-lock.json"
}

install_packages() {
  echo "installing $*"
  if ((EUID != 0)); then
    echo "not root: install it yourself, for example: sudo apt-get install $*" >&2
    exit 2
  fi
  {
    apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "$@"
  } >"$LOGS/install.log" 2>&1 || { tail -n 20 "$LOGS/install.log" >&2; exit 2; }
}

# A folder is current while it carries the checksum of the pins that it was made from.
stamped() { [[ -f $1/.pins && $(<"$1/.pins") == "$(checksum "$2")" ]]; }
stamp() { checksum "$2" >"$1/.pins"; }
checksum() { sha256sum <"$1"; }
