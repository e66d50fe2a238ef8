"""cmake --install and find_package(gemtune), as a C++ user of the library would."""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[1]
BUILD = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune")).parent


def run(*command, **kwargs):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **kwargs)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", BUILD, "--prefix", folder)
    return folder


def test_the_installed_program_runs(prefix):
    assert run(prefix / "bin" / "gemtune", "--version").stdout.startswith("gemtune ")


def test_manual_and_completions_are_installed(prefix):
    program = prefix / "bin" / "gemtune"
    for file, words in {"man/man1/gemtune.1": ["man"], "bash-completion/completions/gemtune": ["completion", "bash"],
                        "zsh/site-functions/_gemtune": ["completion", "zsh"], "fish/vendor_completions.d/gemtune.fish": ["completion", "fish"]}.items():
        assert (prefix / "share" / file).read_text() == run(program, *words).stdout


def test_the_examples_build_against_the_package_and_run(prefix, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    import pyarrow.parquet
    run("cmake", "-G", "Ninja", "-S", ROOT / "examples", "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "--build", tmp_path / "build")
    run(BUILD / "gemtune_make_tiny_model", tmp_path / "base")
    data = tmp_path / "data.parquet"
    letters = [letter for letter in "abcdefgh" for _ in range(2)]
    pyarrow.parquet.write_table(pyarrow.table({"text": [letter * 3 for letter in letters], "label": [letter < "e" for letter in letters]}), data)
    lines = run(tmp_path / "build" / "train_classifier", tmp_path / "base", data, data, tmp_path / "out").stdout.splitlines()
    assert [line.split()[0] for line in lines[:21]] == ["step"] * 20 + ["test"] and len(lines) == 23
    assert lines[0].startswith("step  1/20  loss 0.6931")  # a new head of two classes knows nothing
    evaluated = json.loads(run(BUILD / "gemtune", "evaluate", "--model", tmp_path / "out", "--test-file", data, "--no-cache").stdout)
    assert lines[20] == f"test accuracy {evaluated['accuracy']:.3f}"
    predicted = json.loads(run(BUILD / "gemtune", "predict", "--model", tmp_path / "out", "Two lost hours.").stdout)
    assert lines[-1] == f"{predicted['label']} ({predicted['score']:.2f})"

