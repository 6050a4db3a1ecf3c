"""The limit of a server in C: nginx with one worker, which reads the head and returns the same bytes each time."""

import os
import tempfile
from pathlib import Path
from string import Template

from benchmarks.wire.servers.constants import PORT, parts

OWN = {b"content-type", b"content-length", b"date", b"server"}  # that nginx sends itself


def main() -> None:
    """Become nginx."""
    pairs, body = parts()
    headers = "\n".join(f"add_header {name.decode()} '{value.decode()}';" for name, value in pairs if name not in OWN)
    directory = tempfile.mkdtemp(prefix="nginx-")
    template, path = Template(Path(__file__).with_name("nginx.conf.in").read_text()), Path(directory) / "nginx.conf"
    path.write_text(template.substitute(directory=directory, port=PORT, headers=headers, body=body.decode()))
    os.execvp("nginx", ["nginx", "-c", str(path), "-e", "stderr"])  # noqa: S606, S607  # as PATH has it


if __name__ == "__main__":
    main()
