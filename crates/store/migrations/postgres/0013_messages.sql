create table webhooks (
    id text primary key,
    organization_id text not null,
    url text not null,
    description text not null,
    event_types text not null,
    is_enabled boolean not null,
    secret bytea not null,
    secret_version bigint not null,
    old_secret bytea,
    old_secret_ends_at bigint,
    created_by text,
    created_at bigint not null,
    deleted_at bigint
);
create index webhooks_list on webhooks (organization_id, id);
create table outbox_cursor (
    only_row bigint primary key,
    sequence bigint not null
);
insert into outbox_cursor (only_row, sequence) select 1, sequence from feed_head;
create table deliveries (
    id text primary key,
    organization_id text not null,
    webhook_id text not null,
    sequence bigint not null,
    event_id text not null,
    event_type text not null,
    body text not null,
    state text not null,
    attempts bigint not null,
    created_at bigint not null,
    first_at bigint,
    next_at bigint not null,
    claimed_until bigint not null,
    ended_at bigint,
    last_status bigint,
    last_error text
);
create unique index deliveries_order on deliveries (webhook_id, sequence, id);
create index deliveries_list on deliveries (organization_id, id);
create index deliveries_due on deliveries (state, next_at);
create table delivery_attempts (
    delivery_id text not null,
    number bigint not null,
    at bigint not null,
    milliseconds bigint not null,
    status bigint,
    error text,
    answer text not null,
    primary key (delivery_id, number)
);
create table mails (
    id text primary key,
    organization_id text not null,
    event_id text,
    kind text not null,
    recipient text not null,
    body bytea not null,
    state text not null,
    attempts bigint not null,
    created_at bigint not null,
    first_at bigint,
    next_at bigint not null,
    claimed_until bigint not null,
    ended_at bigint,
    last_error text
);
create index mails_list on mails (organization_id, id);
create index mails_due on mails (state, next_at);
create table mail_refusals (
    recipient text primary key,
    at bigint not null,
    reason text not null
);
create table notices_off (
    user_id text not null,
    organization_id text not null,
    notice text not null,
    primary key (user_id, organization_id, notice)
);
