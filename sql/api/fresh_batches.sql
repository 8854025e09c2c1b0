occurred_at > now() - interval '7 days'
and loaded_at <> all(%(seen)s)
and loaded_at > coalesce(%(latest)s::timestamptz, now()) - %(overlap)s::interval
