-- The views of the business vault, with name and type of each column in order.
select c.relname, array_agg(array[a.attname::text, format_type(a.atttypid, null)] order by a.attnum)
from pg_class as c
join pg_attribute as a on a.attrelid = c.oid
where c.relkind = 'v'
    and c.relnamespace = 'business_vault'::regnamespace
    and c.relname like 'vw\_%'
    and a.attnum > 0
group by c.relname
order by c.relname
