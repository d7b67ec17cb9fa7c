"""A real registry (`docker-registry`) on a port of its own."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

USER, PASSWORD = "robot", "the password"
# What `htpasswd -B` makes of the two.
HTPASSWD = f"{USER}:$2y$04$S.Xv86cDE50zQboB6PoHGekECjlZpBm5VQ1IB2qdL4Zm4mMEwW.ue\n"

CONFIG = """\
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {data}}}}}
http: {{addr: "{address}"}}
"""

LOCKED = """\
auth: {{htpasswd: {{realm: the registry of the tests, path: {passwords}}}}}
"""


class Registry:
    """A registry. A locked one wants to know who asks; both may show the same images."""

    def __init__(self, folder: Path, *, locked: bool = False):
        if not shutil.which("docker-registry"):
            raise RuntimeError("docker-registry is missing: install the package docker-registry")
        folder.mkdir(exist_ok=True)
        # It can't choose its port. Should somebody else get this one first, another is tried.
        for _ in range(5):
            self.address = free_address()
            self.process = start(folder, self.address, locked)
            if listens(self.process, self.address):
                return
        raise RuntimeError("docker-registry does not start")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def free_address() -> str:
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def start(folder: Path, address: str, locked: bool) -> subprocess.Popen:
    config = CONFIG.format(data=folder / "data", address=address)
    if locked:
        passwords = folder / "htpasswd"
        passwords.write_text(HTPASSWD)
        config += LOCKED.format(passwords=passwords)
    file = folder / f"{address}.yml"
    file.write_text(config)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(["docker-registry", "serve", file], **quiet)


def listens(process: subprocess.Popen, address: str) -> bool:
    """Waits until it does. A process that ends instead does not."""
    host, port = address.split(":")
    while process.poll() is None:
        try:
            socket.create_connection((host, int(port))).close()
            return True
        except ConnectionRefusedError:
            time.sleep(0.02)
    return False
