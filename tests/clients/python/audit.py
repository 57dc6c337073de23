"""Audit logs through the strict SDK: what was done is there, filters narrow, pages add up."""

import time

from world import envelope, expect, three_pages


def check_a_change_is_in_the_log_with_who_did_it(world):
    made = world.admin.projects.create(name="Witnessed")
    [event] = world.admin.audit_logs.list(event_types=["project.created"], resource_ids=[made.id]).data
    expect((event.type, event.project_created.id), ("project.created", made.id), "the event")
    expect((event.actor.type, event.actor.api_key.user.id), ("api_key", world.ours["USER_ID"]), "its actor")
    assert abs(event.effective_at - time.time()) < 60, f"effective_at: {event.effective_at}"


def check_the_log_lists_in_three_pages(world):
    three_pages(world.admin.audit_logs.list, [])
    envelope(world, "/v1/organization/audit_logs")


def check_the_log_filters(world):
    project = world.admin.projects.create(name="Filtered")
    world.admin.projects.update(project.id, name="Filtered twice")
    world.admin.projects.archive(project.id)
    of_project = world.admin.audit_logs.list(project_ids=[project.id], limit=100).data
    expect([event.type for event in of_project], ["project.archived", "project.updated", "project.created"],
           "the events of a project, newest first")
    archived = world.admin.audit_logs.list(project_ids=[project.id], event_types=["project.archived"]).data
    expect([event.id for event in archived], [of_project[0].id], "by type")
    by_actor = world.admin.audit_logs.list(actor_ids=[world.ours["USER_ID"]], project_ids=[project.id]).data
    expect(len(by_actor), 3, "by actor's id")
    by_email = world.admin.audit_logs.list(actor_emails=["nobody@example.test"], project_ids=[project.id]).data
    expect(by_email, [], "by an address that did nothing")
    later = world.admin.audit_logs.list(project_ids=[project.id], effective_at={"gt": int(time.time()) + 60}).data
    expect(later, [], "in the future")
    since = world.admin.audit_logs.list(project_ids=[project.id], effective_at={"gte": project.created_at}).data
    expect(len(since), 3, "since its creation")
    before = world.admin.audit_logs.list(project_ids=[project.id], before=of_project[2].id).data
    expect([event.id for event in before], [event.id for event in of_project[:2]], "before a cursor")


def check_no_secret_is_in_the_log(world):
    key = world.issue_key(world.project.id, name="Logged")
    for path in ["/v1/organization/audit_logs?limit=100", "/v1/organization/audit_events?limit=100"]:
        text = world.wire.get(path)
        text.ok()
        assert key["value"] not in text.text, f"expected no secret in {path}"


def check_our_own_log_lists_what_openai_has_no_name_for(world):
    project = world.admin.projects.create(name="Restored")
    world.admin.projects.archive(project.id)
    world.wire.post(f"/v1/organization/projects/{project.id}/restore").ok()
    events = world.wire.get("/v1/organization/audit_events?limit=20").ok()["data"]
    assert "project.restored" in [event["type"] for event in events], f"expected project.restored in {events[:3]}"
    named = world.admin.audit_logs.list(project_ids=[project.id], limit=100).data
    assert "project.restored" not in [event.type for event in named], "expected OpenAI's names only in audit_logs"


def check_each_organization_has_a_log_of_its_own(world):
    theirs = {event.id for event in world.their_admin.audit_logs.list(limit=100).data}
    ours = {event.id for event in world.admin.audit_logs.list(limit=100).data}
    expect(theirs & ours, set(), "events in both logs")
