"""Small versions of the campaigns under scripts/soak; docs/reliability.md has the figures of the large ones."""
import json
import pathlib
import subprocess
import sys

import pytest

SOAK = pathlib.Path(__file__).parents[1] / "scripts" / "soak"


def soak(script, *arguments):
    done = subprocess.run([sys.executable, SOAK / script, *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("method", [[], ["--method", "lora", "--lora-dropout", "0.1"]])
def test_a_run_that_is_killed_five_times_is_the_unbroken_run(method):
    result = soak("kill.py", "--kills", "5", "--", *method)
    assert result["differing_files"] == []


def test_a_run_that_gets_two_signals_at_once_five_times_is_the_unbroken_run():
    result = soak("kill.py", "--kills", "5", "--pairs")
    assert result["differing_files"] == []
    assert result["of_them_before_training"] < 5


def test_a_disk_that_refuses_costs_no_checkpoint():
    results = {result["fault"]: result for result in soak("disk_full.py")}
    assert results["file size limited"]["passed"]
    if results["disk full"]["passed"] is None:
        pytest.skip(results["disk full"]["left_out"])
