"""Every #include points down: base <- kernels <- io <- text <- data <- ops <- model <- infer <- train <- cli."""
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]
ORDER = ["base", "kernels", "io", "text", "data", "ops", "model", "infer", "train", "cli"]
WITHOUT_TORCH = {"base", "kernels", "io", "text", "data"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def sources():
    return [path for path in sorted((ROOT / "gemtune").rglob("*")) if path.suffix in {".h", ".cc", ".cu"} and path.parent.name != "gemtune"]


def layer_of(path):
    """The folder below gemtune/ that it is in, itself or deeper."""
    return (path.relative_to(ROOT) if path.is_absolute() else path).parts[1]


def complaints(path, text):
    """What is wrong with the includes of one file."""
    layer = layer_of(path)
    for header in INCLUDE.findall(text):
        if header.startswith("gemtune/"):
            below = header.split("/")[1]
            if below not in ORDER:
                yield f"{path}: {header} is in no layer"
            elif ORDER.index(below) > ORDER.index(layer):
                yield f"{path}: {layer} includes {header}, which stands above it"
        elif layer in WITHOUT_TORCH and re.match(r"(torch|ATen|c10)/", header):
            yield f"{path}: {layer} includes {header}; LibTorch begins at ops"


def test_every_include_points_down():
    found = [line for path in sources() for line in complaints(path.relative_to(ROOT), path.read_text())]
    assert not found, "\n".join(found)


def test_every_folder_is_in_the_order():
    folders = {path.name for path in (ROOT / "gemtune").iterdir() if path.is_dir()}
    assert folders == set(ORDER)
    listed = re.search(r"set\(layers ([a-z ]+)\).*?list\(APPEND layers ([a-z ]+)\)", (ROOT / "gemtune" / "CMakeLists.txt").read_text(), re.DOTALL)
    assert set(listed.group(1).split()) == WITHOUT_TORCH
    assert listed.group(1).split() + listed.group(2).split() == ORDER


def test_an_arrow_that_points_up_is_found():
    """The test itself can fail."""
    path = pathlib.Path("gemtune/io/x.cc")
    assert list(complaints(path, '#include "gemtune/model/config.h"\n'))
    assert list(complaints(path, "#include <ATen/ATen.h>\n"))
    assert list(complaints(path, '#include "gemtune/utils/x.h"\n'))
    assert not list(complaints(path, '#include "gemtune/base/error.h"\n#include "gemtune/io/gguf.h"\n'))


def test_every_source_has_a_test_of_its_name():
    # A file for one instruction set or device is tested with what dispatches to it.
    tested = lambda path: re.sub("_(amx|avx|avx512|cpu|cuda)$", "", path.stem)
    missing = [str(path.relative_to(ROOT)) for path in sources()
               if path.suffix == ".cc" and path.name != "main.cc"
               and not (ROOT / "tests" / path.relative_to(ROOT / "gemtune").parent / f"{tested(path)}_test.cc").exists()]
    assert not missing, missing


ABOVE_OPS = set(ORDER[ORDER.index("ops") + 1:])
OF_A_DEVICE = {
    "a device": re.compile(r"\b(kCPU|kCUDA|kMeta|is_cpu|is_cuda|is_meta|DeviceType)\b"),
    "a raw pointer": re.compile(r"\b((const_|mutable_)?data_ptr|from_blob)\b"),
    "a kernel": re.compile(r'"gemtune/kernels/|\bkernels::'),
}

def known_of_a_device(text):
    """What a source names that ops alone may know (ops/device.h, ops/host_memory.h)."""
    code = re.sub("//.*", "", text)
    return {what for what, pattern in OF_A_DEVICE.items() if pattern.search(code)}


def test_ops_alone_know_devices_pointers_and_kernels():
    found = {str(path.relative_to(ROOT)): known_of_a_device(path.read_text()) for path in sources() if layer_of(path) in ABOVE_OPS}
    assert not {path: what for path, what in found.items() if what}


def test_what_names_a_device_is_found():
    """The test itself can fail."""
    for line in ["x.to(at::kCPU)", "if (x.is_cuda()) {", "x.data_ptr<float>()", "torch::from_blob(p, {1})", "kernels::Gemm(x)",
                 '#include "gemtune/kernels/gemm.h"', "at::empty({1}, at::kMeta)"]:
        assert known_of_a_device(line), line
    assert not known_of_a_device("x.to(ops::Host());  // not at::kCPU\nplan.kernels = 1;")


def test_in_ops_files_of_a_device_alone_know_kernels():
    """ops/cpu.h and ops/cuda.h list what they do; another device comes beside them."""
    # What they share, the names of block types, and how a plugin's kernels are called.
    bridges = {"kernel_access.h", "adamw_kernel.h", "block_rows.h", "attention_kernels.h", "cuda_plugin.h", "cuda_kernels.h"}
    found = [path.name for path in sources() if layer_of(path) == "ops" and '#include "gemtune/kernels/' in path.read_text()
             and not path.stem.endswith(("_cpu", "_cuda")) and path.name not in bridges]
    assert not found


def test_what_runs_and_commands_do_names_no_task():
    """A task is a row of train/tasks; nothing that puts a run together knows which there are."""
    named = re.compile(r"classif|regression|multi.?label", re.IGNORECASE)
    found = [f"{path.relative_to(ROOT)}: {line.strip()}" for path in sources() for line in path.read_text().splitlines()
             if ("train/run" in str(path.parent) or layer_of(path) == "cli") and named.search(line)]
    assert not found, "\n".join(found)


def test_options_are_spelled_in_the_program_alone():
    """The library calls them by their fields: `max_length`."""
    # What stands in files under that name, and another program's option.
    others = {"weights of --model", "llama-gguf-split --merge", "scripts/setup.sh --cuda"}
    spelled = re.compile(r'"[^"\n]*(?<![\w-])--[a-z][^"\n]*"')
    found = [f"{path.relative_to(ROOT)}: {text}" for path in sources() if layer_of(path) != "cli"
             for text in spelled.findall(re.sub(r"//.*", "", path.read_text())) if not any(other in text for other in others)]
    assert not found, "\n".join(found)


def test_every_op_with_a_kernel_is_in_the_table():
    missing = [path.stem for path in sources() if path.suffix == ".cc" and path.stem.endswith(("_cpu", "_cuda"))
               and "OP_ROW(" not in (ROOT / "tests" / "ops" / f"{re.sub('_(cpu|cuda)$', '', path.stem)}_test.cc").read_text()]
    assert not missing
