# cmake --install: the program (component program), and the libraries with their headers and a package for
# find_package(gemtune) (component development).
include(CMakePackageConfigHelpers)
get_property(layers GLOBAL PROPERTY GEMTUNE_LAYERS)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gemtune)

if(GEMTUNE_BUNDLE)
  # A package's program finds what it loads beside it, wherever that is unpacked. RPATH, not RUNPATH: it holds for what
  # these libraries load, too.
  set_property(TARGET gemtune PROPERTY INSTALL_RPATH "$ORIGIN/../lib/gemtune")
  target_link_options(gemtune PRIVATE LINKER:--disable-new-dtags)
  set(of_system "^(ld-linux|lib(c|m|dl|rt|util|pthread|gcc_s|stdc\\+\\+)\\.)")
  if(GEMTUNE_BUNDLE STREQUAL "small")
    set(of_python "^lib(torch|c10|gomp|arrow|parquet)")  # gomp: LibTorch's own
  endif()
  install(TARGETS gemtune RUNTIME_DEPENDENCY_SET loaded RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
  install(RUNTIME_DEPENDENCY_SET loaded PRE_EXCLUDE_REGEXES ${of_system} ${of_python}
    LIBRARY DESTINATION lib/gemtune COMPONENT program)
  install(DIRECTORY ${GEMTUNE_BUNDLE_LICENCES}/ DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)
else()
  # LibTorch and Arrow stay where they were found. (CMAKE_INSTALL_RPATH_USE_LINK_PATH leaves out folders inside the source
  # tree, and .venv is one.)
  foreach(library ${LIBTORCH_CPU_LIBRARY} ${PYARROW_LIBRARY})
    get_filename_component(folder ${library} DIRECTORY)
    set_property(TARGET gemtune APPEND PROPERTY INSTALL_RPATH ${folder})
  endforeach()
  install(TARGETS gemtune RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
endif()
if(GEMTUNE_CUDA)
  get_filename_component(folder ${LIBTORCH_CUDA_LIBRARY} DIRECTORY)
  set_property(TARGET gemtune_cuda PROPERTY INSTALL_RPATH ${folder})
  # ops/cuda_plugin.cc looks for it there, beside bin.
  install(TARGETS gemtune_cuda LIBRARY DESTINATION lib/gemtune COMPONENT program)
endif()
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT program)

install(TARGETS ${layers} EXPORT gemtune-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY gemtune DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development FILES_MATCHING PATTERN "*.h")
install(EXPORT gemtune-targets NAMESPACE gemtune:: DESTINATION ${package_dir} COMPONENT development)
install(FILES cmake/Dependencies.cmake cmake/FindLibTorch.cmake cmake/FindArrowCpp.cmake cmake/PythonPackage.cmake
  DESTINATION ${package_dir} COMPONENT development)

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
    endforeach()" COMPONENT program)
  install(FILES ${printed}/gemtune.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
  install(FILES ${printed}/gemtune DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT program)
  set(zsh_folder zsh/site-functions)
  if(GEMTUNE_BUNDLE STREQUAL "all")
    set(zsh_folder zsh/vendor-completions)  # where Debian's zsh looks for those of packages
  endif()
  install(FILES ${printed}/_gemtune DESTINATION ${CMAKE_INSTALL_DATADIR}/${zsh_folder} COMPONENT program)
  install(FILES ${printed}/gemtune.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d COMPONENT program)
endif()

configure_package_config_file(cmake/gemtune-config.cmake.in ${CMAKE_BINARY_DIR}/gemtune-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/gemtune-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/gemtune-config.cmake ${CMAKE_BINARY_DIR}/gemtune-config-version.cmake
  DESTINATION ${package_dir} COMPONENT development)

# cpack: the .deb of the program (scripts/package.sh deb).
set(CPACK_GENERATOR DEB)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)  # a third less than gzip, which is the default
set(CPACK_PACKAGE_VENDOR gemtune)
set(CPACK_PACKAGE_CONTACT "The gemtune developers <gemtune@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "libcurl4 | libcurl4t64")  # which gemtune fetch loads
set(CPACK_PACKAGE_DESCRIPTION "It trains classifiers and language models on labelled texts, conversations and documents,
measures them, and writes models that the Hugging Face ecosystem and llama.cpp
load as their own. LibTorch and Arrow are inside.")
include(CPack)
