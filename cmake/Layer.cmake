# gemtune_layer(<folder> [TORCH] [SEPARATE] [LAYERS <folder>...] [LIBS <library>...])
#
# The static library gemtune_<folder> (alias gemtune::<folder>) of every .cc beside and below the calling CMakeLists.txt but
# main.cc.
# TORCH: compiled against LibTorch, with the precompiled header that all such layers share.
# SEPARATE: each file by itself also with CMAKE_UNITY_BUILD, which compiles several in one go: what the headers of LibTorch
# leave to be instantiated takes 3 s, once a go.
function(gemtune_layer folder)
  cmake_parse_arguments(arg "TORCH;SEPARATE" "" "LAYERS;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX /main\\.cc$)
  add_library(gemtune_${folder} STATIC ${sources})
  add_library(gemtune::${folder} ALIAS gemtune_${folder})
  set_target_properties(gemtune_${folder} PROPERTIES EXPORT_NAME ${folder})
  target_include_directories(gemtune_${folder} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  list(TRANSFORM arg_LAYERS PREPEND gemtune_)
  target_link_libraries(gemtune_${folder} PUBLIC ${arg_LAYERS} ${arg_LIBS} PRIVATE $<BUILD_INTERFACE:gemtune_options>)
  if(arg_TORCH)
    target_link_libraries(gemtune_${folder} PUBLIC Torch::cpu)
    target_precompile_headers(gemtune_${folder} REUSE_FROM gemtune_torch_pch)
  endif()
  if(arg_SEPARATE)
    set_target_properties(gemtune_${folder} PROPERTIES UNITY_BUILD OFF)
  endif()
  set_property(GLOBAL APPEND PROPERTY GEMTUNE_LAYERS gemtune_${folder})
endfunction()

# gemtune_tests(<folder> [TORCH] [SEPARATE] [INSTRUCTION_SETS <set>...] [LIBS ...])
#
# The program gemtune_<folder>_tests of every *_test.cc beside and below the caller, and the test <folder> that runs it.
# INSTRUCTION_SETS: tests <folder>.<set> run it again as on an older processor, whose code is otherwise never run on a newer
# one (GEMTUNE_INSTRUCTION_SET). Not the ops' harness, which has a column for each of them.
function(gemtune_tests folder)
  cmake_parse_arguments(arg "TORCH;SEPARATE" "" "INSTRUCTION_SETS;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cc)
  add_executable(gemtune_${folder}_tests ${sources})
  target_link_libraries(gemtune_${folder}_tests PRIVATE gemtune_${folder} ${arg_LIBS} GTest::gmock_main gemtune_options)
  target_compile_definitions(gemtune_${folder}_tests PRIVATE GEMTUNE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  target_compile_options(gemtune_${folder}_tests PRIVATE ${GEMTUNE_TEST_OPTIMISATION})
  if(arg_TORCH)
    target_precompile_headers(gemtune_${folder}_tests REUSE_FROM gemtune_test_pch)
  endif()
  if(arg_SEPARATE)
    set_target_properties(gemtune_${folder}_tests PROPERTIES UNITY_BUILD OFF)
  endif()
  # scripts/count_results.py looks for the results of each test under the test's name.
  foreach(name ${folder} ${arg_INSTRUCTION_SETS})
    if(NOT name STREQUAL folder)
      set(environment GEMTUNE_INSTRUCTION_SET=${name} GTEST_FILTER=-*.EqualsTheReference/*)
      set(name ${folder}.${name})
    endif()
    add_test(NAME ${name} COMMAND gemtune_${folder}_tests --gtest_output=xml:${CMAKE_BINARY_DIR}/results/${name}.xml)
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}")
  endforeach()
endfunction()
