"""Starts a Bailiwick and a mock upstream, then runs a suite against them; ends with the suite's exit status.

    launch.py --executable FILE --engine sqlite|postgres [--empty] -- COMMAND...

The suite finds everything in its environment: BAILIWICK_ADDRESS, MOCK_UPSTREAM (host:port),
BAILIWICK_EXECUTABLE for servers of its own, and either two
organizations (BAILIWICK_ADMIN_KEY, _ORGANIZATION_ID, _USER_ID, and the same with BAILIWICK_OTHER_) or, with
`--empty`, BAILIWICK_SETUP_LINK.
"""

import argparse
import os
import signal
import subprocess
import sys

from mock_upstream import MockUpstream
from server import Server

PASSWORD = "correct horse battery staple 7"


def main():
    arguments = read_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with MockUpstream() as upstream, Server(arguments.executable, arguments.engine,
                                            allow_upstream=[upstream.authority]) as server:
        surroundings = dict(os.environ, MOCK_UPSTREAM=upstream.authority, BAILIWICK_ENGINE=arguments.engine,
                            BAILIWICK_EXECUTABLE=os.path.abspath(arguments.executable))
        if not arguments.empty:
            surroundings |= organizations(server)
        surroundings["BAILIWICK_ADDRESS"] = server.start()
        if arguments.empty:
            surroundings["BAILIWICK_SETUP_LINK"] = server.wait_for(r"(http://\S+/setup/\S+)")
        status = run_suite(arguments.command, surroundings)
        if status != 0:
            print_server_output(server)
        print_differences(server)
    sys.exit(status)


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--executable", required=True)
    parser.add_argument("--engine", choices=["sqlite", "postgres"], required=True)
    parser.add_argument("--empty", action="store_true")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def organizations(server):
    """Two organizations, each with its own Admin, so that each suite can look for leaks between them."""
    surroundings = {"BAILIWICK_PASSWORD": PASSWORD}
    for prefix, name, email in [("BAILIWICK_", "Northwind", "admin@northwind.example.test"),
                                ("BAILIWICK_OTHER_", "Southwind", "admin@southwind.example.test")]:
        made = server.bootstrap(name, email, PASSWORD)
        surroundings[prefix + "ORGANIZATION_ID"] = made["organization_id"]
        surroundings[prefix + "USER_ID"] = made["user_id"]
        surroundings[prefix + "ADMIN_KEY"] = made["admin_key"]
        surroundings[prefix + "EMAIL"] = email
    return surroundings


def run_suite(command, surroundings):
    suite = subprocess.Popen(command, env=surroundings)
    try:
        return suite.wait()
    finally:
        if suite.poll() is None:
            suite.terminate()
            suite.wait()


def print_differences(server):
    """After every suite the books must balance; `verify` raises where they do not."""
    print(f"verify: {server.verify()}", file=sys.stderr)


def print_server_output(server):
    print("--- the server's last lines:", file=sys.stderr)
    print("".join(server.output[-60:]), file=sys.stderr)


if __name__ == "__main__":
    main()
