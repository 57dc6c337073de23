create table metering_heads (
    organization_id text primary key,
    records bigint not null
);
create table attributions (
    id text primary key,
    organization_id text not null,
    project_id text not null,
    key_id text not null,
    owner_user_id text,
    owner_service_account_id text,
    accountable_owner_id text,
    environment text not null,
    workload text not null,
    team text,
    product_line text,
    cost_center text,
    client text
);
create index attributions_of_project on attributions (organization_id, project_id);
create table usage_records (
    id text primary key,
    organization_id text not null,
    attribution_id text not null,
    project_id text not null,
    key_id text not null,
    secret_id text not null,
    owner_user_id text,
    endpoint text not null,
    model text not null,
    provider_id text not null,
    is_stream boolean not null,
    price_id text not null,
    held bigint not null,
    client_address text,
    user_agent text,
    end_user text,
    admitted_at bigint not null,
    settled_at bigint not null,
    status text not null,
    input bigint not null,
    cached_input bigint not null,
    cache_write bigint not null,
    output bigint not null,
    reasoning bigint not null,
    requests bigint not null,
    cost bigint not null,
    is_estimated boolean not null,
    upstream_status bigint
);
create index usage_records_list on usage_records (organization_id, id);
create index usage_records_of_project on usage_records (project_id, id);
create index usage_records_of_key on usage_records (key_id, id);
create index usage_records_by_time on usage_records (organization_id, admitted_at);
create table rollups (
    organization_id text not null,
    bucket_start bigint not null,
    attribution_id text not null,
    model text not null,
    endpoint text not null,
    provider_id text not null,
    requests bigint not null,
    input bigint not null,
    cached_input bigint not null,
    cache_write bigint not null,
    output bigint not null,
    reasoning bigint not null,
    cost bigint not null,
    primary key (organization_id, bucket_start, attribution_id, model, endpoint, provider_id)
);
create table allowances (
    id text primary key,
    organization_id text not null,
    level text not null,
    level_id text not null,
    model text not null,
    unit text not null,
    time_window text not null,
    amount bigint not null,
    enforcement text not null,
    is_spend_limit boolean not null,
    created_at bigint not null
);
create index allowances_list on allowances (organization_id, id);
create unique index allowances_spend_limit on allowances (organization_id, level, level_id) where is_spend_limit;
create table allowance_counters (
    allowance_id text not null,
    window_start bigint not null,
    window_end bigint not null,
    organization_id text not null,
    settled bigint not null,
    leased bigint not null,
    primary key (allowance_id, window_start)
);
create table allowance_slices (
    allowance_id text not null,
    window_start bigint not null,
    replica_id text not null,
    amount bigint not null,
    primary key (allowance_id, window_start, replica_id)
);
create index allowance_slices_of_replica on allowance_slices (replica_id);
create table replicas (
    id text primary key,
    registered_at bigint not null,
    seen_at bigint not null
);
create table applied_prices (
    id text primary key,
    rates text not null
);
