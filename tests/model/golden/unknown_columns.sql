insert into metadata.unknown_columns (object_id, row_number, content)
select 7, row_number, content
from "staging"."raw_7_0", jsonb_strip_nulls(jsonb_object(array['loyalty'], array["unknown_1"])) as content
where content <> '{}'
