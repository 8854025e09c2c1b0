"""The order in which the rows of a status satellite follow each other, as a part of statements where it is `s`.

A status follows from all that is known of its instant, so of two of one instant the one that was known later is right.
Versions of other satellites follow each other as metadata.object_position orders their objects.
"""

from psycopg import sql

STATUS_LATEST_FIRST = sql.SQL("s.effective_at desc, s.loaded_at desc")
"""What to order by so that the status in force last comes first."""
