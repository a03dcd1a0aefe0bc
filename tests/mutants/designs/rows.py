"""Sound designs: the table's name, its columns, and how it stores URLs."""

from __future__ import annotations

import os

from harness.catalogue.requirements import Profile
from reference_impl.edges.accounts import ACCOUNTS, Accounts, connect
from reference_impl.fix.syncs import Syncs
from tests.mutants.machinery.patching import around
from tests.mutants.machinery.registry import OPERATIONS, sound_design


@sound_design
def urls_stored_with_a_slash() -> None:
    """Every move of a row writes the URL with a slash at its end."""

    @around(Accounts, "write_if_unmoved")
    def written(write, self, account, changes):
        url = changes.get("assigned_instance_url")
        slashed = {} if url is None else {"assigned_instance_url": f"{url}/"}
        return write(self, account, {**changes, **slashed})


@sound_design(profiles=(Profile.CORE, *OPERATIONS))
def rows_have_a_column_of_its_own() -> None:
    """The table has one more column, with a default, that counts the moves of a row."""
    engine = connect(os.environ["DATABASE_URL"])
    with engine.connect() as connection:
        columns = [one[1] for one in connection.exec_driver_sql("PRAGMA table_info(whatsapp_accounts)")]
        if "moves" not in columns:
            connection.exec_driver_sql(
                "ALTER TABLE whatsapp_accounts ADD COLUMN moves INTEGER NOT NULL DEFAULT 0"
            )

    @around(Syncs, "write")
    def written(write, self, view, new_url, *, source, **more):
        done = write(self, view, new_url, source=source, **more)
        if done and (view.account.assigned_instance_url or "").removesuffix("/") != new_url:
            with engine.connect() as connection:
                connection.exec_driver_sql(
                    "UPDATE whatsapp_accounts SET moves = moves + 1 WHERE id = ?", (view.account.id,)
                )
        return done


@sound_design(target='\n[state]\ntable = "gateway_accounts"\n', profiles=(Profile.CORE, *OPERATIONS))
def table_of_another_name() -> None:
    """The table has another name."""
    ACCOUNTS.name = ACCOUNTS.fullname = "gateway_accounts"
