"""The program as a shell starts it: what is about the process and its streams, which no test in C++ can have for its own."""
import os
import pathlib
import signal
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PROGRAM = pathlib.Path(os.environ.get("GEMTUNE_BIN", ROOT / "build" / "gemtune"))


def shell(line, folder):
    """Runs a line in which $G is the program."""
    return subprocess.run(["bash", "-c", line], cwd=folder, env={**os.environ, "G": str(PROGRAM)}, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("main")
    subprocess.run([PROGRAM.with_name("gemtune_make_tiny_model"), folder / "base"], check=True)
    (folder / "data.csv").write_text("text,label\n" + "".join(f"{letter}{letter},{letter}\n" for letter in "ab" * 100))
    trained = shell("$G train --model base --train-file data.csv --max-steps 2 --output-dir out --no-cache", folder)
    assert trained.returncode == 0, trained.stderr
    return folder


@pytest.mark.parametrize("command", [
    "--help", "--version", "train --help", "inspect base", "tokenize --model base --input-file data.csv --no-cache",
    "predict --model out text", "evaluate --model out --test-file data.csv --no-cache",
    "train --model base --train-file data.csv --max-steps 1 --output-dir other --overwrite-output-dir --no-cache",
    "bench --model base --train-file data.csv --steps 1 --no-cache", "generate --model base --prompt a --max-new-tokens 3"])
@pytest.mark.parametrize("target", [">/dev/full", ">&-"])
def test_output_that_cannot_be_written_is_an_error(folder, command, target):
    done = shell(f"$G {command} {target}", folder)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "error: standard output: cannot be written (closed, or the disk is full)"


def test_the_part_for_cards_is_loaded_and_says_what_is_missing(folder):
    if not PROGRAM.with_name("libgemtune_cuda.so").exists():
        pytest.skip("this build has no part for CUDA (-DGEMTUNE_CUDA=ON)")
    if pathlib.Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has a driver; scripts/gpu_check.sh is for it")
    done = shell("$G train --model base --train-file data.csv --output-dir on-card --no-cache --device cuda", folder)
    assert done.returncode == 2
    assert done.stderr == "error: --device cuda: this machine has no driver of NVIDIA's (libcuda.so.1); install one, or use --device cpu\n"
    assert not (folder / "on-card").exists()


def test_messages_do_not_land_in_a_file_when_standard_error_is_closed(folder):
    done = shell("$G train --model base --train-file data.csv --max-steps 2 --output-dir closed --no-cache 2>&-", folder)
    assert done.returncode == 0
    assert all(line.startswith("{") for line in (folder / "closed" / "train_log.jsonl").read_text().splitlines())


@pytest.mark.parametrize("source", ["<&-", "<."])
def test_standard_input_that_cannot_be_read_is_an_error(folder, source):
    done = shell(f"$G predict --model out {source}", folder)
    assert done.returncode == 2
    assert "error: standard input: cannot be read" in done.stderr


def test_no_lines_give_no_results(folder):
    done = shell("$G predict --model out </dev/null", folder)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_pipe_in_the_place_of_a_file_does_not_hang(folder):
    os.mkfifo(folder / "pipe.csv")
    for command in ("train --model pipe.csv --train-file data.csv --output-dir out2", "inspect pipe.csv",
                    "train --model base --train-file pipe.csv --output-dir out2", "predict --model out --input-file pipe.csv"):
        done = shell(f"$G {command}", folder)
        assert done.returncode == 2 and "pipe.csv: " in done.stderr, command


def test_a_run_that_is_killed_leaves_no_model_or_a_whole_one(folder):
    command = [PROGRAM, "train", "--model", "base", "--train-file", "data.csv", "--validation-file", "data.csv", "--eval-strategy", "steps",
               "--eval-steps", "1", "--learning-rate", "1e-3", "--num-train-epochs", "1000", "--output-dir", "killed", "--no-cache"]
    running = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (folder / "killed" / "config.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert shell("$G predict --model killed aa", folder).returncode == 0


LONG = ["--model", "base", "--train-file", "data.csv", "--validation-file", "data.csv", "--learning-rate", "1e-3", "--max-steps", "100000", "--no-cache",
        "--save-strategy", "no"]


def heed_interrupts():
    """In a shell's background job SIGINT is ignored, which gemtune leaves so."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(folder, out):
    """A long run, once it has taken a few steps."""
    running = subprocess.Popen([PROGRAM, "train", *LONG, "--output-dir", out], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               preexec_fn=heed_interrupts)
    log = folder / out / "train_log.jsonl"
    deadline = time.monotonic() + 60
    while not (log.exists() and log.read_text().count("\n") > 5) and time.monotonic() < deadline:
        time.sleep(0.01)
    return running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_a_checkpoint_to_go_on_from(folder, number):
    out = f"stopped $HOME's-{number}"  # to be quoted
    running = start(folder, out)
    running.send_signal(number)
    errors = running.communicate(timeout=60)[1].splitlines()
    assert running.returncode == 128 + number
    assert f"stopped by {number.name} after step " in errors[-2]
    step = int(errors[-2].split("after step ")[1].split(";")[0])
    assert [path.name for path in (folder / out).glob("checkpoint-*")] == [f"checkpoint-{step}"]
    assert f"resuming after step {step}" in start_command(pathlib.Path("/"), errors[-1])


def start_command(folder, command):
    """What a shell line says until it has begun to train."""
    running = subprocess.Popen(["bash", "-c", f"exec {command}"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = ""
    for line in running.stderr:
        said += line
        if "step " in line:
            break
    running.kill()
    running.communicate()
    return said


@pytest.mark.parametrize("first, second", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)])
def test_two_signals_at_once_are_one_wish(folder, first, second):
    """timeout(1) sends two."""
    out = f"pair-{first}-{second}"
    running = start(folder, out)
    running.send_signal(first)
    running.send_signal(second)
    errors = running.communicate(timeout=60)[1].splitlines()
    assert running.returncode in (128 + first, 128 + second)
    assert list((folder / out).glob("checkpoint-*")), errors


def test_a_later_second_signal_ends_a_run_at_once_and_harms_nothing(folder):
    running = start(folder, "twice")
    running.send_signal(signal.SIGSTOP)  # so that it is not through with the first wish before the second comes
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGCONT)
    time.sleep(0.01)
    if running.poll() is None:
        running.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGCONT)
    running.communicate(timeout=60)
    assert running.returncode in (-signal.SIGINT, 128 + signal.SIGINT)  # the latter if it was through with it before the second came
    said = start_command(folder, f"{PROGRAM} train --config twice/run.toml --resume-from-checkpoint")
    assert "no checkpoint yet" in said or "resuming after step" in said
    assert not [path for path in (folder / "twice").iterdir() if ".tmp-" in path.name]


def test_two_runs_do_not_share_a_directory(folder):
    running = start(folder, "shared")
    second = shell("$G train --model base --train-file data.csv --output-dir shared --no-cache --overwrite-output-dir", folder)
    running.kill()
    running.communicate()
    assert second.returncode == 2
    assert second.stderr == "error: shared: another run is writing to it; wait for its end or give another --output-dir\n"


def test_a_run_that_cannot_fit_is_refused_before_its_first_step(folder):
    text = "ab" * 1500
    (folder / "long.csv").write_text("text,label\n" + "".join(f"{text},{letter}\n" for letter in "ab" * 128))
    done = shell("ulimit -v 4000000; $G train --model base --train-file long.csv --max-length 0 --batch-size 256 --dtype fp32 --output-dir large --no-cache", folder)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: this run needs about ") and "(ulimit -v)" in last and "--max-tokens-per-batch" in last
    assert "step 1" not in done.stderr and not (folder / "large" / "run.toml").exists()
