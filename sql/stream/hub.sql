-- `offset 0` makes the planner look each key up in the hub's index, however large the hub is. Only the transaction that
-- inserts the hub's row inserts the mart's row, so it never conflicts with the load, which publishes the others.
with unknown as (
    select distinct on ({hash_key}) {hash_key}, {business_key}, kafka_offset
    from fresh_event as e
    where
        {business_key} is not null
        and not exists (select from {hub} as h where h.{hash_key} = e.{hash_key} offset 0)
    order by {hash_key}, kafka_offset
), added as (
    insert into {hub} ({hash_key}, {business_key}, loaded_at, record_source, record_row, hash_version)
    select {hash_key}, {business_key}, now(), {source}, kafka_offset, {version} from unknown order by {hash_key}
    on conflict do nothing
    returning {hash_key}
)
insert into {mart} ({business_key}, {zeros})
select u.{business_key}, {zero_values}
from unknown as u
join added as a using ({hash_key})
order by u.{business_key}
on conflict do nothing
