select
    rfm_label,
    rfm_recency::bigint,
    rfm_frequency::bigint,
    rfm_monetary::bigint,
    count(*) as customers,
    sum(lifetime_value) as revenue
from business_vault.customers(segments, states)
group by rfm_label, rfm_recency, rfm_frequency, rfm_monetary
order by rfm_recency desc, rfm_frequency desc, rfm_monetary desc, rfm_label
