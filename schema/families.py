"""Loading for all siblings at once, so that a tree takes as many statements as it has kinds.

A data loader batches what is asked in one turn of the event loop, which is one level of a
tree. A family goes further: when one row asks for something, it is loaded for every row of
that kind that the request has seen, so deeper levels find it there.
"""

from asyncio import Future, get_running_loop
from collections import defaultdict
from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Hashable,
    Iterable,
    Mapping,
    Sequence,
)
from typing import Any, Generic, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

Batch = DataLoader
"""A plain data loader, for keys that are no row's."""

V = TypeVar("V")
R = TypeVar("R")
Fetch = Callable[..., Awaitable[Mapping[UUID, V]]]


class Seen(dict[UUID, object]):
    """Keys of the rows of one kind that a request has met, in the order of meeting."""

    def add(self, keys: Collection[UUID]) -> None:
        self.update(dict.fromkeys(keys))


class Family(Generic[V]):
    """Values by key, for one set of arguments at a time.

    `fetch(keys, *arguments)` answers a mapping; a key that it leaves out has the default. It
    may answer more keys than it was asked for: they are kept too.
    """

    def __init__(self, fetch: Fetch[V], *, default: Callable[[], Any], seen: Seen) -> None:
        self._fetch = fetch
        self._default = default
        self._seen = seen
        self._loaders: dict[tuple[Hashable, ...], DataLoader[UUID, V]] = {}
        self._known: dict[tuple[Hashable, ...], set[UUID]] = {}

    async def load(self, key: UUID, *arguments: Hashable) -> V:
        self._seen.add((key,))
        return await self._loader(arguments).load(key)

    async def load_many(self, keys: Iterable[UUID], *arguments: Hashable) -> dict[UUID, V]:
        """Several at once, in one statement."""
        wanted = list(dict.fromkeys(keys))
        self._seen.add(wanted)
        values = await self._loader(arguments).load_many(wanted)
        return dict(zip(wanted, values, strict=True))

    def keep(self, values: Mapping[UUID, V], *arguments: Hashable) -> None:
        """Remember values that another statement brought along."""
        self._loader(arguments).prime_many(values)
        self._known[arguments].update(values)
        self._seen.add(list(values))

    def _loader(self, arguments: tuple[Hashable, ...]) -> DataLoader[UUID, V]:
        if arguments not in self._loaders:
            self._known[arguments] = set()

            async def load_batch(keys: list[UUID]) -> Sequence[V]:
                return await self._load_all(keys, arguments)

            self._loaders[arguments] = DataLoader(load_fn=load_batch)
        return self._loaders[arguments]

    async def _load_all(self, keys: list[UUID], arguments: tuple[Hashable, ...]) -> list[V]:
        known, loader = self._known[arguments], self._loaders[arguments]
        wanted = list(dict.fromkeys([*keys, *(key for key in self._seen if key not in known)]))
        known.update(wanted)
        awaited = self._promise(loader, set(wanted).difference(keys))
        try:
            found = dict(await self._fetch(wanted, *arguments))
        except BaseException as error:
            for future in awaited.values():
                future.set_exception(error)
                future.exception()  # it may be that nobody asks, and that is no fault
            raise
        values = {key: found.pop(key) if key in found else self._default() for key in wanted}
        for key, future in awaited.items():
            future.set_result(values[key])
        loader.prime_many(found)
        known.update(found)
        return [values[key] for key in keys]

    def _promise(self, loader: DataLoader[UUID, V], keys: set[UUID]) -> dict[UUID, Future[V]]:
        """Let whoever asks for these meanwhile, a deeper level, wait for the same statement."""
        promises: dict[UUID, Future[V]] = {key: get_running_loop().create_future() for key in keys}
        for key, future in promises.items():
            loader.cache_map.set(key, future)
        return promises


def grouped(rows: Iterable[R], key: Callable[[R], UUID | None]) -> dict[UUID, list[R]]:
    """Rows by the key that they belong to; rows that belong to none are left out."""
    groups: dict[UUID, list[R]] = defaultdict(list)
    for row in rows:
        owner = key(row)
        if owner is not None:
            groups[owner].append(row)
    return groups
