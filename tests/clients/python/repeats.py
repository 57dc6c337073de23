"""A create that is sent twice has one effect and the same answer, so that a client's retry never makes two."""

from concurrent.futures import ThreadPoolExecutor

from world import expect


def check_the_same_idempotency_key_creates_once(world):
    bodies = {"/v1/organization/projects": {"name": "Once only"},
              f"/v1/organization/projects/{world.project.id}/service_accounts": {"name": "Once only"},
              f"/v1/organization/projects/{world.project.id}/api_keys": {"name": "Once only"},
              "/v1/organization/invites": {"email": "once@northwind.example.test", "role": "reader", "projects": []},
              "/v1/organization/admin_api_keys": {"name": "Once only"}}
    for path, body in bodies.items():
        headers = {"idempotency_key": f"once-{path}"}
        first, again = world.wire.post(path, body, **headers), world.wire.post(path, body, **headers)
        expect(again.ok(), first.ok(), f"the second answer of {path}, its secret included")
        expect(occurrences(world, path, body.get("email", "Once only")), 1, f"made at {path}")


def check_a_retry_of_the_sdk_creates_once(world):
    body = {"name": "Retried"}
    first = world.wire.post("/v1/organization/projects", body, x_stainless_retry_count="0")
    again = world.wire.post("/v1/organization/projects", body, x_stainless_retry_count="1")
    expect(again.ok()["id"], first.ok()["id"], "the project of the retry")
    fresh = world.wire.post("/v1/organization/projects", body, x_stainless_retry_count="0")
    expect(fresh.status, 409, "status of a new call with a name that is taken")
    key = {"name": "Retried"}
    path = f"/v1/organization/projects/{world.project.id}/api_keys"
    keys = [world.wire.post(path, key, x_stainless_retry_count=count).ok()["id"] for count in ("0", "1", "0")]
    assert keys[0] == keys[1] != keys[2], f"expected the retry to be the first key, and a new call another: {keys}"


def check_another_body_under_the_same_idempotency_key_is_a_conflict(world):
    world.wire.post("/v1/organization/projects", {"name": "First"}, idempotency_key="reused").ok()
    answer = world.wire.post("/v1/organization/projects", {"name": "Second"}, idempotency_key="reused")
    assert answer.status in (400, 409, 422), f"expected a refusal, got {answer.status}: {answer.text}"
    expect(answer.headers.get("x-should-retry"), "false", "x-should-retry")


def check_an_idempotency_key_belongs_to_its_credential(world):
    ours = world.wire.post("/v1/organization/projects", {"name": "Same words"}, idempotency_key="shared-words").ok()
    theirs = world.their_wire.post("/v1/organization/projects", {"name": "Same words"}, idempotency_key="shared-words")
    assert theirs.ok()["id"] != ours["id"], "expected another credential to make its own"


def check_repeats_at_the_same_time_create_once(world):
    def create(_):
        return world.wire.post("/v1/organization/projects", {"name": "At once"}, idempotency_key="at-once")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(create, range(8)))
    made = {answer.json["id"] for answer in answers if answer.status == 200}
    expect(len(made), 1, f"projects made by {[answer.status for answer in answers]}")
    assert all(answer.status in (200, 409) for answer in answers), f"got {[answer.status for answer in answers]}"
    named = [project for project in world.admin.projects.list(limit=100) if project.name == "At once"]
    expect(len(named), 1, "projects of that name")


def occurrences(world, path, name):
    """How many of that name, or address, the list at a path has; each list is read to its end."""
    count, cursor = 0, None
    while True:
        page = world.wire.get(f"{path}?limit=100" + (f"&after={cursor}" if cursor else "")).ok()
        count += sum(1 for item in page["data"] if name in (item.get("name"), item.get("email")))
        cursor = page["last_id"]
        if not page["has_more"]:
            return count
