"""Which signatures a bundle needs, by where it is: the same for the service and for files."""

from pathlib import Path

from bundle.address import BundleAddress
from bundle.signing.keys import trusted_keys
from bundle.verify import IN_PLACE, Trust

BUILT_IN = Path("artifacts")  # what `python -m compile` writes is there


def trust_in(address: BundleAddress, keys: str, *, allow_unsigned: bool, baked: str) -> Trust:
    """Return which signatures a bundle needs: none if it was built here or is in the image, like this code itself.

    What `python -m compile` writes is built here: directories in `artifacts/`. `baked` is the directory in the image,
    `keys` the text of TRUSTED_KEYS. Raises Refusal if that is malformed.
    """
    place = Path(address.place).absolute()
    built = place.parent == BUILT_IN.absolute()
    in_image = bool(baked) and place == Path(baked).absolute()
    if not address.in_store and (built or in_image):
        return IN_PLACE
    return Trust(trusted_keys(keys), required=not allow_unsigned)
