"""The service's log: one line of JSON an entry, with the id of the call it belongs to."""

import json
import logging
import sys
from datetime import UTC, datetime

from serving.api.call import REQUEST_ID


class JsonLines(logging.Formatter):
    """Write an entry as JSON: when, how grave, who says it, what, and in which call."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, whatever the entry holds."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {"at": at, "level": record.levelname.lower(), "logger": record.name}
        told["message"] = record.getMessage()
        if request_id := REQUEST_ID.get():
            told["request_id"] = request_id
        told |= getattr(record, "told", {})
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


def log_as_json() -> None:
    """Let everything that keepworth logs in this process go to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    ours = logging.getLogger("keepworth")
    ours.handlers, ours.propagate = [handler], False
    ours.setLevel(logging.INFO)
