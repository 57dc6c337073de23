create table policy_trials (
    organization_id text not null,
    setting text not null,
    level text not null,
    level_id text not null,
    value text,
    mode text,
    is_locked boolean,
    floor text,
    set_by text,
    set_at bigint,
    ends_at bigint not null,
    primary key (organization_id, level, level_id, setting)
);
create index policy_trials_due on policy_trials (ends_at);
