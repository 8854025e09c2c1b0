update metadata.object_version as repeated
set status = 'PLANNED', reason = null, run_id = %(run_id)s
where repeated.status = 'REPEATED'
    and exists (
        select from metadata.object_version as mine
        where mine.run_id = %(run_id)s
            and mine.status = 'PLANNED'
            and (mine.source, mine.effective_at) = (repeated.source, repeated.effective_at)
    )
    and repeated.object_id in (select object_id from metadata.overruled_repetition)
