# shellcheck shell=bash
# Ending what a script started. Sourced by ./test and ./bench.

# Ends a process and all that it started, the youngest first.
kill_tree() {
  local descendant
  for descendant in $(ps -o pid= --ppid "$1" 2>/dev/null); do kill_tree "$descendant"; done
  kill "$1" 2>/dev/null || true
}
