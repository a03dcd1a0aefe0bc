"""Has work done by the workers of a Dask cluster, each of which has instances of its own (extra `campaign`)."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, TargetError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from types import ModuleType

FLEET = "fleet"
"""The resource of which a Dask worker has one for each piece of work that it can do at a time."""
_CONNECT_SECONDS = 10
_END_SECONDS = 40.0
_LOOK_SECONDS = 0.1
_under_way: set[str] = set()
"""The keys of what this process, a worker of a cluster, does now."""


def done(
    address: str,
    jobs: Mapping[str, Any],
    work: Callable[[Any, str, Callable[[], bool]], Any],
    tell: Callable[[str], None],
) -> Generator[tuple[str, Any]]:
    """Have jobs done, each given as JSON under a key of its own, and return keys and outcomes as they are ready.

    `work` is called on a worker with the job, the worker's name, and a function that says whether it is to stop.

    Whatever ends this, what is still under way on workers is stopped. `tell` is called with what is amiss.

    Raises:
        TargetError: Dask is not installed, no scheduler answers, or a worker has another harness or target.
        LaunchError: an implementation did not come up on a worker, twice.
        HarnessError: a job broke twice, or the scheduler was lost.
    """
    distributed = _distributed()
    # What it logs of a lost connection is pages long, and told below in a sentence.
    for name in [one for one in logging.root.manager.loggerDict if one.split(".")[0] == distributed.__name__]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as problem:
        raise TargetError(
            f"--scheduler {address}: no scheduler answers there ({problem}); `dask scheduler` starts one, and prints "
            "its address"
        ) from None
    with contextlib.closing(client):
        if not _has_fleets(client):
            tell(f"no worker has a fleet yet: dask worker {address} --nthreads 1 --resources {FLEET}=1")
        due = {
            client.submit(_do, work, job, key, pure=False, resources={FLEET: 1}, retries=1): key
            for key, job in jobs.items()
        }
        try:
            for future in distributed.as_completed(list(due), loop=client.loop):
                yield (key := due.pop(future)), _outcome(distributed, future, key)
        finally:
            # A scheduler that is lost is told already, and workers end with it.
            with contextlib.suppress(OSError):
                _end(client, due)


def _outcome(distributed: ModuleType, future: Any, key: str) -> Any:
    try:
        return future.result()
    except HarnessError:
        raise
    except distributed.CancelledError:
        raise HarnessError("the scheduler was lost; what is saved stays, so run it again") from None
    except Exception as problem:  # noqa: BLE001 - whatever a worker raises is told
        raise HarnessError(f"{key} could not be done: {problem!r}") from None


def _end(client: Any, due: dict[Any, str]) -> None:
    """Have workers stop what is under way, and wait until they have."""
    if not due:
        return
    client.cancel(list(due))
    keys, deadline = {*due.values()}, time.monotonic() + _END_SECONDS
    while time.monotonic() < deadline:
        told = client.run(done_now, on_error="ignore")
        if not any(keys & {*each} for each in told.values()):
            return
        time.sleep(_LOOK_SECONDS)


def _has_fleets(client: Any) -> bool:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return any(one["resources"].get(FLEET, 0) >= 1 for one in workers)


def _do(work: Callable[[Any, str, Callable[[], bool]], Any], job: Any, key: str) -> Any:
    """Do a job: what a worker of the cluster is given."""
    distributed = _distributed()
    worker = distributed.get_worker()
    task = worker.get_current_task()
    ending = {distributed.Status.closing, distributed.Status.closed, distributed.Status.failed}

    def is_stopped() -> bool:
        # Nothing interrupts a thread of Dask. But the worker is told when nobody wants a job any more: the client has
        # ended it, or the scheduler has seen its process end.
        known = worker.state.tasks.get(task)
        return known is None or known.state == "cancelled" or worker.status in ending

    _under_way.add(key)
    try:
        return work(job, str(worker.name), is_stopped)
    finally:
        _under_way.discard(key)


def done_now() -> list[str]:
    """Return the keys of what this worker does now."""
    return sorted(_under_way)


def _distributed() -> ModuleType:
    try:
        import distributed  # noqa: PLC0415 - an extra
    except ImportError as problem:
        raise TargetError(
            f"--scheduler needs Dask ({problem}): pip install 'instance-sync[campaign]'"
        ) from None
    return distributed
