"""Makes one metered call to a running demo, with a key that the demo printed, and sees it in the usage records.

    first_call.py BASE_ADDRESS FILE_WITH_WHAT_THE_DEMO_PRINTED
"""

import re
import sys
import time

import openai

MARK = "fresh-clone"


def main():
    address, output = sys.argv[1].rstrip("/") + "/v1", open(sys.argv[2]).read()
    key = printed_key(output, r"sk-(?:proj|svc)-bw\w+")
    admin_key = printed_key(output, r"sk-admin-bw\w+")
    client = openai.OpenAI(
        base_url=address, api_key=key, admin_api_key=admin_key, _strict_response_validation=True
    )
    model = chat_model(client)
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": "Hello from a fresh clone."}], user=MARK
    )
    assert answer.choices[0].message.content, f"expected an answer, got {answer}"
    print(f"{model} answered: {answer.choices[0].message.content!r}")
    if admin_key:
        print(f"it cost {recorded_cost(client)} nano-dollars")
    print("1 passed, 0 failed")


def printed_key(output, pattern):
    """The first key of a kind that the demo printed, or None."""
    found = re.search(pattern, output)
    return found.group(0) if found else None


def chat_model(client):
    models = [model.id for model in client.models.list() if "embed" not in model.id]
    assert models, "expected the demo's key to have a model, it has none"
    return next((model for model in models if "sim" in model), models[0])


def recorded_cost(client):
    """Waits until the journal has drained, and reads what the call cost."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        page = client.get("/organization/usage/records?limit=100", cast_to=object,
                          options={"security": {"admin_api_key_auth": True}})
        for record in page["data"]:
            if record["user"] == MARK:
                return record["cost_nano_usd"]
        time.sleep(0.2)
    raise AssertionError("expected the call among the usage records within 10 s")


if __name__ == "__main__":
    main()
