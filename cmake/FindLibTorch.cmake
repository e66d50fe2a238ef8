# The CPU part of any LibTorch build: Torch::cpu = libtorch_cpu + libc10 with their headers.
#
# TorchConfig.cmake of a CUDA build demands a CUDA toolkit even from a program that never touches a GPU, so the two
# libraries are found directly. Looked for in this order: -DTorch_DIR (…/share/cmake/Torch), -DLIBTORCH or the environment
# variable LIBTORCH (the unpacked archive), torch in the Python of the source tree's .venv, torch in python3.
set(_torch_roots)
if(Torch_DIR)
  list(APPEND _torch_roots ${Torch_DIR}/../../..)
endif()
foreach(_root ${LIBTORCH} $ENV{LIBTORCH})
  list(APPEND _torch_roots ${_root})
endforeach()
include(PythonPackage)
python_package_dir(_torch_python torch)
list(APPEND _torch_roots ${_torch_python})

find_path(LIBTORCH_INCLUDE_DIR ATen/ATen.h PATHS ${_torch_roots} PATH_SUFFIXES include NO_DEFAULT_PATH)
find_path(LIBTORCH_API_INCLUDE_DIR torch/torch.h PATHS ${_torch_roots} PATH_SUFFIXES include/torch/csrc/api/include NO_DEFAULT_PATH)
find_library(LIBTORCH_CPU_LIBRARY torch_cpu PATHS ${_torch_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_LIBRARY c10 PATHS ${_torch_roots} PATH_SUFFIXES lib NO_DEFAULT_PATH)
find_file(_torch_version_header NAMES torch/headeronly/version.h torch/version.h
  PATHS ${LIBTORCH_INCLUDE_DIR} ${LIBTORCH_API_INCLUDE_DIR} NO_DEFAULT_PATH NO_CACHE)
if(_torch_version_header)
  file(STRINGS ${_torch_version_header} _version_lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" _version_parts "${_version_lines}")
  string(REPLACE ";" "." LibTorch_VERSION "${_version_parts}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY LIBTORCH_INCLUDE_DIR LIBTORCH_API_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or give -DLIBTORCH=<unpacked LibTorch>")

if(LibTorch_FOUND AND NOT TARGET Torch::cpu)
  add_library(Torch::c10 SHARED IMPORTED)
  set_target_properties(Torch::c10 PROPERTIES IMPORTED_LOCATION ${LIBTORCH_C10_LIBRARY})
  add_library(Torch::cpu SHARED IMPORTED)
  set_target_properties(Torch::cpu PROPERTIES
    IMPORTED_LOCATION ${LIBTORCH_CPU_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES "${LIBTORCH_INCLUDE_DIR};${LIBTORCH_API_INCLUDE_DIR}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${LIBTORCH_INCLUDE_DIR};${LIBTORCH_API_INCLUDE_DIR}"
    # LibTorch's include folder brings an fmt of its own that hides the installed one and has no library: header-only then.
    # The two versions live in different inline namespaces and do not meet.
    INTERFACE_COMPILE_DEFINITIONS FMT_HEADER_ONLY=1
    INTERFACE_LINK_LIBRARIES Torch::c10)
  # The wheel's libtorch_cpu needs libcudart and libcupti, found through its own RPATH at run time; the linker need not.
  target_link_options(Torch::cpu INTERFACE LINKER:--allow-shlib-undefined)
endif()
mark_as_advanced(LIBTORCH_INCLUDE_DIR LIBTORCH_API_INCLUDE_DIR LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY)
