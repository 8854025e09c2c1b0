-- What the rows behind a figure add up to, all together and by file, and the figure itself, which several marks lack.
with by_file as materialized (
    select {file} as file, run_id, count(*) as rows, sum(counts) as sum
    from {rows} as item
    where {condition}
    group by 1, 2
)
select
    ({watermark}),
    (select case when count(*) = 1 then min(to_json({figure})::text) end from {metric} as figures where {point}),
    (select {shown}::text from (select coalesce(sum(sum), 0) as sum from by_file) as added),
    (select coalesce(sum(rows), 0)::bigint from by_file),
    (select count(*) from by_file),
    (
        select coalesce(json_agg(row_to_json(f) order by f.sum desc, f.file, f.run_id), '[]')::text
        from (
            select file, run_id, rows, {shown} as sum
            from by_file
            order by by_file.sum desc, file, run_id
            limit 100
        ) as f
    )
