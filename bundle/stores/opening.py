"""Opening a store by its address. The cloud's client is imported only for an address in the cloud."""

from pathlib import Path

from bundle.refusal import without_client
from bundle.stores.store import CLOUD_SCHEME, Store


def open_store(place: str) -> Store:
    """Return the store at a directory or a gs:// address. Nothing is read yet.

    Raises BundleRefusal if the address is in the cloud and the client of it is not installed.
    """
    if place.startswith(CLOUD_SCHEME):
        try:
            from bundle.stores.cloud import CloudStore
        except ImportError as error:
            raise without_client(place, error) from error
        return CloudStore(place)
    from bundle.stores.directory import DirectoryStore

    return DirectoryStore(Path(place))
