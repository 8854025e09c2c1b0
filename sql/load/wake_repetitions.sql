-- What was set aside as a repetition and is one no more: the run's files overrule what it repeats, or take its place, or
-- the run takes that back.
update metadata.object_version as repeated
set status = 'PLANNED', reason = null, run_id = %(run_id)s
where repeated.status = 'REPEATED'
    and (
        exists (
            select from metadata.object_version as mine
            where mine.run_id = %(run_id)s
                and mine.status = 'PLANNED'
                and (mine.source, mine.effective_at) = (repeated.source, repeated.effective_at)
        )
        -- a newer version of its own key takes its place, whatever that says
        and not exists (
            select from metadata.object_version as newer
            where newer.run_id = %(run_id)s
                and newer.status = 'PLANNED'
                and (newer.bucket, newer.object_key, newer.effective_at)
                = (repeated.bucket, repeated.object_key, repeated.effective_at)
                and (newer.uploaded_at, newer.object_id) > (repeated.uploaded_at, repeated.object_id)
        )
        and repeated.object_id in (
            select object_id from metadata.overruled_repetition
            union all
            select object_id from metadata.orphaned_repetition
        )
        or exists (
            select
            from metadata.load_run as run
            join metadata.object_version as twin on twin.object_key = any(run.retract)
            where run.run_id = %(run_id)s
                and (twin.source, twin.effective_at, twin.is_snapshot, twin.content_sha256)
                = (repeated.source, repeated.effective_at, repeated.is_snapshot, repeated.content_sha256)
        )
    )
