"""Starts and stops one Bailiwick on a data folder of its own, on SQLite or PostgreSQL, on a free loopback port."""

import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import threading
import time

START_SECONDS = 30
STOP_SECONDS = 15


class Server:
    """One `bailiwick serve`; use it as `with Server(...) as server:`."""

    def __init__(self, executable, engine, allow_upstream=(), settings=""):
        self.executable = os.path.abspath(executable)
        self.folder = tempfile.mkdtemp(prefix="bailiwick-clients-")
        self.database = new_database() if engine == "postgres" else None
        self.allow_upstream = allow_upstream
        self.settings = os.path.join(self.folder, "bailiwick.toml")
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(settings)
        self.process = None
        self.output = []
        self.address = None

    def bootstrap(self, organization, email, password):
        """Sets up an organization without a browser; gives its id, its Admin's user id and an admin key."""
        command = [self.executable, "bootstrap", *self._storage(), "--organization", organization,
                   "--email", email, "--password-stdin"]
        done = subprocess.run(command, input=password + "\n", capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise RuntimeError(f"bootstrap failed ({done.returncode}): {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def start(self):
        """Serves, and returns when the server said where it listens."""
        command = [self.executable, "serve", *self._storage(), "--listen", "127.0.0.1:0"]
        for upstream in self.allow_upstream:
            command += ["--allow-upstream", upstream]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, cwd=self.folder)
        threading.Thread(target=self._read_output, daemon=True).start()
        self.address = self.wait_for(r"listening on (http://\S+)").rstrip("/")
        return self.address

    def wait_for(self, pattern):
        """The first group of `pattern` in what the server prints, as soon as it is there."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = re.search(pattern, "".join(list(self.output)))
            if found:
                return found.group(1)
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"the server did not print {pattern!r}; it printed:\n{''.join(self.output)}")

    def verify(self):
        """What `bailiwick verify` prints, while the server runs; its exit status must be 0."""
        done = subprocess.run([self.executable, "verify", *self._storage()], capture_output=True, text=True,
                              timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"verify found a difference: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def stop(self):
        """Asks the server to end, and insists after a while; then nothing of it is left."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.database is not None:
            drop_database(self.database)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _storage(self):
        arguments = ["--config", self.settings, "--data", os.path.join(self.folder, "data")]
        return arguments + ["--database", self.database] if self.database else arguments

    def _read_output(self):
        for line in self.process.stdout:
            self.output.append(line)


def new_database():
    """Creates an empty database beside the one that BAILIWICK_TEST_POSTGRES names, and gives its URL."""
    parent = os.environ["BAILIWICK_TEST_POSTGRES"]
    name = f"clients_{secrets.token_hex(6)}"
    run_sql(parent, f"CREATE DATABASE {name}")
    address, _, options = parent.partition("?")
    url = address.rsplit("/", 1)[0] + "/" + name
    return f"{url}?{options}" if options else url


def drop_database(url):
    """Drops a database that `new_database` created."""
    name = url.partition("?")[0].rsplit("/", 1)[1]
    run_sql(os.environ["BAILIWICK_TEST_POSTGRES"], f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def run_sql(url, statement):
    subprocess.run(["psql", "--quiet", "--no-psqlrc", url, "--command", statement], check=True, timeout=60)
