"""The API's metrics for CloudWatch, embedded in its log: what API Gateway's own, of all answers, do not tell apart."""

from http import HTTPStatus

UNAVAILABLE = "AnswersUnavailable"
"""503: PostgreSQL, or the issuer of tokens, did not answer, or too many asked at once; callers may try again."""
REFUSED = "AnswersRefused"
"""401 and 403: no token, one that does not count, or one without the right."""

_BY_STATUS = {
    HTTPStatus.SERVICE_UNAVAILABLE: UNAVAILABLE,
    HTTPStatus.UNAUTHORIZED: REFUSED,
    HTTPStatus.FORBIDDEN: REFUSED,
}


def emit_answer(status: int) -> None:
    """Emit a count for an answer of one of these kinds; others cost no line of the log."""
    name = _BY_STATUS.get(HTTPStatus(status)) if status in HTTPStatus else None
    if name is not None:
        from functions.common.metrics import emit_counts  # here, since a cold start needs none of it

        emit_counts({name: 1})
