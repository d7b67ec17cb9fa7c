"""The kernel of the code interpreter: runs code as a notebook does, and says what came of it.

It reads orders from a socket and answers each with one word; both are JSON with its length before it. What
the code writes, and what is to be said about it, goes to standard output, which the service reads.
"""

import ast
import asyncio
import gc
import glob
import inspect
import io
import json
import linecache
import os
import shutil
import signal
import socket
import struct
import sys
import traceback

PORT = int(os.environ.pop("CUPOLA_PORT"))
FONTS = os.environ.pop("CUPOLA_FONTS", "")
DATA = "/mnt/data"
# Processes that code has left behind are ended when there are more than this.
MOST_PROCESSES = 16
OWN_PROCESS = os.getpid()


class Interrupts:
    """Lets an interrupt reach the code, and nothing else."""

    def __init__(self):
        self.may_interrupt = False
        signal.signal(signal.SIGINT, self.handle)

    def handle(self, _number, _frame):
        if self.may_interrupt:
            self.may_interrupt = False
            raise KeyboardInterrupt


class Channel:
    """Where orders come from and answers go to."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self):
        header = self.read(4)
        return json.loads(self.read(struct.unpack("<I", header)[0]))

    def read(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                os._exit(0)
            data += piece
        return data

    def send(self, word):
        data = json.dumps(word).encode()
        self.socket.sendall(struct.pack("<I", len(data)) + data)


class Figures:
    """Pictures that were drawn, as files of the container."""

    def __init__(self):
        self.names = []
        try:
            import matplotlib.pyplot as pyplot
        except ImportError:
            self.pyplot = None
            return
        self.pyplot = pyplot
        # The first figure takes longer than others: it chooses how to draw, and looks for fonts.
        pyplot.figure().savefig(io.BytesIO(), format="png")
        pyplot.close("all")
        pyplot.show = lambda *_, **__: self.show()
        # Figures belong to the code until it shows them or ends; many open ones are no mistake of its own.
        pyplot.rcParams["figure.max_open_warning"] = 0

    def show(self):
        """Keeps all figures that are open, and closes them."""
        if self.pyplot is None:
            return
        for number in self.pyplot.get_fignums():
            figure = self.pyplot.figure(number)
            self.keep(lambda path: figure.savefig(path, format="png", bbox_inches="tight"))
        self.pyplot.close("all")

    def keep(self, save):
        """Keeps one picture under a name that is free."""
        number = 1
        while os.path.lexists(path := f"{DATA}/figure-{number}.png"):
            number += 1
        try:
            save(path)
        except Exception as error:
            print(f"The figure can't be shown: {type(error).__name__}: {error}", file=sys.stderr)
            if os.path.lexists(path):
                os.unlink(path)
        else:
            self.names.append(os.path.basename(path))

    def take(self):
        names, self.names = self.names, []
        return names


class Kernel:
    """Runs code and keeps its variables."""

    def __init__(self):
        self.variables = {"__name__": "__main__", "__builtins__": __builtins__}
        self.figures = Figures()
        self.interrupts = Interrupts()
        self.cells = 0

    def run(self, code):
        """Runs code to its end and says whether it came to it."""
        self.cells += 1
        name = f"<code {self.cells}>"
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        self.interrupts.may_interrupt = True
        try:
            self.execute(code, name)
            self.figures.show()
            return True
        except SystemExit as end:
            if end.code not in (None, 0):
                print(f"SystemExit: {end.code}", file=sys.stderr)
            return end.code in (None, 0)
        except BaseException as error:
            self.interrupts.may_interrupt = False
            tell(error)
            return False
        finally:
            self.interrupts.may_interrupt = False
            if os.getpid() != OWN_PROCESS:
                # A copy of this process that the code has made is not to answer in its place.
                flush()
                os._exit(0)

    def execute(self, code, name):
        tree = ast.parse(code, name)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        self.evaluate(tree, name, "exec")
        if last is not None:
            self.display(self.evaluate(last, name, "eval"))

    def evaluate(self, tree, name, mode):
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        compiled = compile(tree, name, mode, flags=flags, dont_inherit=True)
        value = eval(compiled, self.variables)
        if compiled.co_flags & inspect.CO_COROUTINE:
            value = asyncio.run(value)
        return value

    def display(self, value):
        """Shows the value of the last line, as a notebook does."""
        if value is None:
            return
        self.variables["_"] = value
        if hasattr(value, "_repr_png_") and not isinstance(value, type):
            picture = value._repr_png_()
            if picture:
                self.figures.keep(lambda path: write(path, picture))
                return
        print(repr(value))


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def tell(error):
    """Tells an exception, without the part of its way that leads through this kernel."""
    try:
        told = traceback.TracebackException.from_exception(error)
        leave_out_kernel(told)
        print("".join(told.format()), end="", file=sys.stderr)
    except BaseException:
        print(f"{type(error).__name__}, which can't be told", file=sys.stderr)


def leave_out_kernel(told):
    while told is not None:
        told.stack[:] = [frame for frame in told.stack if frame.filename != __file__]
        told = told.__cause__ or told.__context__


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            # It was closed, or nobody can be told any more.
            pass


def open_output():
    """Standard output and standard error are one stream, so that their lines stand in order."""
    os.dup2(1, 2)
    options = {"buffering": 1, "encoding": "utf-8", "errors": "backslashreplace", "closefd": False}
    sys.stdout = sys.__stdout__ = open(1, "w", **options)
    sys.stderr = sys.__stderr__ = open(2, "w", **options)


def end_what_was_left():
    """Ends processes when there are so many that no others could be started."""
    if sum(name.isdigit() for name in os.listdir("/proc")) > MOST_PROCESSES:
        os.kill(-1, signal.SIGKILL)
        while True:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                break
            except InterruptedError:
                continue
        print("Processes that were left behind have been ended.", file=sys.stderr)


def prepare():
    """Imports what most code begins with."""
    sys.dont_write_bytecode = True
    if FONTS:
        # What is known of fonts takes a second to find out again.
        os.makedirs(os.environ["MPLCONFIGDIR"], exist_ok=True)
        for path in glob.glob(f"{FONTS}/fontlist-*.json"):
            shutil.copy(path, os.environ["MPLCONFIGDIR"])
    for name in ("numpy", "pandas", "matplotlib.pyplot", "PIL.Image"):
        try:
            __import__(name)
        except ImportError:
            # The environment was made without it.
            pass
    # As in a notebook, modules that the code writes can be imported.
    sys.path.insert(0, "")


def main():
    open_output()
    prepare()
    kernel = Kernel()
    gc.collect()
    gc.freeze()
    channel = Channel(PORT)
    channel.send({"ready": True})
    while True:
        order = channel.receive()
        completed = kernel.run(order["code"])
        end_what_was_left()
        flush()
        channel.send({"id": order["id"], "completed": completed, "figures": kernel.figures.take()})


if __name__ == "__main__":
    main()
