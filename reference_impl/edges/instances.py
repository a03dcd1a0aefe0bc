"""HTTP calls to gateway instances (contract, section 6), each with one deadline from connect to last byte."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import aiohttp

from reference_impl.edges.answers import PostAnswer, Roster, detailed_list, json_object, sessions_list

if TYPE_CHECKING:
    from reference_impl.settings import Settings

LONGEST_LIST = 32 * 1024 * 1024
"""Bytes: far above 10,000 sessions, far below what an endless answer could cost."""
LONGEST_POST_ANSWER = 1024 * 1024

UNUSABLE = (aiohttp.ClientError, OSError, EOFError, ValueError, RuntimeError)
"""What aiohttp raises for a broken instance: a timeout is an OSError, bad framing may be a ValueError, and a
connection lost at the wrong moment a RuntimeError."""


class InstanceClient:
    """Calls the configured instances and nobody else; use it inside the background loop only.

    It follows no redirects, uses no proxies and keeps no cookies. It never reuses a connection: only a connection of
    its own shows whether a call reached the instance.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def roster(self, base: str) -> Roster | None:
        """Ask an instance which sessions it holds; return None if it does not say so within the verify timeout.

        If its ``/health/detailed`` lists no session (the deployed dialect), it is asked again at ``/api/sessions``,
        within the same deadline.
        """
        key = quote(self._settings.api_key, safe="")
        try:
            async with asyncio.timeout(self._settings.verify_timeout):
                answer = await self._get(base, "/health/detailed")
                listed = None if answer is None else detailed_list(answer)
                if answer is not None and listed is None:
                    answer = await self._get(base, f"/api/sessions?api_key={key}")
                    listed = None if answer is None else sessions_list(answer)
        except UNUSABLE:
            return None
        return None if listed is None else Roster.of(listed)

    async def post_message(self, base: str, message: dict[str, object]) -> PostAnswer:
        """POST a message once and return what came back within the send timeout; never raise for a fault."""
        connected, status, body = asyncio.Event(), None, None
        try:
            async with (
                asyncio.timeout(self._settings.send_timeout),
                self._open().post(
                    self._url(base, "/api/messages/send"),
                    json={**message, "api_key": self._settings.api_key},
                    allow_redirects=False,
                    trace_request_ctx=connected,
                ) as response,
            ):
                status = response.status
                body = await _read(response, LONGEST_POST_ANSWER)
        except UNUSABLE:
            body = None
        return PostAnswer(connected.is_set(), status, body)

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    async def _get(self, base: str, target: str) -> dict[str, Any] | None:
        async with self._open().get(self._url(base, target), allow_redirects=False) as response:
            if response.status != 200:
                return None
            return json_object(await _read(response, LONGEST_LIST))

    def _url(self, base: str, target: str) -> str:
        if base not in self._settings.node_instances:
            raise LookupError(base)
        return base + target

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_connection_create_end.append(_note_connected)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                # asyncio.timeout around each call is the one deadline
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
                trace_configs=[trace],
                trust_env=False,
            )
        return self._session


async def _note_connected(_session: object, context: Any, _event: object) -> None:
    if context.trace_request_ctx is not None:
        context.trace_request_ctx.set()


async def _read(response: aiohttp.ClientResponse, longest: int) -> bytes:
    """Read the whole body; raise ValueError as soon as it is longer than ``longest`` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > longest:
            raise ValueError(longest)
    return bytes(body)
