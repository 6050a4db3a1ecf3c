"""Reading a published bundle from a store."""

from collections.abc import Callable

from bundle.deadline import Deadline, retried
from bundle.stores.store import Store, bundle_object
from bundle.verify import Origin, ReadFile, Trust, VerifiedBundle, Wanted, verify

OnProgress = Callable[[str], None]  # called with the name of a file before the file is read


def read_published(  # each argument is a separate decision
    store: Store, digest: str, trust: Trust, deadline: Deadline, wanted: Wanted, on_progress: OnProgress
) -> VerifiedBundle:
    """Read and verify a bundle of a store. Raises BundleRefusal."""
    return verify(published_reader(store, digest, deadline, on_progress), origin(store, digest), trust, digest, wanted)


def origin(store: Store, digest: str) -> Origin:
    """Return where a published bundle is, and how to fix it."""
    return Origin(f"{store.place}@{digest}", f"remove it there, then: python -m bundle publish DIRECTORY {store.place}")


def published_reader(
    store: Store, digest: str, deadline: Deadline, on_progress: OnProgress = lambda _: None
) -> ReadFile:
    """Return the function by which `verify` reads a published bundle."""

    def read(name: str, limit: int) -> bytes:
        on_progress(name)
        stored = retried(lambda seconds: store.read(bundle_object(digest, name), limit, seconds), deadline)
        assert stored
        return stored.data

    return read
