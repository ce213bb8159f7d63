"""Prepare batches in a background thread while the network computes."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from threadpoolctl import threadpool_limits

Batch = TypeVar("Batch")

AHEAD = 2
"""Batches prepared ahead of the network; more would only use memory."""


class Prefetched(Generic[Batch]):
    """Iterate over `make(0)` ... `make(count - 1)`, prepared ahead by one thread, and measure the reader's waits.

    Meanwhile NumPy's matrix products are limited to one thread: after each product further BLAS threads would spin on
    the cores that the network needs, which cost a tenth of ResNet50's forward pass on two cores.

    Args:
        make: function that makes batch i; called in order and never concurrently.
        count: number of batches.
    """

    def __init__(self, make: Callable[[int], Batch], count: int) -> None:
        self._make, self._count = make, count
        self.seconds_waited = 0.0
        """Seconds that the reader has waited for batches so far."""

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Batch]:
        pool = ThreadPoolExecutor(max_workers=1)
        one_thread = threadpool_limits(1, user_api="blas")
        try:
            ready = deque(pool.submit(self._make, place) for place in range(min(AHEAD, self._count)))
            for following in range(AHEAD, self._count + AHEAD):
                asked = time.perf_counter()
                batch = ready.popleft().result()
                self.seconds_waited += time.perf_counter() - asked
                if following < self._count:
                    ready.append(pool.submit(self._make, following))
                yield batch
        finally:
            pool.shutdown(cancel_futures=True)
            one_thread.restore_original_limits()
