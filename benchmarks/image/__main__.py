"""python -m benchmarks.image: what the container image holds above its base, in docs/image.md. It needs the image."""

import os
import sys
from collections.abc import Sequence

from benchmarks.image.layers import Layer, own_layers
from benchmarks.image.packages import LARGE_BYTES, owners, reason, sizes
from benchmarks.page import options, write_page
from benchmarks.tables import table
from contract.refusal import exit_status

MEANT = {  # what a layer is for, by the end of its instruction
    "WORKDIR": "the directory",
    "RUN": "no installer: removals only",
    "packages": "packages",
    "baked": "the bundle",
    ".": "our code, and what Python compiled of it",
}


def megabytes(count: int) -> str:
    """Return bytes as MB with two digits."""
    return f"{count / 1e6:.2f}"


def meaning(layer: Layer) -> str:
    """Return what a layer is for."""
    words = layer.instruction.partition(" #")[0].split()
    return MEANT.get(words[0]) or MEANT.get(words[-1], layer.instruction)


def layer_table(layers: Sequence[Layer]) -> str:
    """Return the layers with files and MB, and their sum."""
    rows = [[meaning(layer), f"{len(layer.files):,}", megabytes(layer.size)] for layer in layers]
    total = [f"{sum(len(layer.files) for layer in layers):,}", megabytes(sum(layer.size for layer in layers))]
    return table(["layer", "files", "MB"], [*rows, ["all of ours", *total]])


def package_table(counted: dict[str, int]) -> str:
    """Return a table of the large packages with their reasons, and the sum of the small ones."""
    large = {name: size for name, size in counted.items() if size >= LARGE_BYTES}
    small = sum(counted.values()) - sum(large.values())
    lines = ["| package | MB | why |", "| --- | --: | --- |"]
    lines += [f"| {name} | {megabytes(size)} | {reason(name)} |" for name, size in large.items()]
    lines += [f"| {len(counted) - len(large)} others | {megabytes(small)} | each has less than 1 MB |"]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, read the image, and write the page. Returns the exit status."""
    _, out = options("image", arguments)

    def run() -> None:
        docker, image = os.environ.get("DOCKER", "docker"), os.environ.get("IMAGE", "penguins")
        layers, records = own_layers(docker, image)
        counted = sizes((file for layer in layers for file in layer.files), owners(records))
        title = ["# The image", "", "Made by `make image image-page`; do not edit. Sizes do not depend on the machine."]
        write_page(out / "image.md", [*title, ""], layers=layer_table(layers), packages=package_table(counted))

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
