"""Mistakes in finding the row of the session that a webhook names."""

from __future__ import annotations

import contextlib
import threading
import unicodedata
from urllib.parse import unquote_plus

from sqlalchemy import func

from reference_impl.edges.accounts import ACCOUNTS, Accounts
from reference_impl.fix.webhooks import Event
from tests.mutants.defects.webhook_forms import ANY_NAME
from tests.mutants.defects.webhooks import ALIKE, CARELESS, ONE_PHONE
from tests.mutants.machinery.patching import around
from tests.mutants.machinery.registry import mutant, rows


def sought_by(where) -> None:
    """Find the account of a session by another condition, the first of those that meet it."""

    def by_session(self, session_id):
        return next(iter(self._read(where(session_id))), None)

    Accounts.by_session = by_session


@mutant(
    "WEBHOOK-08",
    *rows(ALIKE, "differs in case from", "has hyphens for the underscores of"),
    *rows(CARELESS, "a percent sign-letters for the percent sign"),
)
def session_sought_as_a_pattern() -> None:
    """A session's id is taken for a pattern, in which a line stands for any sign, and case counts for nothing."""
    sought_by(ACCOUNTS.c.session_id.like)


@mutant("WEBHOOK-08", *rows(ALIKE, "differs in case from"))
def session_sought_without_case() -> None:
    """A session's id is compared without regard to case, as many databases do by default."""
    sought_by(lambda session_id: func.lower(ACCOUNTS.c.session_id) == session_id.lower())


@mutant(
    "WEBHOOK-08",
    *rows(ALIKE, "begins like", "ends like"),
    *rows(CARELESS, "no blank at its end-a blank at its end"),
)
def session_sought_as_a_part() -> None:
    """A row is found whose session id contains the one that is sought."""
    sought_by(lambda session_id: func.instr(ACCOUNTS.c.session_id, session_id) > 0)


@mutant(
    "WEBHOOK-08",
    *rows(ALIKE, "is the beginning of"),
    *rows(
        CARELESS,
        "a blank at its end-no blank at its end",
        "a fraction of zero behind the digits-digits alone",
    ),
)
def session_sought_by_what_it_begins_with() -> None:
    """A row is found whose session id is how the one that is sought begins."""
    sought_by(lambda session_id: func.instr(session_id, ACCOUNTS.c.session_id) == 1)


def _sought_first(where) -> None:
    """Take the first row that meets another condition on the webhook, and seek its session only where none does."""
    parse, under_way = Event.parse.__func__, threading.local()

    def parsed(cls, body):
        under_way.event = parse(cls, body)
        return under_way.event

    @around(Accounts, "by_session")
    def sought(seek, self, session_id):
        return next(iter(self._read(where(under_way.event))), None) or seek(self, session_id)

    Event.parse = classmethod(parsed)


def _compared_as(form) -> None:
    """Compare session ids by a form of each, and take the first row that is the same."""

    def by_session(self, session_id):
        every = self.with_session()
        return next((one for one in every if form(one.session_id) == form(session_id)), None)

    Accounts.by_session = by_session


def _sought_as(form) -> None:
    """Look for another form of the id that the webhook names."""

    @around(Accounts, "by_session")
    def sought(seek, self, session_id):
        return seek(self, form(session_id))


@mutant(
    "WEBHOOK-08",
    *rows(ANY_NAME, "an encoded slash", "a plus sign"),
    *rows(CARELESS, "a plus sign-a blank for the plus sign", "an encoded slash-a slash"),
)
def session_ids_decoded_like_an_address() -> None:
    """A session id is decoded as if it came in an address."""
    _sought_as(unquote_plus)


@mutant(
    "WEBHOOK-08",
    *rows(
        CARELESS,
        "a blank at its end-no blank at its end",
        "a blank at its beginning-no blank at its beginning",
    ),
)
def texts_of_a_webhook_trimmed() -> None:
    """Blanks around the texts of a body are taken off before anybody reads them, as some frameworks do."""
    _sought_as(str.strip)


@mutant(
    "WEBHOOK-08",
    *rows(CARELESS, "a blank at its end-no blank at its end", "no blank at its end-a blank at its end"),
)
def blanks_at_the_end_of_an_id_ignored() -> None:
    """Ids are compared without the blanks at their end, as columns of a fixed length are."""
    sought_by(lambda session_id: func.rtrim(ACCOUNTS.c.session_id) == session_id.rstrip(" "))


@mutant("WEBHOOK-08", *rows(CARELESS, "accents-no accents", "decomposed accents-accents"))
def session_sought_without_accents() -> None:
    """Session ids are compared without their accents, as many collations do."""

    def letters(text):
        return "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))

    _compared_as(letters)


@mutant("WEBHOOK-08", *rows(CARELESS, "decomposed accents-accents"))
def session_ids_of_webhooks_composed() -> None:
    """The id that a webhook names is composed before its row is looked for."""
    _sought_as(lambda text: unicodedata.normalize("NFC", text))


@mutant(
    "WEBHOOK-08",
    *rows(ALIKE, "differs in case from"),
)
def session_sought_without_case_in_its_workspace() -> None:
    """Rows are sought by workspace and session id, and the database compares texts without regard to case."""
    _sought_first(
        lambda event: (
            (ACCOUNTS.c.workspace_id == event.workspace_id)
            & (func.lower(ACCOUNTS.c.session_id) == event.session_id.lower())
        )
    )


@mutant("WEBHOOK-08", *rows(CARELESS, "a fraction of zero behind the digits-digits alone"))
def session_sought_as_a_number() -> None:
    """Ids that look like numbers are compared as numbers, as some languages do with texts."""

    def value(text):
        with contextlib.suppress(ValueError):
            return float(text)
        return text

    _compared_as(value)


@mutant("WEBHOOK-08", *rows(CARELESS, "255 characters-another one as its last of 255"))
def session_sought_as_far_as_an_index_goes() -> None:
    """Session ids are compared by the 191 characters that an index of the column holds."""
    _compared_as(lambda text: text[:191])


@mutant("WEBHOOK-08", ONE_PHONE, ALIKE, CARELESS)
def row_sought_by_the_phone_number() -> None:
    """The row is found by workspace and phone number, and by the session's id only where that finds none."""
    _sought_first(
        lambda event: (
            (ACCOUNTS.c.workspace_id == event.workspace_id) & (ACCOUNTS.c.phone_number == event.phone_number)
        )
    )


@mutant(
    "WEBHOOK-08",
    ONE_PHONE,
    ALIKE,
    CARELESS,
)
def row_sought_by_the_workspace() -> None:
    """The row is found by its workspace, and by the session's id only where that finds none."""
    _sought_first(lambda event: ACCOUNTS.c.workspace_id == event.workspace_id)
