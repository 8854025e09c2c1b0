-- The clickstream: events in a non-historised link, who was active when, and what could not be read.

create table raw_vault.link_customer_event (
    link_hash_key bytea not null,
    customer_hash_key bytea not null,
    product_hash_key bytea not null,
    event_id text not null,
    event_type text not null,
    occurred_at timestamptz not null,
    amount numeric,
    session_id text,
    properties jsonb,
    loaded_at timestamptz not null,
    record_source bigint not null default -1,
    record_row bigint not null,
    hash_version smallint not null default 1
) partition by range (occurred_at);

comment on table raw_vault.link_customer_event is
'A non-historised link: an event happened once and never changes. link_hash_key is of event_id, a partition is a day in '
'UTC, record_row is the offset in Kafka. metadata.event_id keeps it free of duplicates.';

-- counts what a customer did in a window, whenever asked
create index on raw_vault.link_customer_event (customer_hash_key, occurred_at);
-- what arrived last
create index on raw_vault.link_customer_event (loaded_at);

-- where an event goes that no day's partition takes; rows move out of it when their day gets one
create table raw_vault.link_customer_event_default partition of raw_vault.link_customer_event default;

-- A unique index on the partitioned link would have to contain the day, and let an id in once a day.
create table metadata.event_id (
    link_hash_key bytea primary key,
    loaded_at timestamptz not null
);

create index on metadata.event_id using brin (loaded_at) with (pages_per_range = 32, autosummarize = on);

create table metadata.stream_offset (
    topic text not null,
    kafka_partition integer not null,
    next_offset bigint not null,
    loaded_at timestamptz not null,
    primary key (topic, kafka_partition)
);

comment on table metadata.stream_offset is
'How far each partition was read, written with the events. It tells, it does not decide: ids keep events from counting '
'twice, also after a topic was made anew and its offsets begin at zero again.';

create table metadata.dead_letter (
    dead_letter_id bigint generated always as identity primary key,
    topic text not null,
    kafka_partition integer not null,
    kafka_offset bigint not null,
    kafka_timestamp timestamptz,
    raw bytea,
    raw_sha256 bytea not null,
    reasons text [] not null,
    received_at timestamptz not null default now(),
    replayed_at timestamptz,
    -- the same message again is the same letter; other bytes at the same place (a topic made anew) are another
    unique (topic, kafka_partition, kafka_offset, raw_sha256)
);

create table business_vault.real_time_metrics (
    customer_id text not null,
    event_type text not null,
    event_count bigint not null,
    last_event_time timestamptz not null,
    total_purchase_amount numeric not null,
    primary key (customer_id, event_type)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

comment on table business_vault.real_time_metrics is
'What each customer has done so far, by type. total_purchase_amount sums the amounts of purchases.';

create table business_vault.event_total (
    event_type text not null,
    kafka_partition integer not null,
    event_count bigint not null,
    last_event_time timestamptz not null,
    total_purchase_amount numeric not null,
    primary key (event_type, kafka_partition)
) with (fillfactor = 50);

comment on table business_vault.event_total is
'real_time_metrics of all customers together, so that nobody has to sum them. By partition, so that batches of different '
'partitions do not wait for each other.';

create table business_vault.live_activity (
    customer_id text primary key,
    customer_hash_key bytea not null,
    last_seen_at timestamptz not null,
    last_event_type text not null,
    last_session_at timestamptz,
    last_session_id text,
    last_product_at timestamptz,
    last_product_id text
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

create index on business_vault.live_activity (last_seen_at desc);

create view business_vault.vw_live_activity as
select
    a.customer_id,
    a.last_seen_at,
    a.last_event_type,
    a.last_session_id,
    a.last_product_id,
    w.events_last_5_minutes,
    w.events_last_hour,
    w.events_last_day
from business_vault.live_activity as a
-- a left join, which costs nothing where nobody asks for the windows
left join lateral (
    select
        count(*) filter (where e.occurred_at > now() - interval '5 minutes') as events_last_5_minutes,
        count(*) filter (where e.occurred_at > now() - interval '1 hour') as events_last_hour,
        count(*) as events_last_day
    from raw_vault.link_customer_event as e
    where
        e.customer_hash_key = a.customer_hash_key
        and e.occurred_at > now() - interval '1 day'
        -- a browser's clock may be ahead a little
        and e.occurred_at <= now() + interval '1 minute'
) as w on true;

comment on view business_vault.vw_live_activity is
'A row per customer whom an event has named. The windows are counted when read, so they are never stale.';

create view business_vault.vw_customer_360 as
select
    p.*,
    a.last_seen_at,
    a.last_event_type,
    a.last_session_id,
    a.last_product_id,
    coalesce(a.events_last_5_minutes, 0) as events_last_5_minutes,
    coalesce(a.events_last_hour, 0) as events_last_hour,
    coalesce(a.events_last_day, 0) as events_last_day
from business_vault.vw_customer_360_published as p
left join business_vault.vw_live_activity as a on a.customer_id = p.customer_id;

comment on view business_vault.vw_customer_360 is
'A row per customer: vw_customer_360_published as the last publication left it, and vw_live_activity as it is when '
'read; nulls and zeros for who was never seen. The live columns cost only who asks for them.';

create view business_vault.vw_event as
select
    e.event_id,
    e.event_type,
    c.customer_id,
    e.occurred_at,
    p.product_id,
    e.amount,
    e.session_id,
    e.properties,
    e.loaded_at
from raw_vault.link_customer_event as e
join raw_vault.hub_customer as c using (customer_hash_key)
join raw_vault.hub_product as p using (product_hash_key);

comment on view business_vault.vw_event is 'A row per event.';

-- The stream's role owns no table, so what only owners may do to partitions is done by these two functions, as their
-- owner, for whoever may execute them.

create function metadata.make_event_partitions(first_day date, last_day date) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    day date;
    name text;
    made integer := 0;
begin
    for day in select d::date from generate_series(first_day::timestamp, last_day::timestamp, interval '1 day') as d
    loop
        name := 'link_customer_event_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('raw_vault.' || name) is not null;
        -- one at a time; and no event of the day may enter the default partition while the day's is made
        lock table raw_vault.link_customer_event_default in access exclusive mode;
        continue when to_regclass('raw_vault.' || name) is not null;
        execute format(
            'create table raw_vault.%I '
            '(like raw_vault.link_customer_event including defaults including constraints)', name
        );
        execute format(
            'with moved as (delete from raw_vault.link_customer_event_default '
            'where occurred_at >= %L and occurred_at < %L returning *) insert into raw_vault.%I select * from moved',
            day, day + 1, name
        );
        execute format(
            'alter table raw_vault.link_customer_event attach partition raw_vault.%I for values from (%L) to (%L)',
            name, day, day + 1
        );
        made := made + 1;
    end loop;
    return made;
end
$$;

create function metadata.drop_event_partitions(before_day date) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set timezone = 'UTC' as $$
declare
    partition_name text;
    dropped integer := 0;
begin
    for partition_name in
        select c.relname
        from pg_inherits as i
        join pg_class as c on c.oid = i.inhrelid
        where
            i.inhparent = 'raw_vault.link_customer_event'::regclass
            and c.relname ~ '^link_customer_event_[0-9]{8}$'
            and right(c.relname, 8) < to_char(before_day, 'YYYYMMDD')
        order by c.relname
    loop
        execute format('drop table raw_vault.%I', partition_name);
        dropped := dropped + 1;
    end loop;
    delete from raw_vault.link_customer_event_default where occurred_at < before_day;
    -- an id stays as long as its event, and two days more for what was dated ahead
    delete from metadata.event_id where loaded_at < before_day - 2;
    return dropped;
end
$$;

revoke execute on function metadata.make_event_partitions(date, date) from public;
revoke execute on function metadata.drop_event_partitions(date) from public;

select metadata.make_event_partitions((now() at time zone 'UTC')::date - 7, (now() at time zone 'UTC')::date + 3);
