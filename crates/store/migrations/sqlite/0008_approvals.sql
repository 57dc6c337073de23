create table approvals (
    id text primary key,
    organization_id text not null,
    kind text not null,
    payload text not null,
    reason text not null,
    requested_by text not null,
    subject_id text not null,
    decide_permission text not null,
    decide_project_id text,
    created_at bigint not null,
    expires_at bigint not null,
    state text not null,
    decided_by text,
    decided_at bigint,
    note text not null,
    ends_at bigint,
    ended_at bigint
);
create index approvals_list on approvals (organization_id, id);
create index approvals_of_requester on approvals (organization_id, requested_by, id);
create index approvals_waiting on approvals (expires_at) where state = 'pending';
create index approvals_running on approvals (ends_at) where ends_at is not null and ended_at is null;
