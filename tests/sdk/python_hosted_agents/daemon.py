"""A Docker daemon that belongs to the tests alone."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path


def daemon(folder: Path):
    """A daemon of the tests, or the one that `DOCKER_OF_TESTS` names, such as Podman's."""
    another = os.environ.get("DOCKER_OF_TESTS")
    return Another(another) if another else Daemon(folder)


class Another:
    """A daemon that was there before."""

    def __init__(self, socket: str):
        self.socket = socket

    def wait(self) -> None:
        """It listens already."""

    def stop(self) -> None:
        """It stays."""


class Daemon:
    """`dockerd` with its own data and its own networks."""

    def __init__(self, folder: Path):
        if not shutil.which("dockerd"):
            raise RuntimeError("dockerd is missing: install the package docker.io")
        if os.geteuid() != 0:
            raise RuntimeError("these tests start dockerd, which needs root")
        folder.mkdir()
        self.folder = folder
        self.path = folder / "docker.sock"
        # Addresses that no other daemon on this machine is likely to use.
        self.pool = f"10.{120 + os.getpid() % 80}"
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _command(self) -> list[str]:
        return [
            "dockerd",
            f"--data-root={self.folder / 'data'}",
            f"--exec-root={self.folder / 'exec'}",
            f"--pidfile={self.folder / 'pid'}",
            f"--host={self.socket}",
            "--bridge=none",
            f"--default-address-pool=base={self.pool}.0.0/16,size=26",
            "--log-level=warn",
        ]

    @property
    def socket(self) -> str:
        """Where it listens."""
        return f"unix://{self.path}"

    def wait(self) -> None:
        """Waits until it listens."""
        while self.process.poll() is None:
            try:
                with socket.socket(socket.AF_UNIX) as stream:
                    stream.connect(str(self.path))
                    return
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.05)
        raise RuntimeError(f"dockerd ended:\n{(self.folder / 'log').read_text()}")

    def stop(self) -> None:
        """Ends it, with the networks that it would leave behind."""
        self.process.terminate()
        self.process.wait()
        addresses = subprocess.check_output(["ip", "-o", "-4", "addr", "show"], text=True)
        for line in addresses.splitlines():
            _, name, _, address, *_ = line.split()
            if address.startswith(f"{self.pool}."):
                subprocess.run(["ip", "link", "del", name], check=False)
