# cmake --install: the program, the libraries with their headers, and a package for find_package(gemtune).
include(CMakePackageConfigHelpers)
get_property(layers GLOBAL PROPERTY GEMTUNE_LAYERS)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gemtune)

# LibTorch and Arrow stay where they were found. (CMAKE_INSTALL_RPATH_USE_LINK_PATH leaves out folders inside the source
# tree, and .venv is one.)
foreach(library ${LIBTORCH_CPU_LIBRARY} ${PYARROW_LIBRARY})
  get_filename_component(folder ${library} DIRECTORY)
  set_property(TARGET gemtune APPEND PROPERTY INSTALL_RPATH ${folder})
endforeach()
install(TARGETS gemtune RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(GEMTUNE_CUDA)
  get_filename_component(folder ${LIBTORCH_CUDA_LIBRARY} DIRECTORY)
  set_property(TARGET gemtune_cuda PROPERTY INSTALL_RPATH ${folder})
  install(TARGETS gemtune_cuda LIBRARY DESTINATION lib/gemtune)  # ops/cuda_plugin.cc looks for it there, beside bin
endif()
install(TARGETS ${layers} EXPORT gemtune-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY gemtune DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT gemtune-targets NAMESPACE gemtune:: DESTINATION ${package_dir})
install(FILES cmake/Dependencies.cmake cmake/FindLibTorch.cmake cmake/FindArrowCpp.cmake cmake/PythonPackage.cmake
  DESTINATION ${package_dir})

# The manual and the shells' completions, by the program itself.
if(NOT CMAKE_CROSSCOMPILING)
  set(printed ${CMAKE_BINARY_DIR}/printed)
  install(CODE "
    file(MAKE_DIRECTORY ${printed})
    foreach(page \"man;gemtune.1\" \"completion bash;gemtune\" \"completion zsh;_gemtune\" \"completion fish;gemtune.fish\")
      list(GET page 0 command)
      list(GET page 1 file)
      separate_arguments(command)
      execute_process(COMMAND \"$<TARGET_FILE:gemtune>\" \${command} OUTPUT_FILE ${printed}/\${file} COMMAND_ERROR_IS_FATAL ANY)
    endforeach()")
  install(FILES ${printed}/gemtune.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${printed}/gemtune DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${printed}/_gemtune DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${printed}/gemtune.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DATADIR}/gemtune)

configure_package_config_file(cmake/gemtune-config.cmake.in ${CMAKE_BINARY_DIR}/gemtune-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/gemtune-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/gemtune-config.cmake ${CMAKE_BINARY_DIR}/gemtune-config-version.cmake DESTINATION ${package_dir})
