"""cmake --install and find_package(gemtune), as a C++ user of the library would."""
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


def test_a_project_of_ones_own_builds_against_the_package(prefix, tmp_path):
    run("cmake", "-G", "Ninja", "-S", ROOT / "tests" / "package", "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Debug")
    run("cmake", "--build", tmp_path)
    tiny = tmp_path / "model"
    data = tmp_path / "data.csv"
    data.write_text("text,label\n" + "".join(f"{letter}{letter},{letter}\n" for letter in "abab"))
    run(BUILD / "gemtune_make_tiny_model", tmp_path / "base")
    run(BUILD / "gemtune", "train", "--model", tmp_path / "base", "--train-file", data, "--max-steps", 1, "--dtype", "fp32",
        "--output-dir", tiny, "--no-cache")
    logits = run(tmp_path / "consumer", tiny, "aa").stdout.split()
    predicted = run(BUILD / "gemtune", "predict", "--model", tiny, "aa", "--logits", "--dtype", "fp32").stdout
    import json
    assert [float(x) for x in logits] == pytest.approx(json.loads(predicted)["logits"], abs=1e-4)
