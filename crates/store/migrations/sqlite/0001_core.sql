create table instance (
    name text primary key,
    value text not null
);
create table audit_heads (
    organization_id text primary key,
    sequence bigint not null,
    hash text not null
);
create table audit_records (
    id text primary key,
    organization_id text not null,
    sequence bigint not null,
    at bigint not null,
    actor text not null,
    verb text not null,
    target_id text not null,
    project_id text,
    before_json text not null,
    after_json text not null,
    count bigint not null,
    previous_hash text not null,
    hash text not null
);
create unique index audit_records_chain on audit_records (organization_id, sequence);
create table feed_head (
    only_row bigint primary key,
    sequence bigint not null
);
insert into feed_head (only_row, sequence) values (1, 0);
create table events (
    sequence bigint primary key,
    audit_id text not null,
    organization_id text not null,
    verb text not null,
    target_id text not null,
    project_id text,
    at bigint not null
);
