-- The products that figures count, and the row that describes each now.
select
    'product' as kind,
    p.product_id,
    p.product_name,
    p.category,
    p.total_sold,
    p.revenue,
    {counts}::numeric as counts,
    o.object_key as file,
    p.details_record_row as row,
    metadata.line_of(p.details_record_source, p.details_record_row) as line,
    o.run_id
from business_vault.mart_product_analytics as p
left join metadata.object_version as o on o.object_id = p.details_record_source
where %(category)s::text [] is null or coalesce(p.category, '') = any(%(category)s::text [])
