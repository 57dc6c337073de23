create table handovers (
    id text primary key,
    organization_id text not null,
    project_id text not null,
    kind text not null,
    subject_id text not null,
    from_user_id text not null,
    cause text not null,
    opened_at bigint not null,
    due_at bigint not null,
    state text not null,
    to_user_id text,
    closed_by text,
    closed_at bigint
);
create unique index handovers_open on handovers (subject_id) where state = 'open';
create index handovers_due on handovers (due_at) where state = 'open';
create index handovers_of_subject on handovers (subject_id, state);
create index handovers_list on handovers (organization_id, id);
create index handovers_of_person on handovers (from_user_id, organization_id);
create table account_links (
    user_id text not null,
    kind text not null,
    token_hash bytea unique,
    email text not null,
    organization_id text,
    vouched_by text,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (user_id, kind)
);
create index account_links_by_end on account_links (expires_at);
create index service_accounts_of_key_owner on service_accounts (key_owner_id, organization_id);
create index projects_of_accountable_owner on projects (accountable_owner_id, organization_id);
