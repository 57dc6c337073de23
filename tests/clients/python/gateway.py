"""The data plane through the strict SDK: models, chat plain and streamed, embeddings, and what is refused."""

import openai

from world import expect, refusal

SIMULATED = "sim-small"
REAL = "gpt-4o-mini"
EMBEDDING = "text-embedding-3-small"
UNPRICED = "mock-without-a-price"
CREDENTIAL = "upstream-credential-of-the-contract"
HELLO = [{"role": "user", "content": "one two three four"}]


def check_an_admin_attaches_both_kinds_of_provider(world):
    simulated = world.wire.post("/v1/organization/providers", {"name": "simulated", "kind": "simulated"}).ok()
    expect((simulated["name"], simulated["kind"]), ("simulated", "simulated"), "the simulated provider")
    real = world.wire.post("/v1/organization/providers", {
        "name": "upstream", "kind": "openai", "base_url": f"http://{world.upstream}/v1", "credential": CREDENTIAL,
        "models": [REAL, EMBEDDING, UNPRICED], "contract_owner": "Procurement"})
    expect(real.ok()["kind"], "openai", "kind")
    assert CREDENTIAL not in real.text, "expected the credential to be write-only"
    assert CREDENTIAL not in world.wire.get("/v1/organization/providers").text, "expected no credential in the list"


def check_a_provider_on_an_address_that_the_operator_did_not_list_is_refused(world):
    for authority in ["127.0.0.1:1", "169.254.169.254", "10.0.0.1", "[::1]:80", "localhost:1"]:
        answer = world.wire.post("/v1/organization/providers", {
            "name": f"at {authority}", "kind": "openai", "base_url": f"http://{authority}/v1", "credential": "x"})
        expect(answer.status, 400, f"status for {authority}")


def check_a_key_lists_the_models_that_it_may_use(world):
    models = {model.id for model in caller(world).models.list()}
    assert {SIMULATED, REAL, EMBEDDING} <= models, f"expected all three models, got {models}"
    assert UNPRICED not in models, "expected a model without a price to be left out"


def check_another_organization_has_no_models(world):
    key = world.their_wire.post(f"/v1/organization/projects/{world.their_project.id}/api_keys", {"name": "k"}).ok()
    client = world.client(key["value"])
    expect([model.id for model in client.models.list()], [], "the models of an organization without a provider")
    refusal(openai.NotFoundError, lambda: chat(client, REAL))


def check_a_chat_is_answered_by_each_provider(world):
    for model in [SIMULATED, REAL]:
        answer = chat(caller(world), model)
        expect((answer.object, answer.model), ("chat.completion", model), "the answer")
        assert answer.choices[0].message.content, f"expected some content, got {answer}"
        assert answer.usage.prompt_tokens > 0 and answer.usage.completion_tokens > 0, f"usage: {answer.usage}"
        assert answer._request_id, "expected an x-request-id"


def check_a_chat_upstream_is_untouched_and_carries_only_the_providers_credential(world):
    client = caller(world)
    answer = chat(client, REAL)
    expect(answer.choices[0].message.content, "one two three four", "the content")
    call = journal(world)[-1]
    expect(call["authorization"], f"Bearer {CREDENTIAL}", "the credential upstream")
    assert client.api_key not in str(journal(world)), "expected no client credential upstream"
    expect((answer.usage.prompt_tokens, answer.usage.completion_tokens),
           (call["input_tokens"], call["output_tokens"]), "the usage told")


def check_a_stream_arrives_in_chunks_and_hides_usage_that_was_not_asked_for(world):
    for model in [SIMULATED, REAL]:
        chunks = list(chat(caller(world), model, stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert text and len(chunks) > 2, f"expected a text in several chunks, got {chunks}"
        assert all(chunk.choices for chunk in chunks), "expected no chunk without choices"
        assert all(chunk.usage is None for chunk in chunks), "expected no usage where it was not asked for"
        assert all("usage" not in chunk.model_fields_set for chunk in chunks), "expected no usage field either"
    expect(journal(world)[-1]["stream_options"], {"include_usage": True}, "what was asked of the upstream")


def check_a_stream_shows_usage_that_was_asked_for(world):
    for model in [SIMULATED, REAL]:
        chunks = list(chat(caller(world), model, stream=True, stream_options={"include_usage": True}))
        assert chunks[-1].usage and chunks[-1].choices == [], f"expected usage in the last chunk: {chunks[-1]}"
        assert chunks[-1].usage.completion_tokens > 0, f"usage: {chunks[-1].usage}"


def check_a_stream_that_is_left_early_does_not_disturb_the_next_call(world):
    client = caller(world)
    with chat(client, SIMULATED, stream=True) as stream:
        next(iter(stream))
    assert chat(client, SIMULATED).choices, "expected the next call to be answered"


def check_embeddings_come_in_the_form_that_was_asked_for(world):
    # The SDK asks for base64 by default and decodes it after validation, so its strict mode refuses its own default.
    lenient, client = caller(world, strict=False), caller(world)
    default = lenient.embeddings.create(model=EMBEDDING, input="one two three")
    expect(default.data[0].embedding, [0.25, -0.5, 0.125], "the vector by default")
    expect(journal(world)[-1]["encoding_format"], "base64", "the form that the SDK asks for by default")
    plain = client.embeddings.create(model=EMBEDDING, input=["one two", "three"], encoding_format="float")
    expect([entry.embedding for entry in plain.data], [[0.25, -0.5, 0.125]] * 2, "the vectors as floats")
    expect(plain.usage.prompt_tokens, 3, "tokens")
    for simulated in [lenient.embeddings.create(model="sim-embedding", input="one two three"),
                      client.embeddings.create(model="sim-embedding", input="one", encoding_format="float")]:
        vector = simulated.data[0].embedding
        assert len(vector) > 1 and isinstance(vector[0], float), f"expected a vector, got {vector}"


def check_the_same_answers_under_the_prefix_of_the_family(world):
    client = caller(world).with_options(base_url=f"{world.address}/openai/v1")
    assert chat(client, REAL).choices and list(client.models.list()), "expected /openai/v1 to answer alike"


def check_a_providers_name_before_the_model_is_explicit(world):
    assert chat(caller(world), f"upstream/{REAL}").choices, "expected name/model to be answered"


def check_bad_keys_are_refused(world):
    good = world.issue_key(world.project.id)["value"]
    flipped = good[:-1] + ("0" if good[-1] != "0" else "1")
    for key in ["sk-proj-bw" + "0" * 40, flipped, "nonsense"]:
        refused = refusal(openai.AuthenticationError, lambda: chat(world.client(key), REAL))
        assert key not in refused.response.text, "expected the key not to be repeated"
    refusal(openai.PermissionDeniedError, lambda: chat(world.client(world.ours["ADMIN_KEY"]), REAL))


def check_a_model_without_a_price_is_refused_before_it_is_called(world):
    before = len(journal(world))
    refused = refusal(openai.APIStatusError, lambda: chat(caller(world), UNPRICED))
    assert refused.status_code in (400, 403, 404), f"expected a refusal that no retry can mend: {refused}"
    assert "price" in f"{refused.code} {refused.message}", f"expected the cause to be named, got {refused.message}"
    expect(len(journal(world)), before, "calls that reached the upstream")


def check_an_unknown_model_is_not_found(world):
    refused = refusal(openai.NotFoundError, lambda: chat(caller(world), "no-such-model"))
    expect(refused.code, "model_not_found", "code")


def check_an_upstreams_error_is_passed_on(world):
    please = [{"role": "user", "content": "please fail 503"}]
    refused = refusal(openai.InternalServerError, lambda: chat(caller(world), REAL, messages=please))
    assert CREDENTIAL not in refused.response.text, "expected no credential in the answer"


def check_a_project_outside_a_providers_list_may_not_use_it(world):
    chosen, other = world.admin.projects.create(name="Chosen"), world.admin.projects.create(name="Not chosen")
    world.wire.post("/v1/organization/providers", {
        "name": "shared", "kind": "openai", "base_url": f"http://{world.upstream}/v1", "credential": "second",
        "models": ["gpt-4.1-nano"], "project_ids": [chosen.id]}).ok()
    assert chat(world.client(world.issue_key(chosen.id)["value"]), "gpt-4.1-nano").choices
    client = world.client(world.issue_key(other.id)["value"])
    refusal(openai.NotFoundError, lambda: chat(client, "gpt-4.1-nano"))


def chat(client, model, **fields):
    return client.chat.completions.create(**{"model": model, "messages": HELLO, **fields})


def caller(world, **options):
    """A client with a fresh key of the shared project."""
    return world.client(world.issue_key(world.project.id)["value"], **options)


def journal(world):
    """What the mock upstream served, oldest first."""
    return world.upstream_wire.get("/journal").json["data"]
