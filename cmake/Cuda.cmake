# The part for NVIDIA's cards. Program and plugin (libgemtune_cuda.so, cuda/) must be of one build: what they share are
# the types of two headers, and those of LibTorch.
set(_shared_headers gemtune/ops/cuda_plugin.h gemtune/kernels/cuda/kernels.h)
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${_shared_headers})
set(_contents)
foreach(_header ${_shared_headers})
  file(READ ${PROJECT_SOURCE_DIR}/${_header} _content)
  string(APPEND _contents "${_content}")
endforeach()
string(SHA256 _hash "${_contents}")
string(SUBSTRING ${_hash} 0 8 _hash)
set(GEMTUNE_CUDA_BUILD "gemtune ${PROJECT_VERSION} with LibTorch ${LibTorch_VERSION}, ${_hash}")

file(GLOB GEMTUNE_CUDA_KERNELS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/gemtune/kernels/cuda/*.cu)

if(GEMTUNE_CUDA)
  # nvcc of the system, or of PyPI's packages in the source tree's .venv.
  if(NOT CMAKE_CUDA_COMPILER)
    file(GLOB _nvcc_of_venv ${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/nvidia/cu13/bin/nvcc)
    find_program(GEMTUNE_NVCC NAMES nvcc PATHS /usr/local/cuda/bin)
    if(GEMTUNE_NVCC)
      set(CMAKE_CUDA_COMPILER ${GEMTUNE_NVCC})
    elseif(_nvcc_of_venv)
      set(CMAKE_CUDA_COMPILER ${_nvcc_of_venv})
    else()
      message(FATAL_ERROR "-DGEMTUNE_CUDA=ON needs nvcc; scripts/setup.sh --cuda installs it")
    endif()
  endif()
  set(CMAKE_CUDA_ARCHITECTURES OFF)  # each target says its own
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA_STANDARD_REQUIRED ON)
  set(CMAKE_CUDA_EXTENSIONS OFF)
  if(CMAKE_VERSION VERSION_LESS 3.26)  # which does not know that nvcc 13 knows C++20
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
  endif()
endif()
