"""Fine-tune Gemma 3: gemtune.run(["train", "--model", ...]) is the command `gemtune train --model ...`.

The program is a native one, and there is one for each torch and pyarrow whose libraries it uses (gemtune/bin). This finds
the one for those of this Python, without importing them: that would take seconds.
"""
import importlib.metadata
import importlib.util
import os
import pathlib
import re
import signal
import subprocess
import sys

__all__ = ["run"]

_FOLDER = pathlib.Path(__file__).parent


class _Missing(Exception):
    pass


def _complaint(name, fault):
    requirement = next(line for line in importlib.metadata.requires("gemtune") if line.startswith(name))
    return _Missing(f"{fault}; gemtune needs {name}: pip install '{requirement}'")


def _folder(name):
    """Of an installed package."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # a module of that name without a spec is loaded
        spec = None
    if spec is None or not spec.origin:
        raise _complaint(name, f"{sys.executable} has no {name}")
    return pathlib.Path(spec.origin).parent


def _torch_version(folder):
    version = re.search(r"^__version__ = '(\d+\.\d+)", (folder / "version.py").read_text(), re.MULTILINE)
    return version.group(1) if version else "of an unknown version"


def _arrow_version(folder):
    """The major one, as the library's file says it: libarrow.so.2600."""
    library = next(folder.glob("libarrow.so.*00"), None)
    return library.suffix[1:-2] if library else "of an unknown version"


def _program():
    """The program's file, and where the libraries that it loads are."""
    torch, pyarrow = _folder("torch"), _folder("pyarrow")
    torch_version, arrow_version = _torch_version(torch), _arrow_version(pyarrow)
    if not any(_FOLDER.glob(f"bin/gemtune-torch{torch_version}-*")):
        raise _complaint("torch", f"torch is {torch_version} ({torch})")
    if not any(_FOLDER.glob(f"bin/*-arrow{arrow_version}")):
        raise _complaint("pyarrow", f"pyarrow is {arrow_version} ({pyarrow})")
    return _FOLDER / "bin" / f"gemtune-torch{torch_version}-arrow{arrow_version}", [torch / "lib", pyarrow]


def _command(arguments):
    """What to run and in which environment, or None after a line that says what is missing."""
    try:
        program, libraries = _program()
    except _Missing as missing:
        print(f"error: {missing}", file=sys.stderr)
        return None
    paths = [*map(str, libraries), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    return [str(program), *map(str, arguments)], {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(paths)}


def run(arguments):
    """Runs gemtune with a list of arguments and returns its exit code: 0, 1 where the run failed, 2 where its input is at
    fault. Its output goes where this process's goes."""
    sys.stdout.flush()
    sys.stderr.flush()
    command = _command(arguments)
    if command is None:
        return 2
    with subprocess.Popen(command[0], env=command[1]) as program:
        while True:
            try:
                code = program.wait()
                return code if code >= 0 else 128 - code
            except KeyboardInterrupt:  # ends a training run in a checkpoint, which takes its time
                program.send_signal(signal.SIGINT)


def _main():
    """The command: this process becomes the program, so that signals are its own."""
    command = _command(sys.argv[1:])
    if command is None:
        sys.exit(2)
    os.execve(command[0][0], *command)
