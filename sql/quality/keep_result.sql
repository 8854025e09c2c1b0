insert into metadata.quality_result (
    run_id, stage, rule, severity, passed, observed, source, measured, threshold
)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (run_id, stage, rule) do update set
    severity = excluded.severity,
    passed = excluded.passed,
    observed = excluded.observed,
    source = excluded.source,
    measured = excluded.measured,
    threshold = excluded.threshold,
    checked_at = clock_timestamp()
