"""Plain HTTP for what no SDK speaks: our own paths, raw bodies, and headers of answers."""

import http.client
import json
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 30


class Answer:
    """One answer: status, headers (names in lower case), text, and the JSON in it."""

    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    @property
    def json(self):
        return json.loads(self.text)

    def ok(self):
        """The JSON of an answer that must be 200."""
        assert self.status == 200, f"expected 200, got {self.status}: {self.text}"
        return self.json


class Wire:
    """Calls below one base address with one key."""

    def __init__(self, address, key=None):
        self.authority = urlsplit(address).netloc
        self.key = key

    def get(self, path, **headers):
        return self.call("GET", path, None, headers)

    def post(self, path, body=None, **headers):
        """Posts JSON; header names are given with underscores."""
        return self.call("POST", path, json.dumps(body if body is not None else {}), headers)

    def delete(self, path, **headers):
        return self.call("DELETE", path, None, headers)

    def call(self, method, path, text, headers):
        """Sends `text` as it is, with a JSON content type where there is a body, even an empty one."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key is not None:
            sent.setdefault("authorization", f"Bearer {self.key}")
        if text is not None:
            sent.setdefault("content-type", "application/json")
        connection = http.client.HTTPConnection(self.authority, timeout=TIMEOUT_SECONDS)
        try:
            try:
                connection.request(method, path, body=text, headers=sent)
            except (BrokenPipeError, ConnectionResetError):
                pass  # A server may answer before it has read everything, and close; the answer is there to be read.
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, received, response.read().decode())
        finally:
            connection.close()
