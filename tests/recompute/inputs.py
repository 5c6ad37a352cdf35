"""Files -> messages: NDJSON of values, or JSON lines of whole Kafka messages."""

import base64
import gzip
import json
import os

from events import Message


def _open(path):
    return gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")


def read_messages(path):
    plain = path.removesuffix(".gz")
    if plain.endswith(".ndjson"):
        return _read_ndjson(path)
    if plain.endswith(".msgs"):
        return _read_msgs(path)
    raise SystemExit(f"{path}: neither .ndjson nor .msgs")


def _read_ndjson(path):
    topic = "ingest:" + os.path.basename(path)
    with _open(path) as lines:
        for offset, line in enumerate(lines):
            value = line.removesuffix(b"\n").removesuffix(b"\r").removeprefix(b"\xef\xbb\xbf")
            if value.strip(b" \t\r"):
                yield Message(topic, 0, offset, value)


def _header(given):
    """Decodes a text, null, or {"b64": bytes that are not text}."""
    return base64.b64decode(given["b64"]) if isinstance(given, dict) else given


def _read_msgs(path):
    with _open(path) as lines:
        for line in lines:
            if not line.strip():
                continue
            row = json.loads(line)
            value = row["value_b64"]
            yield Message(
                row["topic"],
                row["partition"],
                row["offset"],
                None if value is None else base64.b64decode(value),
                [(name, _header(given)) for name, given in row.get("headers") or ()],
            )
