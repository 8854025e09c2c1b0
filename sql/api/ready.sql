-- The schema's version, and the age of the data as JSON.
select
    (select coalesce(max(version), 0) from metadata.migration),
    (
        select json_build_object(
            'status', 'ready',
            'published_at', max(published_at),
            'data_age_seconds', round(extract(epoch from clock_timestamp() - max(published_at)), 1)
        )::text
        from metadata.mart_publication
    )
