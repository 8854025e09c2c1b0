insert into metadata.object_part (
    object_id, part, rows_read, rows_quarantined, rows_omitted, lines_read, measures, staged_at
)
values (%s, %s, %s, %s, %s, %s, %s, now())
on conflict (object_id, part) do update set
    rows_read = excluded.rows_read,
    rows_quarantined = excluded.rows_quarantined,
    rows_omitted = excluded.rows_omitted,
    lines_read = excluded.lines_read,
    measures = excluded.measures,
    staged_at = excluded.staged_at
