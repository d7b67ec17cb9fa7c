"""The service under test: the real binary, with its data in a directory of the test's choice."""

import json
import os
import signal
import subprocess
import threading
from pathlib import Path

# Holds the service's configuration, and the script that it names.
SUITE = Path(__file__).parent.parent

# Read here, because the service refuses variables with its prefix that it does not know.
BINARY = os.environ.get("CUPOLA_BIN")

# Variables that begin so would send a client elsewhere, or configure the service behind the suite's back.
MISLEADING = ("AZURE_", "CUPOLA_", "IDENTITY_", "MSI_", "OPENAI_")


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that leads away from the loopback interface."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(MISLEADING)}
    return kept | {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}


class Service:
    """`cupola up` on a free loopback port, from its start to its end."""

    def __init__(self, data: Path, variables: dict[str, str]):
        self.data = data
        self.process = subprocess.Popen(
            [binary(), "up", "--data", data, "--listen", "127.0.0.1:0", "--config", "cupola.toml"],
            cwd=SUITE,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=clean_environment() | variables,
            text=True,
        )
        self._wait_until_ready()

    def environment(self) -> dict[str, str]:
        """What `cupola env` tells a client of this service."""
        command = [binary(), "env", "--data", self.data, "--shell", "json"]
        return json.loads(subprocess.check_output(command, env=clean_environment()))

    def stop(self) -> int:
        """Ends the service as an operator would; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """Ends the service at once, as a crash would. One that has ended already stays ended."""
        self.process.kill()
        self.process.wait()

    def _wait_until_ready(self) -> None:
        words = []
        for line in self.process.stdout:
            words.append(line)
            if "https://" in line:
                # Keep reading, so that the service never waits for its reader.
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return
        raise RuntimeError("the service ended before it printed its address:\n" + "".join(words))


def binary() -> str:
    """The binary to test, as `cargo xtask test` names it."""
    if not BINARY:
        raise RuntimeError("set CUPOLA_BIN to the cupola binary, or run `cargo xtask test --only python`")
    return BINARY
