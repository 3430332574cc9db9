"""One attempt to post a message: no redirects, no proxies, bounded time and memory."""

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp

from serving.delivery.destinations import public_socket

TIMEOUT_SECONDS = 20
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
GONE = 410
_MOST_READ_BYTES = 1024
_BUSY = frozenset({429, 502, 503, 504})
_OWN_HEADERS = {"Content-Type": CONTENT_TYPE, "User-Agent": "keepworth-webhooks/1"}


@dataclass(frozen=True)
class Said:
    """Hold what a receiver said: its status, None if it said nothing, and its Retry-After."""

    status: int | None
    words: str
    retry_after: str | None = None

    @property
    def is_heard(self) -> bool:
        """Whether the message has arrived: any 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no more messages, ever."""
        return self.status == GONE

    @property
    def is_busy(self) -> bool:
        """Whether other messages should wait as well."""
        return self.status in _BUSY


def open_session(*, allow_private_addresses: bool) -> aiohttp.ClientSession:
    """Return a session whose every connection goes to a public address, unless all are allowed."""
    guard = None if allow_private_addresses else public_socket
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=guard, ttl_dns_cache=60),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_OWN_HEADERS,
        auto_decompress=False,
        # Proxies named in the environment would be connected to in place of the receiver.
        trust_env=False,
    )


async def post_message(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]
) -> Said:
    """Post a body, and return what came of it; never raises for what a receiver or network does."""
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            await answer.content.read(_MOST_READ_BYTES)
            # What is left unread is not waited for.
            answer.close()
            return Said(answer.status, f"HTTP {answer.status}", answer.headers.get("Retry-After"))
    except TimeoutError:
        return Said(None, f"no answer within {TIMEOUT_SECONDS} seconds")
    except aiohttp.ClientConnectorError as error:
        return Said(None, f"cannot connect: {error.os_error.strerror or error.os_error}"[:300])
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Said(None, f"{type(error).__name__}: {error}"[:300])
