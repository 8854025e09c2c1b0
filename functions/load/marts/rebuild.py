"""Rebuild the marts from the whole vault."""

from functions.common.database import Connection
from functions.common.errors import C360Error
from functions.common.sql_files import read_sql
from functions.load.marts.publish import MARTS, begin_publication, complete_publication, reconcile
from functions.load.marts.rows import write_everything
from functions.load.marts.summaries import sum_every_line
from functions.model.render.marts import Scope


class NothingPublishedError(C360Error):
    """There are no marts yet; the first nightly load makes them."""


def rebuild(connection: Connection) -> dict[str, int]:
    """Compute every row of the marts anew and replace those that differ, in one transaction with their watermark.

    Returns the rows of each mart. Readers see the old rows until the end. The marts' day stays, so the content is what
    it was: a rebuild is for marts that are in doubt, or that are computed another way now.

    Raises NothingPublishedError.
    """
    begin_publication(connection)
    published = connection.execute("select exists (select from metadata.mart_publication)").fetchone()
    if published != (True,):
        raise NothingPublishedError("nothing has been published yet: run the nightly load first")
    connection.execute(read_sql("marts/counted_object.sql"))
    written = {mart: write_everything(connection, mart) for mart in MARTS}
    for mart, rows in written.items():
        connection.execute(
            "update metadata.mart_publication set rows = %s, published_at = now() where mart = %s", (rows, mart)
        )
    sum_every_line(connection)
    reconcile(connection, Scope())
    complete_publication(connection, customers_changed=True)
    return written
