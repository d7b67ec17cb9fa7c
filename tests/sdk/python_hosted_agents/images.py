"""Images made here and pushed to the registry: a small system, the official packages, and an agent."""

import gzip
import hashlib
import io
import json
import os
import platform
import tarfile
from pathlib import Path

import requests

AGENTS = Path(__file__).parent / "agents"
SITE = "/opt/site"

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
OWN_ARCHITECTURE = ARCHITECTURES[platform.machine()]

PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar"
GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Images:
    """The images of a run. Their layers are pushed once."""

    def __init__(self, registry: str):
        self.registry = registry
        self._blobs: dict[str, dict] = {}

    def official(self, agent: str) -> str:
        """An agent on the official packages, as a user without privileges."""
        layers = [self._system(), self._packages(), self._agents()]
        return self._image(agent, layers, python(agent) | {"User": "1000:1000"})

    def first_official(self, agent: str) -> str:
        """An agent on the official package of the first generation."""
        layers = [self._system(), self._of_file(Path(os.environ["HOSTED_FIRST_PACKAGES"])), self._agents()]
        return self._image(agent, layers, python(agent) | {"User": "1000:1000"})

    def plain(self, agent: str) -> str:
        """An agent on nothing but Python."""
        return self._image(agent, [self._system(), self._agents()], python(agent))

    def smallest(self, name="smallest", **config) -> str:
        """A program of the shell in a system of one file, which answers with how often it was started."""
        # The first process of a sandbox is asked to end in vain if it has no word for that.
        script = "trap exit TERM; echo started >> $HOME/starts; httpd -f -p 8088 -h /www & wait"
        return self._image(name, [self._busybox()], {"Cmd": ["/bin/sh", "-c", script]} | config)

    def of_its_own(self, name: str, script: str) -> str:
        """A small system with a layer that no other image has."""
        layers = [self._busybox(), self._of_files(name, {"noise": os.urandom(1 << 20)}, {})]
        return self._image(name, layers, {"Cmd": ["/bin/sh", "-c", script]})

    def nothing_to_start(self) -> str:
        """An image without a command."""
        return self._image("nothing", [self._busybox()], {})

    def of_another_architecture(self) -> str:
        """An image that this machine can't run."""
        other = next(name for name in ARCHITECTURES.values() if name != OWN_ARCHITECTURE)
        return self._image("foreign", [self._busybox()], {"Cmd": ["/bin/sh"]}, other)

    def _image(self, name: str, layers: list[dict], config: dict, architecture=OWN_ARCHITECTURE) -> str:
        described = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin", f"PYTHONPATH={SITE}"]} | config,
            "rootfs": {"type": "layers", "diff_ids": [layer["diff_id"] for layer in layers]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._push(json.dumps(described).encode(), CONFIG),
            "layers": [{key: layer[key] for key in ("mediaType", "size", "digest")} for layer in layers],
        }
        url = f"http://{self.registry}/v2/agents/{name}/manifests/1"
        # Blobs are pushed to one repository; the registry links them from there.
        for blob in [manifest["config"], *manifest["layers"]]:
            self._link(name, blob["digest"])
        put = requests.put(url, data=json.dumps(manifest), headers={"Content-Type": MANIFEST}, timeout=60)
        put.raise_for_status()
        return f"{self.registry}/agents/{name}:1"

    def _system(self) -> dict:
        return self._of_file(Path(os.environ["HOSTED_SYSTEM"]))

    def _packages(self) -> dict:
        return self._of_file(Path(os.environ["HOSTED_PACKAGES"]))

    def _of_file(self, tar: Path) -> dict:
        """A layer that is a file of the cache, as it is."""
        if tar.name not in self._blobs:
            blob = self._push(tar.read_bytes(), PLAIN_LAYER)
            self._blobs[tar.name] = blob | {"diff_id": blob["digest"]}
        return self._blobs[tar.name]

    def _agents(self) -> dict:
        files = {f"agents/{file.name}": file.read_bytes() for file in sorted(AGENTS.glob("*.py"))}
        return self._of_files("agents", files, {})

    def _busybox(self) -> dict:
        files = {"bin/busybox": Path("/bin/busybox").read_bytes(), "www/readiness": b"ready"}
        links = {"bin/sh": "busybox", "bin/httpd": "busybox", "www/invocations": "/home/session/starts"}
        return self._of_files("busybox", files, links)

    def _of_files(self, name: str, files: dict[str, bytes], links: dict[str, str]) -> dict:
        """A layer of a few files, compressed as most are."""
        if name not in self._blobs:
            tar = packed(files, links)
            blob = self._push(gzip.compress(tar, 1), GZIP_LAYER)
            self._blobs[name] = blob | {"diff_id": digest(tar)}
        return self._blobs[name]

    def _push(self, data: bytes, media_type: str) -> dict:
        begun = requests.post(f"http://{self.registry}/v2/layers/blobs/uploads/", timeout=60)
        begun.raise_for_status()
        put = requests.put(begun.headers["Location"], params={"digest": digest(data)}, data=data, timeout=60)
        put.raise_for_status()
        return {"mediaType": media_type, "size": len(data), "digest": digest(data)}

    def _link(self, name: str, blob: str) -> None:
        url = f"http://{self.registry}/v2/agents/{name}/blobs/uploads/"
        requests.post(url, params={"mount": blob, "from": "layers"}, timeout=60).raise_for_status()


def python(agent: str) -> dict:
    return {"Cmd": ["python3", "-u", f"/agents/{agent}.py"], "WorkingDir": "/agents"}


def packed(files: dict[str, bytes], links: dict[str, str]) -> bytes:
    """A tar file; everything in it may be run."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return buffer.getvalue()


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
