# Apache Arrow C++ with Parquet: Arrow::cpp. A system package if there is one, else what the pyarrow wheel carries
# (headers, and libraries under versioned names): of -DPYARROW_DIR, of the source tree's .venv, or of python3.
find_package(Arrow CONFIG QUIET)
find_package(Parquet CONFIG QUIET)
if(Arrow_FOUND AND Parquet_FOUND AND NOT TARGET Arrow::cpp)
  add_library(Arrow::cpp INTERFACE IMPORTED)
  set_target_properties(Arrow::cpp PROPERTIES INTERFACE_LINK_LIBRARIES "Arrow::arrow_shared;Parquet::parquet_shared")
  set(ArrowCpp_FOUND TRUE)
  return()
endif()

include(PythonPackage)
set(_pyarrow ${PYARROW_DIR})
if(NOT _pyarrow)
  python_package_dir(_pyarrow pyarrow)
endif()
find_path(PYARROW_INCLUDE_DIR arrow/api.h PATHS ${_pyarrow}/include NO_DEFAULT_PATH)
file(GLOB PYARROW_LIBRARY ${_pyarrow}/libarrow.so.*00)
file(GLOB _libparquet ${_pyarrow}/libparquet.so.*00)
if(PYARROW_INCLUDE_DIR)
  file(STRINGS ${PYARROW_INCLUDE_DIR}/arrow/util/config.h _line REGEX "ARROW_VERSION_STRING")
  string(REGEX REPLACE ".*\"(.*)\".*" "\\1" ArrowCpp_VERSION "${_line}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ArrowCpp
  REQUIRED_VARS PYARROW_LIBRARY _libparquet PYARROW_INCLUDE_DIR
  VERSION_VAR ArrowCpp_VERSION
  REASON_FAILURE_MESSAGE "run scripts/setup.sh, or install libarrow-dev and libparquet-dev")
if(ArrowCpp_FOUND AND NOT TARGET Arrow::cpp)
  add_library(Arrow::arrow SHARED IMPORTED)
  set_target_properties(Arrow::arrow PROPERTIES IMPORTED_LOCATION ${PYARROW_LIBRARY} INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${PYARROW_INCLUDE_DIR}
    INTERFACE_INCLUDE_DIRECTORIES ${PYARROW_INCLUDE_DIR})
  add_library(Arrow::cpp SHARED IMPORTED)
  set_target_properties(Arrow::cpp PROPERTIES IMPORTED_LOCATION ${_libparquet} INTERFACE_LINK_LIBRARIES Arrow::arrow)
endif()
mark_as_advanced(PYARROW_INCLUDE_DIR)
