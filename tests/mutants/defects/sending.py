"""Mistakes in posting a message, and in what the user learns about it."""

from __future__ import annotations

import html
import threading
import unicodedata
from concurrent.futures import Future
from dataclasses import replace

from reference_impl import server
from reference_impl.edges.answers import Outcome, judge_post
from reference_impl.edges.messages import Message, SendError
from reference_impl.fix import sender
from tests.mutants.machinery.patching import around, around_sends, around_webhooks, with_text
from tests.mutants.machinery.registry import mutant, rows

ANY_TEXT = "Any text arrives unchanged"
ANY_RECIPIENT = "Any recipient arrives unchanged"
TYPED = "The type of a message is handed on"
UNTYPED = "A message without a type is a text"
NOT_EXCHANGED = "Messages to different people at the same time are not exchanged"
SAME_WORDS = "The same words to different people at the same time are as many messages"
ANY_STATUS = "The status in the row keeps no message back"
HANGING = "Eight sends that hang on one instance do not hold up a send elsewhere"
REFUSED = "A message that the instance refuses is not reported as sent"
NOT_LATER = "A message that was not sent does not go out later"

LONGEST_NUMBER = 20
LONGEST = 4096
"""Bytes that some gateways take in a message."""


@mutant(
    "SEND-01",
    *rows(ANY_TEXT, "emoji-3003", "emoji-3002", "right-to-left-3003", "decomposed letters-3003"),
    *rows(ANY_TEXT, "invisible characters-3003", "4,000 letters of many scripts-3003"),
)
def text_made_plain_ascii() -> None:
    """Characters outside ASCII are dropped."""
    with_text(lambda text: text.encode("ascii", "ignore").decode())


@mutant(
    "SEND-01",
    *rows(ANY_TEXT, "emoji-3003", "emoji-3002", "right-to-left-3003", "decomposed letters-3003"),
    *rows(ANY_TEXT, "invisible characters-3003", "4,000 letters of many scripts-3003"),
)
def bodies_read_as_latin_1() -> None:
    """The body of a request is read as Latin-1: of a letter outside ASCII each byte becomes a letter."""
    parse = Message.parse
    Message.parse = staticmethod(lambda body: parse(body.decode("latin-1").encode()))  # type: ignore[assignment]


@mutant("SEND-01", *rows(ANY_TEXT, "4,000 characters-3003", "4,000 letters of many scripts-3003"))
def text_cut_at_1000() -> None:
    """A long text is cut off after 1,000 characters."""
    with_text(lambda text: text[:1000])


@mutant(
    "SEND-01",
    *rows(ANY_TEXT, "newlines-3003", "blanks around it-3003", "invisible characters-3003"),
)
def line_breaks_made_blanks() -> None:
    """White space is collapsed, line breaks too."""
    with_text(lambda text: " ".join(text.split()))


@mutant("SEND-01", *rows(ANY_TEXT, "blanks around it-3003"))
def text_trimmed() -> None:
    """White space around the text is removed."""
    with_text(str.strip)


@mutant("SEND-01", *rows(ANY_TEXT, "quotes-3003"))
def text_escaped_for_html() -> None:
    """The text is escaped for HTML."""
    with_text(html.escape)


@mutant("SEND-01", *rows(ANY_TEXT, "decomposed letters-3003"))
def text_composed() -> None:
    """Letters and their marks are composed, as some databases and clients do."""
    with_text(lambda text: unicodedata.normalize("NFC", text))


@mutant("SEND-01", *rows(ANY_TEXT, "invisible characters-3003", "emoji-3003", "emoji-3002"))
def text_without_what_cannot_be_seen() -> None:
    """Characters that only format are removed, those that join an emoji too."""
    with_text(lambda text: "".join(one for one in text if unicodedata.category(one) != "Cf"))


@mutant("SEND-01", *rows(ANY_TEXT, "4,000 letters of many scripts-3003"))
def text_cut_at_4096_bytes() -> None:
    """A text is cut off after 4,096 bytes, which are as many characters in English only."""
    with_text(lambda text: text.encode()[:LONGEST].decode(errors="ignore"))


@mutant("SEND-01", *rows(ANY_TEXT, "digits alone-3003", "the word null-3003"))
def text_taken_for_a_value() -> None:
    """A text that looks like a number or like nothing is taken for it."""

    def read(text):
        if text.isascii() and text.isdecimal() and len(text) < LONGEST_NUMBER:
            return str(int(text))
        return "-" if text == "null" else text

    with_text(read)


def _with_recipient(change) -> None:
    """Give instances another recipient than the user's."""

    @around(Message, "payload")
    def changed(payload, self, account):
        return payload(replace(self, recipient_phone=change(self.recipient_phone)), account)


@mutant("SEND-01", ANY_TEXT, ANY_RECIPIENT)
def recipient_rewritten() -> None:
    """The recipient is given the prefix of an international call."""
    _with_recipient(lambda recipient: f"00{recipient}")


@mutant("SEND-01", *rows(ANY_RECIPIENT, "with a plus"))
def recipient_without_its_plus() -> None:
    """The plus of an international number is dropped."""
    _with_recipient(lambda recipient: recipient.removeprefix("+"))


@mutant("SEND-01", *rows(ANY_RECIPIENT, "with @c.us behind", "with @lid behind"))
def recipient_without_its_suffix() -> None:
    """Whatever stands behind an @ in the recipient is dropped."""
    _with_recipient(lambda recipient: recipient.partition("@")[0])


@mutant("SEND-01", ANY_TEXT, *rows(ANY_RECIPIENT, "of digits alone", "with a plus", "with @lid behind"))
def recipient_made_an_address() -> None:
    """Every recipient is written as digits with @c.us behind."""
    _with_recipient(lambda recipient: f"{recipient.removeprefix('+').partition('@')[0]}@c.us")


@mutant("SEND-01", ANY_TEXT, ANY_RECIPIENT)
def first_recipient_for_all() -> None:
    """Every message goes to the person to whom the first one went."""
    first = []

    def chosen(recipient):
        first.append(recipient)
        return first[0]

    _with_recipient(chosen)


@mutant("SEND-01", TYPED)
def every_message_a_text() -> None:
    """Instances are given every message as a text, whatever its type."""

    @around(Message, "payload")
    def untyped(payload, self, account):
        return {**payload(self, account), "type": "text"}


@mutant("SEND-01", TYPED, UNTYPED)
def type_left_out() -> None:
    """Instances are not given the type of a message."""

    @around(Message, "payload")
    def untyped(payload, self, account):
        return {name: value for name, value in payload(self, account).items() if name != "type"}


def _kept_in_one_place(part) -> None:
    """Keep a part of the message that is being sent in one place for all requests."""
    parse, current = Message.parse.__func__, {}

    def parsed(cls, body):
        message = parse(cls, body)
        current[part] = getattr(message, part)
        return message

    @around(Message, "payload")
    def exchanged(payload, self, account):
        return payload(replace(self, **current), account)

    Message.parse = classmethod(parsed)


@mutant("SEND-16", NOT_EXCHANGED, SAME_WORDS)
def recipient_kept_in_one_place() -> None:
    """The recipient is kept in one place for all requests, as in a service that lives as long as its worker."""
    _kept_in_one_place("recipient_phone")


@mutant("SEND-16", NOT_EXCHANGED)
def text_kept_in_one_place() -> None:
    """The text is kept in one place for all requests."""
    _kept_in_one_place("text")


@mutant("SEND-16", SAME_WORDS)
def same_words_at_the_same_time_sent_once() -> None:
    """A message with the words of one that is on its way waits for it, and is told the same."""
    under_way, lock = {}, threading.Lock()

    def act(_parts, account_id, message, send):
        key = account_id, message.text
        with lock:
            first = key not in under_way
            one = under_way.setdefault(key, Future())
        if not first:
            return one.result()
        try:
            one.set_result(send())
        except SendError as error:
            one.set_exception(error)
        with lock:
            del under_way[key]
        return one.result()

    around_sends(act)


@mutant("SEND-16", NOT_EXCHANGED)
def answer_kept_in_one_place() -> None:
    """What users are told is kept in one place for all requests."""
    told = {}

    def act(_parts, _account_id, _message, send):
        told["sent"] = send()
        threading.Event().wait(0.05)
        return told["sent"]

    around_sends(act)


def _barred(statuses) -> None:
    """Refuse to send where the row has one of these statuses."""

    def act(parts, account_id, _message, send):
        account = parts.accounts.by_id(account_id)
        if account is not None and account.status in statuses:
            raise SendError("session_not_found", "The account is not connected: its session was not found.")
        return send()

    around_sends(act)


@mutant("SEND-12", ANY_STATUS)
def stored_status_bars_messages() -> None:
    """A message is refused unless the row says that the account is connected."""
    _barred({"disconnected", "qr_scanning", "authenticated", "failed"})


@mutant("SEND-12", *rows(ANY_STATUS, "failed-3002"))
def failed_accounts_barred() -> None:
    """A message is refused where the row says that the account has failed."""
    _barred({"failed"})


def _judge(answer, sent):
    return Outcome.SENT if answer.status in sent else judge_post(answer)


@mutant("SEND-02", REFUSED)
def every_answer_counts_as_sent() -> None:
    """Every answer of an instance counts as sent."""
    sender.judge_post = lambda answer: _judge(answer, range(100, 600))


@mutant("SEND-02", *rows(REFUSED, "404"))
def not_found_counts_as_queued() -> None:
    """A 404 is reported as sent, for a retry that never happens."""
    sender.judge_post = lambda answer: _judge(answer, range(404, 405))


@mutant("SEND-02", *rows(REFUSED, "302"))
def redirect_counts_as_sent() -> None:
    """Every answer below 400 counts as sent."""
    sender.judge_post = lambda answer: _judge(answer, range(200, 400))


@mutant("SEND-02", *rows(REFUSED, "429"))
def too_many_requests_count_as_queued() -> None:
    """A 429 is reported as sent, for a retry that never happens."""
    sender.judge_post = lambda answer: _judge(answer, range(429, 430))


@mutant("SEND-02", NOT_LATER)
def refused_message_kept_for_the_next_webhook() -> None:
    """A message that an instance refused is reported as not sent, and sent once the session announces itself."""
    kept = {}

    def act(_parts, account_id, _message, send):
        try:
            return send()
        except SendError as error:
            if error.code == "rejected_by_instance":
                kept[account_id] = send
            raise

    def heard(_parts, account, _delivery, own):
        done = own()
        if account.id in kept:
            kept.pop(account.id)()
        return done

    around_sends(act)
    around_webhooks(heard)


@mutant("SEND-10", HANGING)
def one_send_at_a_time() -> None:
    """A lock around sending lets one message through at a time."""
    lock = threading.Lock()

    def act(_parts, _account_id, _message, send):
        with lock:
            return send()

    around_sends(act)


@mutant("SEND-10", HANGING)
def eight_workers() -> None:
    """Eight workers serve everyone, and each waits for its message."""
    server.THREADS = 8
