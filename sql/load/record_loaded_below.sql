update metadata.vault_load set loaded_below = %(below)s, batches = batches + 1
where object_id = any(%(object_ids)s) and vault_table = %(table)s and loaded_below is not null
