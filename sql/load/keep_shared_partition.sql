select source, first_object, end_object
from metadata.shared_partition
where first_object = (select first_object from metadata.shared_object where object_id = %s)
for key share
