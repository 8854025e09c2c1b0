insert into metadata.stream_offset as o (topic, kafka_partition, next_offset, loaded_at)
values (%s, %s, %s, now())
on conflict (topic, kafka_partition) do update set
    next_offset = greatest(o.next_offset, excluded.next_offset),
    loaded_at = excluded.loaded_at
