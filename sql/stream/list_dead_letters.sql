select
    dead_letter_id, topic, kafka_partition, kafka_offset, kafka_timestamp, substring(raw for %(shown)s),
    octet_length(raw), reasons, received_at, replayed_at
from metadata.dead_letter
where (%(all)s or replayed_at is null) and dead_letter_id < %(before)s
order by dead_letter_id desc
limit %(limit)s
