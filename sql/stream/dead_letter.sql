insert into metadata.dead_letter (
    topic, kafka_partition, kafka_offset, kafka_timestamp, raw, raw_sha256, reasons
)
values (%s, %s, %s, to_timestamp(%s::double precision / 1000), %s, %s, %s)
on conflict (topic, kafka_partition, kafka_offset, raw_sha256) do nothing
