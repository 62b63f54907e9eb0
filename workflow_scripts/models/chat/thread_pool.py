"""Run a few calls at once, results in order: faster where a call waits for a server."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_concurrently(
    function: Callable[[Item], Result], items: Iterable[Item], *, workers: int
) -> Iterator[tuple[Item, Result]]:
    """Yield (item, function(item)) in the items' order, `workers` of them under way at once.

    Items are drawn only as workers get free, so a stream of pictures is never held whole. When
    one call raises, those under way are waited for (what they pay for is kept) and no new one
    begins.
    """
    if workers == 1:
        for item in items:
            yield item, function(item)
        return
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    executor = ThreadPoolExecutor(max_workers=workers)
    try:
        for item in items:
            waiting.append((item, executor.submit(function, item)))
            # A few more than the workers, so that one slow reply does not idle the others.
            if len(waiting) >= 4 * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
