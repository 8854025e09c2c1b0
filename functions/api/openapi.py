"""The API's OpenAPI document: `python -m functions.api.openapi > docs/openapi.json`."""

import json
import sys

from pydantic import SecretStr

from functions.api.app import create_app
from functions.api.settings import ApiSettings


def document() -> str:
    """The document as committed in docs/openapi.json: indented JSON, no server, a newline at its end."""
    nowhere = ApiSettings(database_url=SecretStr("postgresql://"))
    return json.dumps(create_app(nowhere).openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
