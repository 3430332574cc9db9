"""Signatures of webhooks, as the Standard Webhooks specification 1.0.0 has them (symmetric, v1).

What is signed is `{webhook-id}.{webhook-timestamp}.{body}`, by HMAC-SHA256 with the endpoint's
secret. While a secret is being changed, old and new both sign, and a receiver accepts either.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
FEWEST_BYTES, MOST_BYTES = 24, 64
_NEW_BYTES = 32
EXPECTED = (
    f"expected {PREFIX} and base64 of {FEWEST_BYTES} to {MOST_BYTES} bytes, as "
    "`keepworth webhooks secret` makes one"
)


def new_secret() -> str:
    """Return a random secret, as both sides write it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_NEW_BYTES)).decode()


def signing_key(secret: str) -> bytes:
    """Return the bytes that a secret stands for.

    Raises
    ------
    ValueError
        If it is none; the message does not show it.
    """
    if not secret.startswith(PREFIX):
        raise ValueError(f"a secret does not begin with {PREFIX}; {EXPECTED}.")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(f"a secret is not base64; {EXPECTED}.") from error
    if not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise ValueError(f"a secret has {len(key)} bytes; {EXPECTED}.")
    return key


def signed_headers(
    keys: Sequence[bytes], message_id: str, unix_seconds: int, body: bytes
) -> dict[str, str]:
    """Return the three headers of an attempt, with one signature for each key.

    `unix_seconds` is when the attempt is made: it moves from one attempt to the next, and
    `message_id` does not.
    """
    signed = f"{message_id}.{unix_seconds}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(unix_seconds),
        "webhook-signature": " ".join(_signature(key, signed) for key in keys),
    }


def _signature(key: bytes, signed: bytes) -> str:
    digest = hmac.digest(key, signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
