"""The limit of a server in C: nginx with one worker, which reads the head and returns the same bytes each time."""

import os
import tempfile
from pathlib import Path

from benchmarks.wire.servers.constants import PORT, parts

CONFIGURATION = """
daemon off;
master_process off;
pid {directory}/pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server_tokens off;
    keepalive_requests 1000000000;
    default_type application/json;
    server {{
        listen 127.0.0.1:{port};
        {headers}
        location / {{ return 200 '{body}'; }}
    }}
}}
"""
OWN = {b"content-type", b"content-length", b"date", b"server"}  # that nginx sends itself


def main() -> None:
    """Become nginx."""
    pairs, body = parts()
    headers = "\n".join(f"add_header {name.decode()} '{value.decode()}';" for name, value in pairs if name not in OWN)
    directory = tempfile.mkdtemp(prefix="nginx-")
    path = Path(directory) / "nginx.conf"
    path.write_text(CONFIGURATION.format(directory=directory, port=PORT, headers=headers, body=body.decode()))
    os.execvp("nginx", ["nginx", "-c", str(path), "-e", "stderr"])  # noqa: S606, S607  # as PATH has it


if __name__ == "__main__":
    main()
