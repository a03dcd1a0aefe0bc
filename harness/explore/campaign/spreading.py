"""Has units told: by several programs of this machine, or by the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, TargetError
from harness.explore.campaign.results import result_of_json
from harness.explore.campaign.running import run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from types import ModuleType

    from harness.explore.campaign.results import Result
    from harness.explore.campaign.running import Job

FLEET = "fleet"
"""The resource of which a Dask worker has one for each unit that it can tell at a time."""
_CONNECT_SECONDS = 10
_END_SECONDS = 40.0
_LOOK_SECONDS = 0.1
_telling: set[str] = set()
"""The keys of the units that this process, a worker of a cluster, tells now."""


def here(jobs: Sequence[Job], workers: int) -> Generator[Result]:
    """Tell units on this machine, so many at a time, and return results as they are ready."""
    ended = threading.Event()

    def tell(job: Job) -> Result:
        return run(job.to_json(), threading.current_thread().name, ended.is_set)

    with ThreadPoolExecutor(workers, thread_name_prefix=socket.gethostname()) as pool:
        due = [pool.submit(tell, one) for one in jobs]
        try:
            for future in as_completed(due):
                yield future.result()
        finally:
            ended.set()
            pool.shutdown(cancel_futures=True)


def over_cluster(address: str, jobs: Sequence[Job], tell: Callable[[str], None]) -> Generator[Result]:
    """Have units told by the workers of a Dask cluster, and return results as they are ready.

    Whatever ends this, what is still under way on workers is stopped. `tell` is called with what is amiss.

    Raises:
        TargetError: Dask is not installed, no scheduler answers, or a worker has another harness or target.
        LaunchError: the implementation did not come up on a worker, twice.
        HarnessError: a unit broke twice, or the scheduler was lost.
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
            client.submit(
                tell_on_worker, one.to_json(), one.unit.key, pure=False, resources={FLEET: 1}, retries=1
            ): one
            for one in jobs
        }
        try:
            for future in distributed.as_completed(list(due), loop=client.loop):
                yield _result(distributed, future, due.pop(future))
        finally:
            # A scheduler that is lost is told already, and workers end with it.
            with contextlib.suppress(OSError):
                _end(client, {future: one.unit.key for future, one in due.items()})


def _result(distributed: ModuleType, future: Any, job: Job) -> Result:
    try:
        return result_of_json(future.result())
    except HarnessError:
        raise
    except distributed.CancelledError:
        raise HarnessError("the scheduler was lost; what is in --results stays, so run it again") from None
    except Exception as problem:  # noqa: BLE001 - whatever a worker raises is told
        raise HarnessError(f"{job.unit} could not be told: {problem!r}") from None


def _end(client: Any, due: dict[Any, str]) -> None:
    """Have workers stop what is under way, and wait until they have."""
    if not due:
        return
    client.cancel(list(due))
    keys, deadline = {*due.values()}, time.monotonic() + _END_SECONDS
    while time.monotonic() < deadline:
        told = client.run(told_now, on_error="ignore")
        if not any(keys & {*each} for each in told.values()):
            return
        time.sleep(_LOOK_SECONDS)


def _has_fleets(client: Any) -> bool:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return any(one["resources"].get(FLEET, 0) >= 1 for one in workers)


def tell_on_worker(job: dict[str, Any], key: str) -> dict[str, object]:
    """Tell a unit: what a worker of the cluster is given to do."""
    distributed = _distributed()
    worker = distributed.get_worker()
    task = worker.get_current_task()
    ending = {distributed.Status.closing, distributed.Status.closed, distributed.Status.failed}

    def is_stopped() -> bool:
        # Nothing interrupts a thread of Dask. But the worker is told when nobody wants a unit any more: the campaign
        # was ended, or the scheduler has seen its process end.
        known = worker.state.tasks.get(task)
        return known is None or known.state == "cancelled" or worker.status in ending

    _telling.add(key)
    try:
        return run(job, f"{socket.gethostname()} {worker.name}", is_stopped).to_json()
    finally:
        _telling.discard(key)


def told_now() -> list[str]:
    """Return the keys of the units that this worker tells now."""
    return sorted(_telling)


def _distributed() -> ModuleType:
    try:
        import distributed  # noqa: PLC0415 - an extra
    except ImportError as problem:
        raise TargetError(
            f"--scheduler needs Dask ({problem}): pip install 'instance-sync[campaign]'"
        ) from None
    return distributed
