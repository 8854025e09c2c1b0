-- Its source, the rows of the file by what became of them, and its measures; duplicates as the outcome counts them.
select
    source,
    jsonb_build_object(
        'file', rows_read, 'vault', rows_loaded + rows_unchanged, 'duplicate', rows_duplicate - rows_overruled,
        'overruled', rows_overruled, 'quarantined', rows_quarantined
    ),
    measures
from metadata.object_version
where object_id = %s
