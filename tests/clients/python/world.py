"""What every check starts from: clients of two organizations, and the words in which it says what it expects."""

import functools
import os
import time

import openai
from openai import OpenAI

from wire import Wire

PATIENCE_SECONDS = 10
PAGE = 2


class World:
    """Two organizations on one server, each reached through the strict SDK and through plain HTTP."""

    def __init__(self, address, ours, theirs, upstream, engine):
        self.base_url = address + "/v1"
        self.address, self.upstream, self.engine = address, upstream, engine
        self.ours, self.theirs = ours, theirs
        self.wire, self.their_wire = Wire(address, ours["ADMIN_KEY"]), Wire(address, theirs["ADMIN_KEY"])
        self.admin = self.client(admin_key=ours["ADMIN_KEY"]).admin.organization
        self.their_admin = self.client(admin_key=theirs["ADMIN_KEY"]).admin.organization
        self.upstream_wire = Wire(f"http://{upstream}")

    @classmethod
    def from_environment(cls):
        organization = lambda prefix: {name: os.environ[prefix + name] for name in
                                       ("ADMIN_KEY", "ORGANIZATION_ID", "USER_ID", "EMAIL")}
        return cls(os.environ["BAILIWICK_ADDRESS"], organization("BAILIWICK_"), organization("BAILIWICK_OTHER_"),
                   os.environ["MOCK_UPSTREAM"], os.environ["BAILIWICK_ENGINE"])

    def client(self, key=None, admin_key=None, retries=0, strict=True):
        """A strict client: it raises on every field that is not as the API promises. No retries hide a failure."""
        return OpenAI(base_url=self.base_url, api_key=key or "unused", admin_api_key=admin_key or "unused",
                      max_retries=retries, timeout=30, _strict_response_validation=strict)

    @functools.cached_property
    def project(self):
        """One active project that most checks share."""
        return self.admin.projects.create(name="Shared")

    @functools.cached_property
    def their_project(self):
        """A project of the other organization."""
        return self.their_admin.projects.create(name="Elsewhere")

    def issue_key(self, project_id, **fields):
        """A project key of the caller's, through our own path: the answer with its `value`."""
        return self.wire.post(f"/v1/organization/projects/{project_id}/api_keys",
                              {"name": "A key", **fields}).ok()


def expect(actual, expected, what):
    """Says what was expected of what when it is not so."""
    assert actual == expected, f"{what}: expected {expected!r}, got {actual!r}"


def refusal(error, call):
    """The error of a call that must be refused with this SDK exception; its shape is checked too."""
    try:
        answer = call()
    except error as refused:
        expect(refused.response.headers.get("content-type", "").split(";")[0], "application/json", "content-type")
        assert refused.request_id, f"{call}: expected an x-request-id"
        body = refused.response.json()
        expect(sorted(body), ["error"], "the body of a refusal")
        assert {"message", "type", "param", "code"} <= set(body["error"]), f"expected the four fields, got {body}"
        assert body["error"]["message"] and body["error"]["type"] and body["error"]["code"], f"empty field in {body}"
        return refused
    raise AssertionError(f"expected {error.__name__}, was answered {answer!r}")


def not_found(call):
    return refusal(openai.NotFoundError, call)


def three_pages(list_page, expected_ids, id_of=lambda item: item.id):
    """Reads a list in pages of two by auto-paging: at least three pages, everything once, in one order."""
    whole = [id_of(item) for item in list_page(limit=100)]
    assert len(whole) > 2 * PAGE, f"expected more than {2 * PAGE} items for three pages, got {len(whole)}"
    pages = [[id_of(item) for item in page.data] for page in list_page(limit=PAGE).iter_pages()]
    assert len(pages) >= 3, f"expected three pages, got {pages}"
    assert all(len(page) == PAGE for page in pages[:-1]), f"expected pages of {PAGE}, got {pages}"
    walked = [item for page in pages for item in page]
    expect(walked, whole, "the pages together, against the list in large pages")
    expect(len(set(walked)), len(walked), "different ids")
    missing = set(expected_ids) - set(walked)
    assert not missing, f"expected these in the list too: {missing}"


def envelope(world, path):
    """Every list carries all cursors, so that each kind of client finds its own."""
    first = world.wire.get(f"{path}{'&' if '?' in path else '?'}limit=1").ok()
    expect(first["object"], "list", "object of a list")
    assert isinstance(first["has_more"], bool), f"expected a boolean has_more, got {first['has_more']!r}"
    assert {"first_id", "last_id", "next"} <= set(first), f"expected first_id, last_id and next, got {sorted(first)}"
    expect(first["has_more"], first["next"] is not None, "has_more where there is a next cursor")
    expect(len(first["data"]), 1, "the length of a page of one")


def eventually(read, accepts, what):
    """Reads until the answer is accepted: usage reaches the store a moment after the call."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        value = read()
        if accepts(value):
            return value
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE_SECONDS} s, last seen {value!r}"
        time.sleep(0.1)
