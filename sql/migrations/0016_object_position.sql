-- The same rows as before, planned with another estimate. PostgreSQL expects an anti join with the mostly empty table of
-- retractions to leave one row, and then reads large tables once for each row of others. A `not in` leaves half.
create or replace view metadata.object_position as
select
    object_id,
    source,
    effective_at,
    row_number() over (partition by source order by effective_at, object_key, uploaded_at, object_id) as position
from metadata.object_version as o
where o.object_id not in (select r.object_id from metadata.retraction as r);
