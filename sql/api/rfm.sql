-- Customers by recency, frequency and monetary value of their orders; the scores are the customer mart's.
select
    rfm_label,
    rfm_recency,
    rfm_frequency,
    rfm_monetary,
    count(*) as customers,
    sum(lifetime_value) as revenue
from business_vault.vw_customer_360
group by rfm_label, rfm_recency, rfm_frequency, rfm_monetary
order by rfm_recency desc, rfm_frequency desc, rfm_monetary desc, rfm_label
