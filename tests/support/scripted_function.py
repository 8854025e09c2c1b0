"""A Lambda function that does what its messages say, and writes down each invocation (deployed by the tests)."""

import base64
import json
import os
import time
from pathlib import Path
from typing import Any


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Messages are `{"do": ok | fail | item | once}`; `item` is reported, `once` fails the first time only."""
    began = time.time()
    records = [record for group in event["records"].values() for record in group]
    failures, error = [], False
    for record in records:
        said = json.loads(base64.b64decode(record["value"])) if "value" in record else {}
        place = f"{record['topic']}-{record['partition']}"
        match said.get("do", "ok"):
            case "fail":
                error = True
            case "item":
                failures.append({"itemIdentifier": {"partition": place, "offset": record["offset"]}})
            case "once":
                mark = Path(f"{os.environ['LOG']}.{place}.{record['offset']}")
                error = error or not mark.exists()
                mark.touch()
            case "slow":
                time.sleep(0.3)
    with Path(os.environ["LOG"]).open("a") as log:
        log.write(json.dumps({"began": began, "ended": time.time(), "failed": error, "event": event}) + "\n")
    if error:
        raise RuntimeError("scripted to fail")
    return {"batchItemFailures": failures}
