-- One customer's versions.
select
    row_number() over (order by position) as version,
    effective_at,
    lead(effective_at) over (order by position) as ended_at,
    loaded_at,
    object_key as file,
    record_row as row,
    metadata.line_of(record_source, record_row) as line,
    run_id,
    first_name,
    last_name,
    email,
    phone,
    country,
    state,
    city,
    customer_segment,
    signup_date
from ({stated}) as stated
where differs
