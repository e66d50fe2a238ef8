# python_package_dir(<variable> <package>): the folder of an installed Python package, or "" (the package is not run).
# The source tree's .venv comes first, then python3 on the PATH.
function(python_package_dir variable package)
  set(${variable} "" PARENT_SCOPE)
  foreach(python ${CMAKE_SOURCE_DIR}/.venv/bin/python $ENV{GEMTUNE_PYTHON} python3)
    execute_process(
      COMMAND ${python} -c "import importlib.util, os; s = importlib.util.find_spec('${package}'); print(os.path.dirname(s.origin) if s and s.origin else '')"
      OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
    if(NOT failed AND folder)
      set(${variable} ${folder} PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()
