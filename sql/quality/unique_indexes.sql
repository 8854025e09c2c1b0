-- A unique index keeps duplicate rows out, if it is there, valid, and on these columns.
select array_agg(attribute.attname::text order by attribute.attname)
from pg_index as index
join pg_attribute as attribute on attribute.attrelid = index.indrelid and attribute.attnum = any(index.indkey)
where index.indrelid = to_regclass(%s)
    and index.indisunique
    and index.indisvalid
    and index.indpred is null
    and index.indexprs is null
group by index.indexrelid
