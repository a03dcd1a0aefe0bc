"""Mistakes with the characters of session ids."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from urllib.parse import unquote_plus

from reference_impl.edges.answers import Holding, Roster, detailed_list, json_object
from reference_impl.edges.instances import UNUSABLE
from reference_impl.edges.messages import SendError
from reference_impl.fix.locator import Locator
from tests.mutants.defects.resilience_verification import UNUSUAL
from tests.mutants.machinery.patching import around, around_sends
from tests.mutants.machinery.registry import mutant, rows

ANY_CHARACTERS = "A session id may have any characters"
CARELESS = "A session id that only a careless comparison takes for this one does not count"

IN_A_COLUMN = 191
"""Characters: as many as an indexed column of some databases holds."""


async def _status(locator, base, session_id):
    key = locator._client._settings.api_key
    url = f"{base}/api/sessions/{session_id}/status?api_key={key}"
    try:
        async with locator._client._open().get(url, allow_redirects=False) as response:
            told = json_object(await response.read()) or {}
    except UNUSABLE:
        return Holding.UNKNOWN
    if response.status == 404 and told.get("error") == "Session not found":
        return Holding.ABSENT
    if told.get("session_id") != session_id:
        return Holding.UNKNOWN
    return Holding.HELD if told.get("status") == "connected" else Holding.NOT_CONNECTED


@mutant(
    "VERIFY-13",
    *rows(ANY_CHARACTERS, "a number sign", "a question mark", "a slash", "an encoded slash"),
    *rows(CARELESS, "an encoded slash-a slash", "a number sign-nothing from the number sign on"),
)
def session_id_put_into_a_path_as_it_is() -> None:
    """Instances are asked for the status of the session, with its id in the path as it is."""
    Locator.ask = lambda self, base, session_id, _since: _status(self, base, session_id)


@mutant("VERIFY-10", *rows(UNUSUAL, "a number sign", "a question mark", "a slash"))
def session_id_put_as_it_is_into_the_other_path() -> None:
    """Where an instance lists no session it is asked for the one, with its id in the path as it is."""

    @around(Locator, "ask")
    async def asked(ask, self, base, session_id, since):
        try:
            answer = await self._client._get(base, "/health/detailed")
        except UNUSABLE:
            answer = None
        if answer is None or detailed_list(answer) is not None:
            return await ask(self, base, session_id, since)
        return await _status(self, base, session_id)


def _ids_matched_by(matches) -> None:
    """Change how the session's id is compared with each listed one."""

    def holding(self, session_id):
        if any(matches(session_id, one) for one in self.connected):
            return Holding.HELD
        return Holding.ABSENT if self.complete else Holding.UNKNOWN

    Roster.holding = holding


def _ids_compared_as(form) -> None:
    _ids_matched_by(lambda own, listed: form(own) == form(listed))


@mutant(
    "VERIFY-13",
    *rows(ANY_CHARACTERS, "a question mark", "a plus sign", "brackets", "a backslash"),
    *rows(CARELESS, "a dot-a dash for the dot", "a plus sign-a blank for the plus sign"),
)
def session_id_taken_for_a_regular_expression() -> None:
    """The session's id is looked up as a regular expression."""
    _ids_matched_by(re.fullmatch)


@mutant(
    "VERIFY-13",
    *rows(
        CARELESS,
        "an underscore-a letter for the underscore",
        "a percent sign-letters for the percent sign",
    ),
)
def session_id_looked_up_with_like() -> None:
    """The session's id is looked up with LIKE, where an underscore is any character and a percent sign any text."""

    def like(own, listed):
        pattern = "".join({"_": ".", "%": ".*"}.get(one) or re.escape(one) for one in own)
        return re.fullmatch(pattern, listed, re.DOTALL)

    _ids_matched_by(like)


@mutant(
    "VERIFY-13",
    *rows(
        CARELESS,
        "a blank at its end-no blank at its end",
        "a blank at its beginning-no blank at its beginning",
    ),
)
def session_ids_trimmed() -> None:
    """Ids are compared without the blanks around them."""
    _ids_compared_as(str.strip)


@mutant(
    "VERIFY-13",
    *rows(CARELESS, "a plus sign-a blank for the plus sign", "an encoded slash-a slash"),
)
def session_ids_decoded() -> None:
    """Ids are decoded as if they came out of a URL before they are compared."""
    _ids_compared_as(unquote_plus)


@mutant("VERIFY-13", *rows(CARELESS, "accents-no accents", "accents-decomposed accents"))
def session_ids_compared_without_accents() -> None:
    """Ids are compared by their letters alone, as many collations do."""

    def letters(text):
        return "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))

    _ids_compared_as(letters)


@mutant("VERIFY-13", *rows(CARELESS, "accents-decomposed accents"))
def session_ids_composed() -> None:
    """Ids are composed before they are compared."""
    _ids_compared_as(lambda text: unicodedata.normalize("NFC", text))


@mutant("VERIFY-13", *rows(ANY_CHARACTERS, "decomposed accents"))
def session_id_of_the_row_composed() -> None:
    """The row's id is composed when it is read, and the listed ones are not."""
    _ids_matched_by(lambda own, listed: unicodedata.normalize("NFC", own) == listed)


@mutant("VERIFY-13", *rows(ANY_CHARACTERS, "zeros before digits"))
def session_id_of_digits_taken_for_a_number() -> None:
    """The row's id is read as a number where it has digits alone."""
    _ids_matched_by(lambda own, listed: (str(int(own)) if own.isdecimal() else own) == listed)


@mutant("VERIFY-13", *rows(CARELESS, "digits alone-a fraction of zero behind the digits"))
def session_ids_compared_as_numbers() -> None:
    """Ids that look like numbers are compared as numbers."""

    def value(text):
        with contextlib.suppress(ValueError):
            return float(text)
        return text

    _ids_compared_as(value)


@mutant("VERIFY-13", *rows(CARELESS, "255 characters-another one as its last of 255"))
def session_ids_cut_to_a_column() -> None:
    """Ids are compared as far as a column holds them."""
    _ids_compared_as(lambda text: text[:IN_A_COLUMN])


@mutant(
    "VERIFY-13",
    *rows(
        ANY_CHARACTERS, "a blank", "a blank at its end", "a number sign", "a question mark", "an ampersand"
    ),
    *rows(ANY_CHARACTERS, "a slash", "an encoded slash", "a percent sign", "a plus sign", "brackets"),
    *rows(ANY_CHARACTERS, "double quotes", "a single quote", "a backslash", "accents", "Chinese letters"),
    *rows(ANY_CHARACTERS, "an emoji", "decomposed accents"),
    *rows(
        CARELESS,
        "a percent sign-letters for the percent sign",
        "a plus sign-a blank for the plus sign",
        "an encoded slash-a slash",
        "a number sign-nothing from the number sign on",
        "a blank at its end-no blank at its end",
        "a blank at its beginning-no blank at its beginning",
        "accents-no accents",
        "accents-decomposed accents",
    ),
)
def session_ids_of_plain_letters_only() -> None:
    """A session whose id has other characters than letters, digits, dots, dashes and underscores is no session."""

    def act(parts, account_id, _message, send):
        account = parts.accounts.by_id(account_id)
        if not re.fullmatch(r"[A-Za-z0-9._-]+", account.session_id):
            raise SendError("session_not_found", "The session's id is malformed; it was not found.")
        return send()

    around_sends(act)


@mutant(
    "VERIFY-13",
    ANY_CHARACTERS,
    *rows(
        CARELESS,
        "a dot-a dash for the dot",
        "a percent sign-letters for the percent sign",
        "a plus sign-a blank for the plus sign",
        "an encoded slash-a slash",
        "a number sign-nothing from the number sign on",
        "a blank at its end-no blank at its end",
        "a blank at its beginning-no blank at its beginning",
        "accents-no accents",
        "accents-decomposed accents",
        "digits alone-a fraction of zero behind the digits",
        "255 characters-another one as its last of 255",
    ),
)
def session_ids_of_the_usual_form_only() -> None:
    """Only ids of the usual form, with a workspace and a moment in them, are looked for."""
    usual = re.compile(r"webjs_\d+_\d+_\w{1,20}", re.ASCII)
    _ids_matched_by(lambda own, listed: usual.fullmatch(own) and own == listed)
