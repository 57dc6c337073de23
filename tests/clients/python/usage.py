"""Usage, costs and usage records: they agree with what was called, to the nano-dollar."""

import functools
import time
from decimal import Decimal

import openai

from gateway import EMBEDDING, REAL, SIMULATED, chat
from world import envelope, eventually, expect, not_found, refusal

NANO_USD_PER_TOKEN = {(REAL, "input"): 150, (REAL, "output"): 600, (EMBEDDING, "input"): 20}
HOUSE, HOUSE_RATES = "house-model", {"input": 333_333, "cached_input": 111_111, "output": 7_777_777}
DAY = 86_400


class Company:
    """Two projects with a key each and a known number of calls; made once."""

    def __init__(self, world):
        self.world, self.started = world, int(time.time())
        self.first, self.second = [world.admin.projects.create(name=name) for name in ("Metered", "Measured")]
        self.keys = {project.id: world.issue_key(project.id) for project in (self.first, self.second)}
        self.expected = []
        for project, repeats in [(self.first, 4), (self.second, 2)]:
            client = world.client(self.keys[project.id]["value"])
            for number in range(repeats):
                self.call(client, project, number)

    def call(self, client, project, number):
        words = " ".join(["word"] * (number + 3))
        message = [{"role": "user", "content": words}]
        chat(client, REAL, messages=message, user="plain")
        self.note(project, REAL, number + 3, number + 3)
        list(chat(client, REAL, messages=message, stream=True, user="streamed"))
        self.note(project, REAL, number + 3, number + 3)
        client.embeddings.create(model=EMBEDDING, input=words, user="embedded", encoding_format="float")
        self.note(project, EMBEDDING, number + 3, 0)

    def note(self, project, model, input_tokens, output_tokens):
        cost = input_tokens * NANO_USD_PER_TOKEN[model, "input"]
        cost += output_tokens * NANO_USD_PER_TOKEN.get((model, "output"), 0)
        self.expected.append((project.id, model, input_tokens, output_tokens, cost))

    def records(self, project):
        """The usage records of a project, once all of them are in the store."""
        wanted = sum(1 for call in self.expected if call[0] == project.id)
        path = f"/v1/organization/usage/records?limit=100&project_id={project.id}"
        return eventually(lambda: self.world.wire.get(path).ok()["data"], lambda data: len(data) >= wanted,
                          f"{wanted} usage records")

    def total(self, column, **only):
        names = ("project", "model", "input", "output", "cost")
        kept = [dict(zip(names, call)) for call in self.expected]
        return sum(call[column] for call in kept if all(call[name] == value for name, value in only.items()))


def company(world):
    """The company; where it could not be made, every check that needs it says why."""
    made = founded(world)
    if isinstance(made, Exception):
        raise made
    return made


@functools.cache
def founded(world):
    try:
        made = Company(world)
        for project in (made.first, made.second):
            made.records(project)
        return made
    except Exception as error:
        return error


def check_each_call_left_one_record_with_its_exact_cost(world):
    made = company(world)
    for project in (made.first, made.second):
        got = sorted((record["project_id"], record["model"], record["input_tokens"], record["output_tokens"],
                      record["cost_nano_usd"]) for record in made.records(project))
        expect(got, sorted(call for call in made.expected if call[0] == project.id), "the records")
        for record in made.records(project):
            expect((record["api_key_id"], record["status"], record["estimated"]),
                   (made.keys[project.id]["id"], "succeeded", False), "key, status and estimated")
            assert record["user"] in ("plain", "streamed", "embedded"), f"end user: {record['user']}"


def check_records_page_and_filter(world):
    made = company(world)
    path = f"/v1/organization/usage/records?project_id={made.first.id}"
    whole = [record["id"] for record in made.records(made.first)]
    walked, cursor = [], None
    while True:
        page = world.wire.get(f"{path}&limit=5" + (f"&after={cursor}" if cursor else "")).ok()
        walked += [record["id"] for record in page["data"]]
        cursor = page["last_id"]
        if not page["has_more"]:
            break
    expect(walked, whole, "the pages together")
    by_user = world.wire.get(f"{path}&limit=100&user=streamed").ok()["data"]
    expect(len(by_user), 4, "records of one end user")
    by_key = world.wire.get(f"/v1/organization/usage/records?limit=100&api_key_id={made.keys[made.second.id]['id']}")
    expect(len(by_key.ok()["data"]), 6, "records of one key")
    envelope(world, path)


def check_completions_add_up_by_project_and_model(world):
    made = company(world)
    usage = world.admin.usage.completions(
        start_time=day(made), group_by=["project_id", "model"], project_ids=[made.first.id, made.second.id])
    expect(usage.object, "page", "object")
    results = [result for bucket in usage.data for result in bucket.results]
    got = {(result.project_id, result.model): (result.input_tokens, result.output_tokens, result.num_model_requests)
           for result in results}
    expect(got, {(project.id, REAL): (made.total("input", project=project.id, model=REAL),
                                      made.total("output", project=project.id, model=REAL), calls)
                 for project, calls in [(made.first, 8), (made.second, 4)]}, "tokens by project and model")


def check_completions_filter_by_key_model_and_project(world):
    made = company(world)
    key = made.keys[made.second.id]["id"]
    for filters in [{"api_key_ids": [key]}, {"project_ids": [made.second.id]},
                    {"project_ids": [made.first.id, made.second.id], "api_key_ids": [key], "models": [REAL]}]:
        usage = world.admin.usage.completions(start_time=day(made), group_by=["api_key_id"], **filters)
        results = [result for bucket in usage.data for result in bucket.results]
        expect([(result.api_key_id, result.num_model_requests) for result in results], [(key, 4)], f"with {filters}")


def check_dimensions_outside_group_by_are_null(world):
    made = company(world)
    usage = world.admin.usage.completions(start_time=day(made), project_ids=[made.first.id])
    [result] = [result for bucket in usage.data for result in bucket.results]
    expect((result.project_id, result.model, result.api_key_id, result.user_id), (None, None, None, None), "dimensions")


def check_embeddings_have_their_own_usage(world):
    made = company(world)
    usage = world.admin.usage.embeddings(start_time=day(made), group_by=["project_id"], project_ids=[made.first.id])
    [result] = [result for bucket in usage.data for result in bucket.results]
    expect((result.object, result.input_tokens, result.num_model_requests),
           ("organization.usage.embeddings.result", made.total("input", project=made.first.id, model=EMBEDDING), 4),
           "embeddings")


def check_usage_pages_by_bucket(world):
    made = company(world)
    start = day(made) - 6 * 3600
    first = world.admin.usage.completions(start_time=start, end_time=start + 6 * 3600, bucket_width="1h", limit=2)
    starts, usage, pages = [], first, 1
    while True:
        expect(usage.object, "page", "object")
        starts += [bucket.start_time for bucket in usage.data]
        if not usage.has_more:
            break
        usage, pages = world.admin.usage.completions(
            start_time=start, end_time=start + 6 * 3600, bucket_width="1h", limit=2, page=usage.next_page), pages + 1
    expect((pages, starts), (3, [start + hour * 3600 for hour in range(6)]), "three pages of whole hours, none missing")


def check_costs_equal_the_records_to_the_nano_dollar(world):
    made = company(world)
    costs = world.admin.usage.costs(start_time=day(made), group_by=["project_id"],
                                    project_ids=[made.first.id, made.second.id])
    got = {}
    for result in (result for bucket in costs.data for result in bucket.results):
        expect((result.object, result.amount.currency), ("organization.costs.result", "usd"), "a cost")
        nano = Decimal(repr(result.amount.value)) * 10**9
        expect(nano, nano.to_integral_value(), "a whole number of nano-dollars")
        got[result.project_id] = got.get(result.project_id, 0) + int(nano)
    for project in (made.first, made.second):
        expect(got[project.id], made.total("cost", project=project.id), "costs against what was called")
        recorded = sum(record["cost_nano_usd"] for record in made.records(project))
        expect(got[project.id], recorded, "costs against records")


def check_costs_group_by_key_and_by_line(world):
    made = company(world)
    costs = world.admin.usage.costs(start_time=day(made), group_by=["api_key_id", "line_item"],
                                    project_ids=[made.first.id])
    results = [result for bucket in costs.data for result in bucket.results]
    assert results and all(result.line_item for result in results), f"expected line items, got {results}"
    expect({result.api_key_id for result in results}, {made.keys[made.first.id]["id"]}, "keys")
    total = sum(Decimal(repr(result.amount.value)) for result in results)
    expect(int(total * 10**9), made.total("cost", project=made.first.id), "the sum of the lines")


def check_costs_page_by_day(world):
    start = day(company(world)) - 5 * DAY
    pages, page, starts = 0, None, []
    while True:
        more = {"page": page} if page else {}
        costs = world.admin.usage.costs(start_time=start, end_time=start + 6 * DAY, limit=2, **more)
        pages, starts, page = pages + 1, starts + [bucket.start_time for bucket in costs.data], costs.next_page
        if not costs.has_more:
            break
    expect((pages, starts), (3, [start + number * DAY for number in range(6)]), "three pages of days, none missing")


def check_plain_repeats_work_like_brackets(world):
    made = company(world)
    path = f"/v1/organization/costs?start_time={day(made)}&limit=1"
    plain = world.wire.get(f"{path}&project_ids={made.first.id}&group_by=project_id").ok()
    brackets = world.wire.get(f"{path}&project_ids[]={made.first.id}&group_by[]=project_id").ok()
    expect(plain["data"], brackets["data"], "both spellings of an array")


def check_an_own_price_is_charged_with_one_rounding_upwards(world):
    world.wire.post("/v1/organization/prices", {"model": HOUSE, "kind": "openai", "rates": HOUSE_RATES,
                                                "max_output_tokens": 100, "context_tokens": 1000}).ok()
    world.wire.post("/v1/organization/providers", {
        "name": "house", "kind": "openai", "base_url": f"http://{world.upstream}/v1", "credential": "third",
        "models": [HOUSE]}).ok()
    project = world.admin.projects.create(name="Odd prices")
    chat(world.client(world.issue_key(project.id)["value"]), HOUSE)
    path = f"/v1/organization/usage/records?project_id={project.id}"
    [record] = eventually(lambda: world.wire.get(path).ok()["data"], bool, "the record")
    wide = 4 * HOUSE_RATES["input"] + 4 * HOUSE_RATES["output"]
    expect(record["cost_nano_usd"], -(-wide // 1_000_000), "the cost, rounded up once")


def check_a_simulated_call_costs_what_its_tokens_cost(world):
    project = world.admin.projects.create(name="Simulated")
    answer = chat(world.client(world.issue_key(project.id)["value"]), SIMULATED)
    path = f"/v1/organization/usage/records?project_id={project.id}"
    [record] = eventually(lambda: world.wire.get(path).ok()["data"], bool, "the record")
    expect((record["input_tokens"], record["output_tokens"]),
           (answer.usage.prompt_tokens, answer.usage.completion_tokens), "tokens")
    assert record["cost_nano_usd"] > 0, f"expected a cost, got {record}"


def check_nobody_else_sees_any_of_it(world):
    made = company(world)
    missing = made.first.id[:-1] + ("0" if made.first.id[-1] != "0" else "1")
    foreign, unknown = [not_found(lambda: world.their_admin.usage.costs(start_time=day(made), project_ids=[project]))
                        for project in (made.first.id, missing)]
    expect(foreign.response.json(), unknown.response.json(), "a foreign project's answer, against an unknown one's")
    theirs = world.their_admin.usage.completions(start_time=day(made))
    expect([result for bucket in theirs.data for result in bucket.results], [], "usage of the other organization")
    costs = world.their_admin.usage.costs(start_time=day(made))
    expect([result for bucket in costs.data for result in bucket.results], [], "costs of the other organization")
    expect(world.their_wire.get("/v1/organization/usage/records").ok()["data"], [], "their records")


def check_usage_needs_a_start_and_known_words(world):
    expect(world.wire.get("/v1/organization/usage/completions").status, 400, "status without start_time")
    for bad in [{"group_by": ["colour"]}, {"bucket_width": "2h"}, {"limit": 0}, {"page": "nonsense"}]:
        refusal(openai.BadRequestError, lambda: world.admin.usage.completions(start_time=1_790_000_000, **bad))


def day(made):
    """The first second, UTC, of the day on which the calls were made."""
    return made.started - made.started % DAY
