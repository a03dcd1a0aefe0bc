"""Has units told: by several programs of this machine, or by the workers of a Dask cluster."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from harness.explore.campaign import cluster
from harness.explore.campaign.results import result_of_json
from harness.explore.campaign.running import run

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from harness.explore.campaign.results import Result
    from harness.explore.campaign.running import Job


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
    """Have units told by the workers of a Dask cluster, and return results as they are ready (see `cluster.done`)."""
    by_key = {one.unit.key: one.to_json() for one in jobs}
    for _, outcome in cluster.done(address, by_key, _tell_on_worker, tell):
        yield result_of_json(outcome)


def _tell_on_worker(job: dict[str, Any], worker: str, is_stopped: Callable[[], bool]) -> dict[str, object]:
    return run(job, f"{socket.gethostname()} {worker}", is_stopped).to_json()
