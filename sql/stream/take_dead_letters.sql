-- In the order of their ids, so that two concurrent replays wait for each other and never deadlock.
select dead_letter_id, topic, kafka_partition, kafka_offset, raw
from metadata.dead_letter
where replayed_at is null and raw is not null and (%(every)s or dead_letter_id = any(%(ids)s))
order by dead_letter_id
limit %(limit)s
for update
