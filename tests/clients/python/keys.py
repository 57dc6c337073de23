"""Service accounts, project API keys and admin API keys through the strict SDK."""

import re

import openai

from world import envelope, expect, not_found, refusal, three_pages


def check_a_service_account_comes_with_its_key(world):
    made = world.admin.projects.service_accounts.create(world.project.id, name="Nightly")
    expect((made.object, made.name, made.role), ("organization.project.service_account", "Nightly", "member"), "made")
    assert re.fullmatch(r"sk-svc-bw\w+", made.api_key.value), f"expected a service account's key, got {made.api_key}"
    expect(made.api_key.object, "organization.project.service_account.api_key", "object of the key")
    read = world.wire.get(f"/v1/organization/projects/{world.project.id}/service_accounts/{made.id}")
    assert made.api_key.value not in read.text, "expected the secret to be shown once only"
    assert world.client(made.api_key.value).models.list() is not None, "expected the key to work"


def check_a_service_account_alone_has_no_key_and_no_role(world):
    made = world.admin.projects.service_accounts.create(
        world.project.id, name="Keyless", create_service_account_only=True)
    expect((made.api_key, made.role), (None, "none"), "key and role")


def check_a_service_account_is_read_updated_and_deleted(world):
    accounts = world.admin.projects.service_accounts
    made = accounts.create(world.project.id, name="Worker")
    expect(accounts.retrieve(made.id, project_id=world.project.id).name, "Worker", "the name read back")
    expect(accounts.update(made.id, project_id=world.project.id, name="Renamed").name, "Renamed", "the new name")
    deleted = accounts.delete(made.id, project_id=world.project.id)
    expect((deleted.object, deleted.id, deleted.deleted),
           ("organization.project.service_account.deleted", made.id, True), "the answer to a deletion")
    not_found(lambda: accounts.retrieve(made.id, project_id=world.project.id))
    refusal(openai.AuthenticationError, world.client(made.api_key.value).models.list)


def check_a_service_account_gets_a_further_key(world):
    accounts = world.admin.projects.service_accounts
    made = accounts.create(world.project.id, name="Twofold", create_service_account_only=True)
    key = accounts.api_keys.create(made.id, project_id=world.project.id, name="Second")
    assert key.value.startswith("sk-svc-bw"), f"expected a service account's key, got {key.value[:12]}"
    world.client(key.value).models.list()


def check_service_accounts_list_in_three_pages(world):
    accounts = world.admin.projects.service_accounts
    made = [accounts.create(world.project.id, name=f"Paged {number}").id for number in range(5)]
    three_pages(lambda **page: accounts.list(world.project.id, **page), made)
    envelope(world, f"/v1/organization/projects/{world.project.id}/service_accounts")


def check_a_project_key_is_issued_read_and_revoked(world):
    made = world.issue_key(world.project.id, name="Laptop")
    assert re.fullmatch(r"sk-proj-bw\w+", made["value"]), f"expected a project key, got {made}"
    read = world.admin.projects.api_keys.retrieve(made["id"], project_id=world.project.id)
    expect((read.object, read.name, read.owner_project_access),
           ("organization.project.api_key", "Laptop", "active"), "the key read back")
    expect((read.owner.type, read.owner.user.id), ("user", world.ours["USER_ID"]), "its owner")
    assert made["value"] not in read.to_json(), "expected the secret to be shown once only"
    world.client(made["value"]).models.list()
    deleted = world.admin.projects.api_keys.delete(made["id"], project_id=world.project.id)
    expect((deleted.object, deleted.deleted), ("organization.project.api_key.deleted", True), "a revocation")
    refusal(openai.AuthenticationError, world.client(made["value"]).models.list)


def check_a_project_key_is_disabled_and_enabled(world):
    made = world.issue_key(world.project.id, name="Switched")
    path = f"/v1/organization/projects/{world.project.id}/api_keys/{made['id']}"
    world.wire.post(f"{path}/disable").ok()
    refusal(openai.AuthenticationError, world.client(made["value"]).models.list)
    world.wire.post(f"{path}/enable").ok()
    world.client(made["value"]).models.list()


def check_a_project_key_changes_its_expiry(world):
    made = world.issue_key(world.project.id, name="Short-lived")
    updated = world.admin.projects.api_keys.update(made["id"], project_id=world.project.id, expires_in_seconds=3600)
    assert updated.expires_at, f"expected expires_at, got {updated}"


def check_scopes_narrow_a_key_and_are_shown(world):
    made = world.issue_key(world.project.id, name="Narrow", scopes=["model.read"])
    expect(made["scopes"], ["api.model.read"], "scopes of a new key")
    client = world.client(made["value"])
    client.models.list()
    refused = refusal(openai.PermissionDeniedError, lambda: client.embeddings.create(model="sim-embedding", input="hi"))
    expect(refused.code, "missing_scope", "code without the scope")
    update = world.admin.projects.api_keys.update
    update(made["id"], project_id=world.project.id, scopes=["api.all.read"])
    path = f"/v1/organization/projects/{world.project.id}/api_keys/{made['id']}"
    expect(world.wire.get(path).ok()["scopes"], ["api.all.read"], "scopes read back")
    update(made["id"], project_id=world.project.id, scopes=[])
    expect(world.wire.get(path).ok()["scopes"], [], "no scopes: unrestricted")
    unknown = lambda: update(made["id"], project_id=world.project.id, scopes=["api.nothing"])
    expect(refusal(openai.BadRequestError, unknown).code, "unknown_scope", "code of an unknown scope")


def check_keys_stop_with_their_project_and_revoked_ones_stay_dead(world):
    project = world.admin.projects.create(name="Paused")
    kept, revoked = world.issue_key(project.id), world.issue_key(project.id)
    world.admin.projects.api_keys.delete(revoked["id"], project_id=project.id)
    world.admin.projects.archive(project.id)
    refusal(openai.AuthenticationError, world.client(kept["value"]).models.list)
    world.wire.post(f"/v1/organization/projects/{project.id}/restore").ok()
    world.client(kept["value"]).models.list()
    refusal(openai.AuthenticationError, world.client(revoked["value"]).models.list)


def check_project_keys_list_in_three_pages(world):
    made = [world.issue_key(world.project.id, name=f"Paged {number}")["id"] for number in range(5)]
    three_pages(lambda **page: world.admin.projects.api_keys.list(world.project.id, **page), made)
    three_pages(lambda **page: world.admin.projects.api_keys.list(
        world.project.id, owner_project_access="any", **page), made)
    envelope(world, f"/v1/organization/projects/{world.project.id}/api_keys")


def check_an_admin_key_is_created_read_used_and_deleted(world):
    made = world.admin.admin_api_keys.create(name="Automation", expires_in_seconds=3600)
    assert re.fullmatch(r"sk-admin-bw\w+", made.value), f"expected an admin key, got {made.value[:12]}"
    read = world.admin.admin_api_keys.retrieve(made.id)
    expect((read.object, read.name, read.owner.id),
           ("organization.admin_api_key", "Automation", world.ours["USER_ID"]), "the key read back")
    assert read.expires_at, "expected expires_at"
    assert made.value not in read.to_json(), "expected the secret to be shown once only"
    world.client(admin_key=made.value).admin.organization.projects.list()
    deleted = world.admin.admin_api_keys.delete(made.id)
    expect((deleted.id, deleted.deleted), (made.id, True), "the answer to a deletion")
    refusal(openai.AuthenticationError, world.client(admin_key=made.value).admin.organization.projects.list)


def check_admin_keys_list_in_three_pages_both_ways(world):
    made = [world.admin.admin_api_keys.create(name=f"Paged {number}").id for number in range(5)]
    three_pages(world.admin.admin_api_keys.list, made)
    three_pages(lambda **page: world.admin.admin_api_keys.list(order="desc", **page), made)
    upwards = [key.id for key in world.admin.admin_api_keys.list(limit=100, order="asc")]
    downwards = [key.id for key in world.admin.admin_api_keys.list(limit=100, order="desc")]
    expect(downwards, upwards[::-1], "the list downwards")
    envelope(world, "/v1/organization/admin_api_keys")


def check_foreign_keys_cannot_be_seen(world):
    theirs = world.their_admin.admin_api_keys.list().data[0].id
    not_found(lambda: world.admin.admin_api_keys.retrieve(theirs))
    not_found(lambda: world.admin.admin_api_keys.delete(theirs))
    ours = world.issue_key(world.project.id, name="Not yours")
    not_found(lambda: world.their_admin.projects.api_keys.retrieve(ours["id"], project_id=world.project.id))
    not_found(lambda: world.their_admin.projects.api_keys.retrieve(ours["id"], project_id=world.their_project.id))
