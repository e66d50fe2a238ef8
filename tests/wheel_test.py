"""The wheel (python/), installed by pip: which program it runs, with which libraries, and what it says where there is none."""
import importlib.metadata
import os
import pathlib
import signal
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
BUILD = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune")).parent

# In the place of programs: says with what it was called.
SAYS = """#!/bin/sh
[ "$1" != wait ] || { trap 'echo stopped; exit 130' INT; sleep 0.3; kill -INT $PPID; sleep 9 > /dev/null 2>&1 & wait; }
[ "$1" != die ] || kill -TERM $$
echo "NAME $* [$LD_LIBRARY_PATH]"
exit 7
"""


def run(*command, **kwargs):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **kwargs)


def install(folder, programs):
    """A new Python environment with the wheel of these programs: {"2.15-26": prefix}."""
    arguments = [f"{key}={prefix.relative_to(folder)}" for key, prefix in programs.items()]
    made = run(sys.executable, ROOT / "python" / "make_wheel.py", folder, *arguments, cwd=folder)
    assert made.returncode == 0, made.stderr
    wheel = pathlib.Path(made.stdout.strip())
    assert run(sys.executable, "-m", "venv", "--without-pip", folder / "env").returncode == 0
    python = folder / "env" / "bin" / "python"
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stderr
    return python


@pytest.fixture(scope="module")
def says(tmp_path_factory):
    folder = tmp_path_factory.mktemp("says")
    programs = {}
    for key in ("2.9-25", "2.9-26", "2.10-25", "2.10-26"):
        programs[key] = folder / key
        (programs[key] / "bin").mkdir(parents=True)
        (programs[key] / "bin" / "gemtune").write_text(SAYS.replace("NAME", key))
        (programs[key] / "lib" / "gemtune").mkdir(parents=True)
        (programs[key] / "lib" / "gemtune" / "libx.so.1.2").write_bytes(b"\x7fELF GLIBC_2.9 GLIBC_2.31")
        (programs[key] / "lib" / "gemtune" / "libx.so.1").symlink_to("libx.so.1.2")
    return install(folder, programs)


def fake(folder, torch="2.10.0", arrow="2600"):
    """Folders that look like torch and pyarrow from outside; importing them fails."""
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text("raise ImportError")
    (folder / "torch" / "version.py").write_text(f"from typing import Optional\n\n__version__ = '{torch}'\n")
    (folder / "pyarrow").mkdir()
    (folder / "pyarrow" / "__init__.py").write_text("raise ImportError")
    (folder / "pyarrow" / f"libarrow.so.{arrow}").touch()
    return {**os.environ, "PYTHONPATH": str(folder), "LD_LIBRARY_PATH": "before"}


def test_the_program_of_the_versions_is_run_with_their_libraries(says, tmp_path):
    for place, torch, arrow, key in (("a", "2.10.0", "2600", "2.10-26"), ("b", "2.9.1+cpu", "2500", "2.9-25"), ("c", "2.10.2+cu130", "2500", "2.10-25")):
        environment = fake(tmp_path / place, torch, arrow)
        expected = f"{key} predict --model a b [{tmp_path / place}/torch/lib:{tmp_path / place}/pyarrow:before]\n"
        arguments = ["predict", "--model", "a b"]
        command = run(says.parent / "gemtune", *arguments, env=environment)
        assert (command.stdout, command.stderr, command.returncode) == (expected, "", 7)
        function = run(says, "-c", f"import gemtune, sys; print('first'); sys.exit(gemtune.run({arguments}))", env=environment)
        assert (function.stdout, function.stderr, function.returncode) == (f"first\n{expected}", "", 7)


def test_what_is_missing_or_of_another_version_is_one_line(says, tmp_path):
    wanted = "gemtune needs torch: pip install 'torch>=2.9,<2.11'\n"
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    expected = {f"error: {says} has no torch; {wanted}": bare,
                f"error: torch is 2.11 ({tmp_path}/new/torch); {wanted}": fake(tmp_path / "new", torch="2.11.0"),
                f"error: pyarrow is 27 ({tmp_path}/arrow/pyarrow); gemtune needs pyarrow: pip install 'pyarrow>=25,<27'\n":
                    fake(tmp_path / "arrow", arrow="2700")}
    for message, environment in expected.items():
        command = run(says.parent / "gemtune", "--version", env=environment)
        assert (command.stdout, command.stderr, command.returncode) == ("", message, 2)
        function = run(says, "-c", "import gemtune, sys; sys.exit(gemtune.run(['--version']))", env=environment)
        assert (function.stdout, function.stderr, function.returncode) == ("", message, 2)


def test_an_interrupt_reaches_the_program_which_ends_in_its_own_way(says, tmp_path):
    function = run(says, "-c", "import gemtune; print(gemtune.run(['wait']), flush=True)", env=fake(tmp_path))
    assert (function.stdout, function.stderr) == ("stopped\n130\n", "")


def test_a_program_that_a_signal_ends_has_the_shells_exit_code(says, tmp_path):
    environment = fake(tmp_path)
    assert run(says, "-c", "import gemtune; print(gemtune.run(['die']))", env=environment).stdout == f"{128 + signal.SIGTERM}\n"
    assert run(says.parent / "gemtune", "die", env=environment).returncode == -signal.SIGTERM


def test_the_wheel_says_what_it_needs(says):
    site = next((says.parents[1] / "lib").glob("python3*")) / "site-packages"
    info = next(site.glob("gemtune-*.dist-info"))
    assert "Tag: py3-none-manylinux_2_31_" in (info / "WHEEL").read_text()
    lines = (info / "METADATA").read_text().splitlines()
    assert {"Requires-Dist: torch>=2.9,<2.11", "Requires-Dist: pyarrow>=25,<27", "Requires-Python: >=3.10"} <= set(lines)
    # A link has become what it stands for, once.
    assert [path.name for path in (site / "gemtune" / "lib" / "gemtune").iterdir()] == ["libx.so.1"]


def test_the_program_of_this_build_runs_from_a_wheel(tmp_path):
    try:
        torch, pyarrow = (importlib.metadata.version(name).split(".") for name in ("torch", "pyarrow"))
    except importlib.metadata.PackageNotFoundError as missing:
        pytest.skip(str(missing))
    assert run("cmake", "--install", BUILD, "--component", "program", "--prefix", tmp_path / "prefix").returncode == 0
    python = install(tmp_path, {f"{torch[0]}.{torch[1]}-{pyarrow[0]}": tmp_path / "prefix"})
    site = pathlib.Path(importlib.metadata.distribution("torch").locate_file(""))
    next((tmp_path / "env" / "lib").glob("python3*/site-packages")).joinpath("others.pth").write_text(f"{site}\n")
    expected = run(BUILD / "gemtune", "--version").stdout
    assert expected.startswith("gemtune ")
    besides_plugin = lambda report: [line for line in report.splitlines() if not line.startswith("CUDA plugin")]  # which has moved along
    assert besides_plugin(run(python.parent / "gemtune", "--version").stdout) == besides_plugin(expected)
    model, text = tmp_path / "model", "ab cd"
    assert run(BUILD / "gemtune_make_tiny_model", model).returncode == 0
    generate = ["generate", "--model", str(model), "--prompt", text, "--max-new-tokens", "3", "--temperature", "0"]
    from_wheel = run(python, "-c", f"import gemtune, sys; sys.exit(gemtune.run({generate}))")
    assert (from_wheel.stdout, from_wheel.returncode) == (run(BUILD / "gemtune", *generate).stdout, 0)
