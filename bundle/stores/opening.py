"""Opening a store by its address. The cloud's client is imported only for an address in the cloud."""

from pathlib import Path

from bundle.stores.store import CLOUD_SCHEME, Store


def open_store(place: str) -> Store:
    """Return the store at a directory or a gs:// address. Nothing is read yet."""
    if place.startswith(CLOUD_SCHEME):
        from bundle.stores.cloud import CloudStore

        return CloudStore(place)
    from bundle.stores.directory import DirectoryStore

    return DirectoryStore(Path(place))
