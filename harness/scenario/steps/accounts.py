"""Phrases about accounts and their rows."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_bdd import given, then
from pytest_bdd.parsers import parse

from harness.checks import sending
from harness.incident import INCIDENT_ACCOUNT, INCIDENT_PHONE, INCIDENT_SESSION
from harness.scenario.actions import action

if TYPE_CHECKING:
    from collections.abc import Callable

    from fake_instances import Session
    from harness.scenario.world import World

_IDS: dict[str, Callable[[str], str]] = {
    "a blank": lambda own: f"{own} east",
    "a blank at its end": lambda own: f"{own} ",
    "no blank at its end": lambda own: own,
    "a blank at its beginning": lambda own: f" {own}",
    "no blank at its beginning": lambda own: own,
    "a number sign": lambda own: f"{own}#1",
    "nothing from the number sign on": lambda own: own,
    "a question mark": lambda own: f"{own}?1",
    "an ampersand": lambda own: f"{own}&id=1",
    "a slash": lambda own: f"{own}/east",
    "an encoded slash": lambda own: f"{own}%2Feast",
    "a percent sign": lambda own: f"{own}%off",
    "letters for the percent sign": lambda own: f"{own}-is-off",
    "a plus sign": lambda own: f"{own}+1",
    "a blank for the plus sign": lambda own: f"{own} 1",
    "a dot": lambda own: f"{own}.41",
    "a dash for the dot": lambda own: f"{own}-41",
    "an underscore": lambda own: f"{own}_41",
    "a letter for the underscore": lambda own: f"{own}x41",
    "dots": lambda own: f"../{own}.",
    "brackets": lambda own: f"{own}[1](2)*",
    "double quotes": lambda own: f'{own}"1"',
    "a single quote": lambda own: f"{own}'s",
    "a backslash": lambda own: rf"{own}\n1",
    "accents": lambda own: f"{own}-jos\u00e9",
    "no accents": lambda own: f"{own}-jose",
    "decomposed accents": lambda own: f"{own}-jose\u0301",
    "Chinese letters": lambda own: f"{own}-\u9500\u552e",
    "an emoji": lambda own: f"{own}-\U0001f4e6",
    "digits alone": lambda own: f"1{zlib.crc32(own.encode()):010d}",
    "a fraction of zero behind the digits": lambda own: f"1{zlib.crc32(own.encode()):010d}.0",
    "zeros before digits": lambda own: f"00{zlib.crc32(own.encode()):010d}",
    "255 characters": lambda own: own.ljust(255, "x"),
    "another one as its last of 255": lambda own: own.ljust(254, "x") + "y",
}
"""Session ids by what they have, made of one that was never used before."""


@action(
    "an account whose session lives on instance {number}",
    also=["another account whose session lives on instance {number}"],
)
def account_on(world: World, number: int) -> None:
    """Make an account whose row is assigned to the holder."""
    world.new_account(on=number, assigned=world.fleet.url(number))


@action("an account on instance {number} whose session id has {characters}", characters=_IDS)
def account_with_id(world: World, number: int, characters: str) -> None:
    """Make an account with an unusual session id, whose row is assigned to the holder."""
    unused = world.new_session().session_id
    session = world.new_session(_IDS[characters](unused))
    world.new_account(on=number, assigned=world.fleet.url(number), session=session, id_of=unused)


@action("instance {number} holds a session whose id has {characters} and is else the same", characters=_IDS)
def holds_else_the_same(world: World, number: int, characters: str) -> None:
    """Put another tenant's session on an instance, whose id only a careless comparison takes for the account's."""
    world.fleet.hold(world.new_session(_IDS[characters](world.account.id_of)), number)


@action(
    "two accounts on instance {number} with wrong rows, of which the first's session id has {others}, "
    "and the other's {characters} and is else the same",
    others=_IDS,
    characters=_IDS,
)
def else_the_same(world: World, number: int, others: str, characters: str) -> None:
    """Make an account, and behind it another, whose session id only a careless search takes for the first one's."""
    one = world.new_session()
    # Of one workspace and phone number, by which a search may go too.
    _put_wrongly(
        world, number, *(replace(one, session_id=_IDS[has](one.session_id)) for has in (others, characters))
    )


@action("two accounts of one workspace and phone number, both on instance {number} and with wrong rows")
def one_phone_number(world: World, number: int) -> None:
    """Make two accounts that have all in common but their session, as when a phone was connected anew."""
    session = world.new_session()
    _put_wrongly(world, number, replace(session, session_id=world.new_session().session_id), session)


def _put_wrongly(world: World, number: int, *sessions: Session) -> None:
    wrong = next(one for one in world.fleet.numbers if one != number)
    for session in sessions:
        world.new_account(on=number, assigned=world.fleet.url(wrong), session=session)


@action("four accounts whose sessions live on an instance each")
def account_on_each(world: World) -> None:
    """Make an account on every instance."""
    for number in world.fleet.numbers:
        world.new_account(on=number, assigned=world.fleet.url(number))


@action("another account of the same workspace whose session lives on instance {number}")
def account_of_same_workspace(world: World, number: int) -> None:
    """Make another account of the first one's workspace, with its row assigned to the holder."""
    session = replace(world.new_session(), workspace_id=world.account.session.workspace_id)
    world.new_account(on=number, assigned=world.fleet.url(number), session=session)


@action("another account whose session id begins like the account's")
def account_with_longer_id(world: World) -> None:
    """Make another account, whose session id is the first one's plus a digit, and which no instance holds."""
    session = world.new_session(world.account.session_id + "2")
    world.new_account(on=None, assigned=None, session=session)


@action("an account whose session lives on no instance and whose row is assigned to instance {number}")
def account_nowhere(world: World, number: int) -> None:
    """Make an account whose session no instance holds."""
    world.new_account(on=None, assigned=world.fleet.url(number))


@given(parse("account 142 whose session lives on instance {number:d}"))
def account_142(world: World, number: int) -> None:
    """Make the document's account, with its row assigned to the holder."""
    world.new_account(on=number, assigned=world.fleet.url(number), account_id=INCIDENT_ACCOUNT)


@given(parse("account 142 of the incident, whose session is first on instance {number:d}"))
def incident(world: World, number: int) -> None:
    """Make the incident's account: its id, session and phone number."""
    session = world.new_session(INCIDENT_SESSION, INCIDENT_PHONE)
    world.new_account(
        on=number, assigned=world.fleet.url(number), account_id=INCIDENT_ACCOUNT, session=session
    )


@action("someone sets the row to instance {number} by hand", given="its row is assigned to instance {number}")
def set_row(world: World, number: int) -> None:
    """Write the row's assigned instance."""
    world.assign(world.fleet.url(number))


@action(
    "someone sets the other account's row to instance {number} by hand",
    given="the other account's row is assigned to instance {number}",
)
def set_other_row(world: World, number: int) -> None:
    """Write the assigned instance of the second account's row."""
    world.assign(world.fleet.url(number), world.other_account)


@action(
    "someone sets the row to instance {number} with a slash behind",
    given="its row is assigned to instance {number} with a slash behind",
)
def set_row_with_slash(world: World, number: int) -> None:
    """Write the instance's URL as some forms and seeders do."""
    world.assign(f"{world.fleet.url(number)}/")


@action('someone sets the row\'s status to "{status}"', given='its row has status "{status}"')
def set_row_status(world: World, status: str) -> None:
    """Write a status that need not be true."""
    world.set_status(status)


@given("its row is disconnected")
def row_is_disconnected(world: World) -> None:
    """Write a status that the next webhook must change."""
    world.set_status("disconnected")


@action("someone sets the row to no instance", given="its row is assigned to no instance")
def set_row_to_none(world: World) -> None:
    """Write null into the row's assigned instance."""
    world.assign(None)


@given(parse("the row still says connected and instance {number:d}"))
def row_still_says(world: World, number: int) -> None:
    """Check the symptom: a row that looks right but is wrong."""
    sending.column_is(world.row(), "status", "connected")
    world.check_assigned(number)


@given(parse("the row has been read and says instance {number:d}"))
@then(parse("the row is assigned to instance {number:d}"))
def row_is_assigned(world: World, number: int) -> None:
    """Check where the row points."""
    world.eventually(lambda: world.check_assigned(number))


@then("the row was not written")
def row_not_written(world: World) -> None:
    """Check that the row is as it was before the last action."""
    world.let_pass()
    sending.row_untouched(world.row_before(), world.row(), "the row")


@then(parse("the row is still assigned to instance {number:d}"))
def row_still_assigned(world: World, number: int) -> None:
    """Check that the URL did not move. Other columns may have been written."""
    world.let_pass()
    world.check_assigned(number)


@then("every other account's row was not written")
def other_rows_not_written(world: World) -> None:
    """Check that no row but the first account's was touched."""
    world.let_pass()
    sending.rows_untouched([(one.id, world.row_before(one), world.row(one)) for one in world.accounts[1:]])


@then(parse('the row has status "{status}"'))
def row_has_status(world: World, status: str) -> None:
    """Check the row's status."""
    world.eventually(lambda: sending.column_is(world.row(), "status", status))


@then(parse('the row has phone number "{phone_number}"'))
def row_has_phone_number(world: World, phone_number: str) -> None:
    """Check the row's phone number."""
    world.eventually(lambda: sending.column_is(world.row(), "phone_number", phone_number))


@then("the row keeps its phone number")
def row_keeps_phone_number(world: World) -> None:
    """Check that the stored phone number survived."""
    world.let_pass()
    sending.column_is(world.row(), "phone_number", world.account.session.phone_number)
