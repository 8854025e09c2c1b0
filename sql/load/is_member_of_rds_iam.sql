-- a row if the role is a member of rds_iam
select
from pg_auth_members as m
join pg_roles as g on g.oid = m.roleid
join pg_roles as r on r.oid = m.member
where g.rolname = 'rds_iam' and r.rolname = %(role)s
