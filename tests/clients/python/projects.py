"""Projects through the strict SDK: create, read, list, update, archive, and our restore."""

import openai

from world import envelope, expect, not_found, refusal, three_pages


def check_a_project_is_created_read_and_updated(world):
    made = world.admin.projects.create(name="Support chat")
    expect((made.object, made.name, made.status), ("organization.project", "Support chat", "active"), "a new project")
    expect(made.archived_at, None, "archived_at of a new project")
    expect(world.admin.projects.retrieve(made.id).id, made.id, "the project that was read back")
    expect(world.admin.projects.update(made.id, name="Support").name, "Support", "the new name")
    expect(world.admin.projects.retrieve(made.id).name, "Support", "the name read back")


def check_a_project_carries_our_own_fields(world):
    fields = {"description": "Answers customers.", "environment": "production", "workload": "chat",
              "team": "support", "product_line": "helpdesk", "cost_center": "cc-7", "client": "internal",
              "risk": "high"}
    made = world.wire.post("/v1/organization/projects", {"name": "Answers", **fields}).ok()
    read = world.wire.get(f"/v1/organization/projects/{made['id']}").ok()
    for name, value in fields.items():
        expect((made.get(name), read.get(name)), (value, value), f"{name} when made and when read")
    world.admin.projects.retrieve(made["id"])


def check_a_project_with_a_name_alone_is_for_development_and_owned_by_its_creator(world):
    made = world.wire.post("/v1/organization/projects", {"name": "Plain"}).ok()
    expect(made["environment"], "development", "environment")
    expect(made["owner_ids"], [world.ours["USER_ID"]], "owner_ids")
    owner = world.admin.projects.users.retrieve(world.ours["USER_ID"], project_id=made["id"])
    expect(owner.role, "owner", "the creator's role in it")


def check_projects_list_in_three_pages(world):
    made = [world.admin.projects.create(name=f"Paged {number}").id for number in range(5)]
    three_pages(world.admin.projects.list, made)
    envelope(world, "/v1/organization/projects")


def check_a_new_project_is_in_the_list_at_once(world):
    made = world.admin.projects.create(name="Immediate")
    listed = [project.id for project in world.admin.projects.list(limit=100, include_archived=True)]
    assert made.id in listed, f"expected {made.id} in the list right after it was created"


def check_an_archived_project_leaves_the_list_and_returns_when_restored(world):
    made = world.admin.projects.create(name="Seasonal")
    archived = world.admin.projects.archive(made.id)
    expect(archived.status, "archived", "status")
    assert archived.archived_at, "expected archived_at to be set"
    assert made.id not in listed(world), "expected an archived project out of the list"
    assert made.id in listed(world, include_archived=True), "expected it among the archived"
    restored = world.wire.post(f"/v1/organization/projects/{made.id}/restore").ok()
    expect((restored["status"], restored["archived_at"]), ("active", None), "after restore")
    assert made.id in listed(world), "expected a restored project in the list"


def check_archive_accepts_an_empty_body_and_null(world):
    for text in ["", "null", "{}"]:
        made = world.admin.projects.create(name=f"Archived by {text!r}")
        answer = world.wire.call("POST", f"/v1/organization/projects/{made.id}/archive", text, {})
        expect(answer.ok()["status"], "archived", f"status after a body of {text!r}")


def check_the_models_of_a_project_are_set_read_and_cleared(world):
    project = world.admin.projects.create(name="Choosy")
    permissions = world.admin.projects.model_permissions
    not_found(lambda: permissions.retrieve(project.id))
    for mode, ids in [("allow_list", ["sim-small"]), ("deny_list", ["sim-l*", "sim-embedding"])]:
        made = permissions.update(project.id, mode=mode, model_ids=ids)
        expect((made.object, made.mode, made.api_model_ids), ("project.model_permissions", mode, ids), "what was set")
        expect(permissions.retrieve(project.id).api_model_ids, ids, "what was read back")
    wider = {"name": "wider", "models": ["sim-large"]}
    refused = world.wire.post(f"/v1/organization/projects/{project.id}/api_keys", wider)
    expect((refused.status, refused.json["error"]["code"]), (400, "models_outside_project"), "a wider key")
    deleted = permissions.delete(project.id)
    expect((deleted.object, deleted.deleted), ("project.model_permissions.deleted", True), "the answer to a deletion")
    not_found(lambda: permissions.retrieve(project.id))


def check_a_project_needs_a_name(world):
    refused = refusal(openai.BadRequestError, lambda: world.admin.projects.create(name=""))
    expect(refused.param, "name", "param")
    expect(world.wire.post("/v1/organization/projects", {}).status, 400, "status without a name")


def check_a_name_that_is_taken_is_a_conflict_that_no_retry_can_mend(world):
    world.admin.projects.create(name="Taken")
    refused = refusal(openai.ConflictError, lambda: world.admin.projects.create(name="Taken"))
    expect(refused.response.headers.get("x-should-retry"), "false", "x-should-retry")


def check_a_foreign_project_looks_as_if_it_did_not_exist(world):
    missing = "proj_" + world.their_project.id.removeprefix("proj_")[::-1]
    for call in [world.admin.projects.retrieve, world.admin.projects.archive,
                 lambda id: world.admin.projects.update(id, name="Mine"),
                 lambda id: world.admin.projects.users.list(id),
                 lambda id: world.admin.projects.api_keys.list(id),
                 lambda id: world.admin.projects.service_accounts.create(id, name="Intruder")]:
        foreign, unknown = not_found(lambda: call(world.their_project.id)), not_found(lambda: call(missing))
        expect(foreign.response.json(), unknown.response.json(), "a foreign id's answer, against an unknown id's")
    expect(world.their_admin.projects.retrieve(world.their_project.id).status, "active", "the foreign project")


def listed(world, **filters):
    return [project.id for project in world.admin.projects.list(limit=100, **filters)]
