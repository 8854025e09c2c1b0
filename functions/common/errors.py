"""The one tree of errors. Its leaves' names are what Step Functions sees, so Retry lists them by name."""


class C360Error(Exception):
    """Something went wrong, said in one sentence, with structured fields saying where.

    `fields` are appended to the sentence as `key=value`; they never hold personal data.
    """

    def __init__(self, message: str, **fields: object) -> None:
        self.message = message
        self.fields = {name: value for name, value in fields.items() if value is not None}
        super().__init__(message)

    def __str__(self) -> str:
        if not self.fields:
            return self.message
        return f"{self.message} ({', '.join(f'{name}={value}' for name, value in self.fields.items())})"


class SettingsError(C360Error):
    """An environment variable is missing or wrong."""


class EventError(C360Error):
    """A handler was called with an event that it does not understand."""


class ModelError(C360Error):
    """sql/model.yaml declares something that cannot be built."""


class MigrationError(C360Error):
    """The database's schema and sql/migrations disagree."""


class TransientError(C360Error):
    """Trying again may help; the state machine's Retry names the leaves of this class."""


class DatabaseUnavailableError(TransientError):
    """The database cannot be reached, or the connection was lost."""


class DatabaseConflictError(TransientError):
    """A deadlock, a serialization failure or a lock timeout: another transaction was in the way."""


class LandingUnavailableError(TransientError):
    """S3 did not answer, or broke off in the middle of an object."""


class LakeUnavailableError(TransientError):
    """S3 did not take, or list, the files of the lake."""


class AuditBucketUnavailableError(TransientError):
    """S3 did not take the copy of the audit trail."""


class DataError(C360Error):
    """The data, not the machinery, is at fault."""


class FileRejectedError(DataError):
    """One file cannot be read; it is set aside with this reason, and the others go on."""


class UnreadableObjectError(DataError):
    """S3 does not hand out one object; it is set aside with this reason, and the others go on."""


class QualityError(DataError):
    """A check whose severity is error failed; the run stops here."""


def leaf_names(parent: type[C360Error]) -> tuple[str, ...]:
    """Names of the classes below `parent` that have no subclass, sorted."""
    children = parent.__subclasses__()
    if not children:
        return (parent.__name__,)
    return tuple(sorted(name for child in children for name in leaf_names(child)))


TRANSIENT_ERROR_NAMES: tuple[str, ...] = leaf_names(TransientError)
