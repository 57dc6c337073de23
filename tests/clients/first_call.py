"""Makes one metered call to a running demo with a key that the demo printed, and reads what it cost where it can.

    first_call.py ADDRESS FILE_WITH_WHAT_THE_DEMO_PRINTED
"""

import re
import sys
import time

from openai import OpenAI

from wire import Wire

MARK = "fresh-clone"


def main():
    address = sys.argv[1].rstrip("/")
    with open(sys.argv[2]) as file:
        output = file.read()
    key, admin_key = printed_key(output, r"sk-(?:proj|svc)-bw\w+"), printed_key(output, r"sk-admin-bw\w+")
    assert key or admin_key, f"expected the demo to print a key to try, it printed:\n{output}"
    client = OpenAI(base_url=f"{address}/v1", api_key=key or issued_key(Wire(address, admin_key)), max_retries=0,
                    _strict_response_validation=True)
    answer = client.chat.completions.create(
        model=chat_model(client), messages=[{"role": "user", "content": "Hello from a fresh clone."}], user=MARK)
    assert answer.choices[0].message.content, f"expected an answer, got {answer}"
    print(f"{answer.model} answered: {answer.choices[0].message.content!r}")
    if admin_key:
        print(f"it cost {recorded_cost(Wire(address, admin_key))} nano-dollars")
    print("1 passed, 0 failed")


def printed_key(output, pattern):
    """The first key of a kind that the demo printed, or None."""
    found = re.search(pattern, output)
    return found.group(0) if found else None


def issued_key(wire):
    project = wire.get("/v1/organization/projects?limit=1").ok()["data"][0]["id"]
    return wire.post(f"/v1/organization/projects/{project}/api_keys", {"name": MARK}).ok()["value"]


def chat_model(client):
    models = [model.id for model in client.models.list() if "embed" not in model.id]
    assert models, "expected the demo's key to have a model, it has none"
    return next((model for model in models if "sim" in model), models[0])


def recorded_cost(wire):
    """Waits until the call is among the usage records."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        records = wire.get(f"/v1/organization/usage/records?limit=1&user={MARK}").ok()["data"]
        if records:
            return records[0]["cost_nano_usd"]
        time.sleep(0.2)
    raise AssertionError("expected the call among the usage records within 10 s")


if __name__ == "__main__":
    main()
