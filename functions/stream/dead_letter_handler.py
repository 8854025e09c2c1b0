"""Lambda handler that lists and replays dead letters, for who cannot reach the database: `c360 events dead`."""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from functions.common import environment
from functions.common.errors import EventError
from functions.common.logging import logger
from functions.stream.batch import utc_now
from functions.stream.dead_letters import LIST_LIMIT, REPLAY_LIMIT, list_dead_letters, replay_dead_letters
from functions.stream.settings import StreamSettings


class _List(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    action: Literal["list"]
    limit: Annotated[int, Field(ge=1, le=LIST_LIMIT)] = 100
    before: int | None = None
    replayed: bool = False


class _Replay(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    action: Literal["replay"]
    ids: Annotated[tuple[int, ...], Field(min_length=1, max_length=REPLAY_LIMIT)] | None = None


_EVENT: TypeAdapter[_List | _Replay] = TypeAdapter(Annotated[_List | _Replay, Field(discriminator="action")])


def handle(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """`{"action": "list"}` or `{"action": "replay", "ids": [...]}`; without ids all that wait, a thousand at a time.

    Raises EventError for anything else, TransientError when another try may help.
    """
    try:
        request = _EVENT.validate_python(event)
    except ValidationError as error:
        raise EventError(f"this is no request for dead letters: {error.errors(include_input=False)}") from None
    with environment.connections.transaction(environment.settings(StreamSettings)) as connection:
        if isinstance(request, _List):
            return list_dead_letters(connection, limit=request.limit, before=request.before, replayed=request.replayed)
        done = replay_dead_letters(connection, utc_now(), request.ids)
    logger.info("dead letters replayed", extra={name: done[name] for name in ("replayed", "stored", "repeated")})
    return done
