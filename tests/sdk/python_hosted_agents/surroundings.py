"""What is around the service: registries with images, and a Docker daemon where that is the runtime."""

import os
import shutil
import tempfile
from pathlib import Path

from daemon import daemon
from images import Images
from registry import Registry

# `oci` or `docker`: what the service runs sandboxes on.
RUNTIME = os.environ.get("HOSTED_RUNTIME", "oci")

# Small amounts, so that a sandbox is soon at its limits.
SETTINGS = {
    "MIN_MEMORY_GIB": "0.125",
    "PROCESSES": "100",
    "MIN_IDLE": "1s",
    "READY_WITHIN": "30s",
}


MEMORY = Path("/dev/shm")
ROOM = 4 << 30


def folder_of_memory() -> str | None:
    """A file system in memory, where there is room: images have thousands of files that soon go again."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM:
        return str(MEMORY)
    return None


class Surroundings:
    """All that has to be stopped and removed after the tests."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="cupola-hosted-"))
        self.daemon = daemon(self.folder / "docker") if RUNTIME == "docker" else None
        images = self.folder / "images"
        self.registry = Registry(images)
        # It shows the same images, to those whom it knows.
        self.locked_registry = Registry(images, locked=True)
        self.images = Images(self.registry.address)
        if self.daemon:
            self.daemon.wait()

    def variables(self) -> dict[str, str]:
        """What tells the service of all this."""
        settings = SETTINGS | {"RUNTIME": RUNTIME}
        if self.daemon:
            settings["DOCKER__SOCKET"] = self.daemon.socket
            settings["DOCKER__IMAGES__PYTHON_3_13"] = self.images.plain("misbehaving")
        return {f"CUPOLA_HOSTING__{name}": value for name, value in settings.items()}

    def stop(self) -> None:
        for part in (self.registry, self.locked_registry, self.daemon):
            if part:
                part.stop()
        shutil.rmtree(self.folder)
