-- How figures are shown, and which publication they are of.
select json_build_object(
    'published_at', p.published_at,
    'run_id', p.run_id,
    'today', r.today,
    'time_zone', r.time_zone,
    'currency', r.currency
)::text
from business_vault.vw_reporting as r
left join metadata.mart_publication as p on p.mart = 'mart_customer_360'
