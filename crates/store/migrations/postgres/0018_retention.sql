-- What usage records added up to when they were purged, so that the books still close without them.
create table purged_usage (
    organization_id text not null,
    bucket_start bigint not null,
    attribution_id text not null,
    project_id text not null,
    key_id text not null,
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
    primary key (organization_id, bucket_start, attribution_id, project_id, key_id, model, endpoint, provider_id)
);
-- Where the trail of an organization begins since its older records were purged: as many as the sequence says.
create table audit_anchors (
    organization_id text primary key,
    sequence bigint not null,
    hash text not null,
    purged_at bigint not null
);
create index events_of_organization on events (organization_id, at);
