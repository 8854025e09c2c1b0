-- The check for keys that hardly differ (functions/quality/keys.py) finds by these a run's new keys, and those of one form.
create index on "raw_vault"."hub_customer" using brin (record_source) with (pages_per_range = 16, autosummarize = on);
create index on "raw_vault"."hub_customer" ((case when "customer_id" ~ '^[!-~]*$' then lower("customer_id") else left(lower(regexp_replace(normalize("customer_id", NFKC),  E'[\\s\\u00a0\\u00ad\\u200b-\\u200f\\u2060\\ufeff]', '', 'g')), 600) end));
create index on "raw_vault"."hub_product" using brin (record_source) with (pages_per_range = 16, autosummarize = on);
create index on "raw_vault"."hub_product" ((case when "product_id" ~ '^[!-~]*$' then lower("product_id") else left(lower(regexp_replace(normalize("product_id", NFKC),  E'[\\s\\u00a0\\u00ad\\u200b-\\u200f\\u2060\\ufeff]', '', 'g')), 600) end));
