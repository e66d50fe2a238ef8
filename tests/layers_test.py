"""Every #include points down: base <- kernels <- io <- text <- data <- ops <- model <- infer <- train <- cli."""
import pathlib
import re

ROOT = pathlib.Path(__file__).parents[1]
ORDER = ["base", "kernels", "io", "text", "data", "ops", "model", "infer", "train", "cli"]
WITHOUT_TORCH = {"base", "kernels", "io", "text", "data"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def sources():
    return [path for path in sorted((ROOT / "gemtune").rglob("*")) if path.suffix in {".h", ".cc"} and path.parent.name != "gemtune"]


def layer_of(path):
    """The folder below gemtune/ that it is in, itself or deeper."""
    return path.parts[path.parts.index("gemtune") + 1]


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
    # A file for one instruction set is tested with what dispatches to it.
    tested = lambda path: path.stem.removesuffix("_amx").removesuffix("_avx512")
    missing = [str(path.relative_to(ROOT)) for path in sources()
               if path.suffix == ".cc" and path.name != "main.cc"
               and not (ROOT / "tests" / path.relative_to(ROOT / "gemtune").parent / f"{tested(path)}_test.cc").exists()]
    assert not missing, missing
