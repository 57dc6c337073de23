"""Bad input and bad credentials: the family's own error shape, and nothing changed."""

import http.client
import time
from urllib.parse import urlsplit

import openai

from gateway import REAL, chat
from wire import Wire
from world import expect, refusal


def check_an_admin_call_without_a_good_key_is_unauthenticated(world):
    project_key = world.issue_key(world.project.id)["value"]
    for key in ["sk-admin-bw" + "0" * 40, "nonsense", project_key]:
        client = world.client(admin_key=key).admin.organization
        refusal(openai.AuthenticationError, client.projects.list)
    expect(Wire(world.address).get("/v1/organization/projects").status, 401, "status without a key")


def check_a_member_is_forbidden_what_only_an_admin_may(world):
    key = world.issue_key(world.project.id)
    expect(Wire(world.address, key["value"]).post("/v1/organization/projects", {"name": "No"}).status, 401,
           "a project key on an admin path")


def check_malformed_bodies_are_refused_with_a_code(world):
    before = {project.id for project in world.admin.projects.list(limit=100)}
    for text in ["{", "[]", '"text"', '{"name": 7}', '{"name": ["a"]}', "\x00", '{"name": null}']:
        answer = world.wire.call("POST", "/v1/organization/projects", text, {})
        expect(answer.status, 400, f"status for {text!r}")
        error = answer.json["error"]
        assert error["code"] and error["message"], f"expected code and message, got {error}"
        assert answer.headers.get("x-request-id"), "expected an x-request-id"
    expect({project.id for project in world.admin.projects.list(limit=100)}, before, "projects after bad bodies")


def check_malformed_calls_are_refused_and_not_charged(world):
    key = world.issue_key(world.project.id)
    wire = Wire(world.address, key["value"])
    for text in ["{", "[]", "{}", '{"model": 7, "messages": []}', f'{{"model": "{REAL}", "messages": "text"}}',
                 f'{{"model": "{REAL}"}}', ""]:
        answer = wire.call("POST", "/v1/chat/completions", text, {})
        expect(answer.status, 400, f"status for {text!r}")
        assert answer.json["error"]["code"], f"expected a code, got {answer.text}"
    records = world.wire.get(f"/v1/organization/usage/records?api_key_id={key['id']}").ok()["data"]
    expect(records, [], "records of refused calls")


def check_an_oversized_body_is_refused(world):
    answer = world.wire.call("POST", "/v1/organization/projects", '{"name": "' + "x" * (8 << 20) + '"}', {})
    assert answer.status in (400, 413), f"expected 413, got {answer.status}"
    assert answer.json["error"]["code"], "expected a code"


def check_wrong_methods_and_unknown_paths_have_the_error_shape(world):
    for method, path, status in [("PUT", "/v1/organization/projects", 405), ("GET", "/v1/nowhere", 404),
                                 ("GET", "/v1/chat/completions", 405), ("PATCH", "/v1/models", 405)]:
        answer = world.wire.call(method, path, "{}" if method != "GET" else None, {})
        expect(answer.status, status, f"{method} {path}")
        assert set(answer.json["error"]) >= {"message", "type", "param", "code"}, f"shape of {answer.text}"


def check_a_refusal_leaves_the_connection_usable(world):
    connection = http.client.HTTPConnection(urlsplit(world.address).netloc, timeout=10)
    for path, key, status in [("/v1/chat/completions", "nonsense", 401), ("/v1/organization/projects", "nonsense", 401),
                              (f"/v1/organization/projects/{world.their_project.id}", world.ours["ADMIN_KEY"], 404)] * 3:
        # The head first and the body a moment later, as clients do; then the next request on the same connection.
        connection.putrequest("POST", path)
        for name, value in [("authorization", f"Bearer {key}"), ("content-type", "application/json"),
                            ("content-length", "14")]:
            connection.putheader(name, value)
        connection.endheaders()
        time.sleep(0.05)
        connection.send(b'{"name": "No"}')
        answer = connection.getresponse()
        answer.read()
        expect(answer.status, status, f"status of {path}")
    connection.close()


def check_bad_page_sizes_are_refused(world):
    for query in ["limit=0", "limit=101", "limit=-1", "limit=many"]:
        expect(world.wire.get(f"/v1/organization/projects?{query}").status, 400, f"status for {query}")


def check_a_disabled_key_is_told_so_in_the_error_shape(world):
    made = world.issue_key(world.project.id)
    world.wire.post(f"/v1/organization/projects/{world.project.id}/api_keys/{made['id']}/disable").ok()
    refused = refusal(openai.AuthenticationError, lambda: chat(world.client(made["value"]), REAL))
    assert refused.code, "expected a code"


def check_a_hard_allowance_refuses_without_inviting_retries(world):
    project = world.admin.projects.create(name="Capped")
    key = world.issue_key(project.id)
    world.wire.post("/v1/organization/allowances", {
        "scope": {"type": "project", "id": project.id}, "unit": "requests", "window": "lifetime", "amount": 1,
        "enforcement": "hard"}).ok()
    client = world.client(key["value"], retries=2)
    chat(client, REAL)
    served = len(world.upstream_wire.get("/journal").json["data"])
    refused = refusal(openai.RateLimitError, lambda: chat(client, REAL))
    expect(refused.response.headers.get("x-should-retry"), "false", "x-should-retry")
    expect(len(world.upstream_wire.get("/journal").json["data"]), served, "calls that reached the upstream")


def check_telemetry_and_organization_headers_are_ignored(world):
    client = world.client(world.issue_key(world.project.id)["value"]).with_options(default_headers={
        "OpenAI-Organization": world.ours["ORGANIZATION_ID"], "OpenAI-Project": world.project.id,
        "X-Stainless-Anything": "yes"})
    assert chat(client, REAL).choices, "expected an answer"
