create table policy_entries (
    organization_id text not null,
    setting text not null,
    level text not null,
    level_id text not null,
    value text not null,
    mode text not null,
    is_locked boolean not null,
    floor text,
    set_by text,
    set_at bigint not null,
    primary key (organization_id, level, level_id, setting)
);
create table policy_exceptions (
    id text primary key,
    organization_id text not null,
    setting text not null,
    level text not null,
    level_id text not null,
    value text not null,
    reason text not null,
    ends_at bigint not null,
    given_by text,
    given_at bigint not null,
    ended_at bigint
);
create index policy_exceptions_list on policy_exceptions (organization_id, id);
create table policy_warnings (
    organization_id text not null,
    setting text not null,
    project_id text not null,
    key_id text not null,
    subject text not null,
    day bigint not null,
    count bigint not null,
    last_at bigint not null,
    primary key (organization_id, day, setting, project_id, key_id, subject)
);
