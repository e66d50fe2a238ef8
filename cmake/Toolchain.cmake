# Compiler warnings, sanitizers, ccache and a fast linker where they are installed.
add_library(gemtune_options INTERFACE)
set(_options -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wno-missing-field-initializers)  # {.name = value} leaves the rest at its default on purpose
if(CMAKE_UNITY_BUILD)
  list(APPEND _options -Wno-subobject-linkage)  # a .cc that is included looks like a header
endif()
if(GEMTUNE_WERROR)
  list(APPEND _options -Werror)
endif()
target_compile_options(gemtune_options INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${_options}>")
# One code model for libraries and programs, so that they can share the precompiled header.
add_compile_options($<$<COMPILE_LANGUAGE:C,CXX>:-fPIC> $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-fPIC>)
if(GEMTUNE_SANITIZE)
  add_compile_options(-fsanitize=${GEMTUNE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GEMTUNE_SANITIZE})
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness is what ccache's manual asks for with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE_PROGRAM})
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM AND NOT CMAKE_CROSSCOMPILING)
  add_link_options(-fuse-ld=mold)
  execute_process(COMMAND ${MOLD_PROGRAM} --version OUTPUT_VARIABLE _mold_version)
  if(_mold_version MATCHES "mold 1\\.")
    # Debian 12's lets what is to be read-only begin a few bytes before its segment. Where these lie in a page of their own,
    # once in some hundred programs, the loader refuses: "cannot apply additional memory protection after relocation".
    add_link_options(LINKER:-z,norelro)
  endif()
endif()
