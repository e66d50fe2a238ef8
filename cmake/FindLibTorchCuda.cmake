# The CUDA part of the LibTorch that FindLibTorch found: Torch::cuda, for the plugin alone. Nothing of TorchConfig.cmake
# and none of NVIDIA's libraries but the runtime is needed to link; loading it needs them all.
get_filename_component(_torch_lib ${LIBTORCH_CPU_LIBRARY} DIRECTORY)
find_library(LIBTORCH_CUDA_LIBRARY torch_cuda PATHS ${_torch_lib} NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_CUDA_LIBRARY c10_cuda PATHS ${_torch_lib} NO_DEFAULT_PATH)
# The runtime that LibTorch itself uses, or the toolkit's of the same version.
get_filename_component(_toolkit ${CMAKE_CUDA_COMPILER} DIRECTORY)
find_file(CUDA_RUNTIME_LIBRARY_FILE NAMES libcudart.so.13 libcudart.so
  PATHS ${_torch_lib}/../../nvidia/cu13/lib ${_toolkit}/../lib64 ${_toolkit}/../lib ${_toolkit}/../targets/x86_64-linux/lib
  NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorchCuda
  REQUIRED_VARS LIBTORCH_CUDA_LIBRARY LIBTORCH_C10_CUDA_LIBRARY CUDA_RUNTIME_LIBRARY_FILE
  REASON_FAILURE_MESSAGE "this LibTorch is a build without CUDA, scripts/setup.sh --cuda installs one")

if(LibTorchCuda_FOUND AND NOT TARGET Torch::cuda)
  add_library(Torch::cuda INTERFACE IMPORTED)
  # --no-as-needed: where only the dispatcher calls libtorch_cuda nothing names it, and it must be loaded all the same.
  set_target_properties(Torch::cuda PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES}"
    INTERFACE_LINK_LIBRARIES "Torch::cpu;${LIBTORCH_C10_CUDA_LIBRARY};-Wl,--push-state,--no-as-needed;${LIBTORCH_CUDA_LIBRARY};-Wl,--pop-state;${CUDA_RUNTIME_LIBRARY_FILE}")
endif()
mark_as_advanced(LIBTORCH_CUDA_LIBRARY LIBTORCH_C10_CUDA_LIBRARY CUDA_RUNTIME_LIBRARY_FILE)
