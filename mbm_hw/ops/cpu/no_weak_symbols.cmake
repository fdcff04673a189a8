# Fails if one of OBJECTS defines a symbol that the linker may share with other objects; see isa.h.
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} -C ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[0-9a-f]+ [uVvW] [^\n]*" weak "${symbols}")
  list(FILTER weak EXCLUDE REGEX "DW\\.ref|__odr_asan|asan")
  if(weak)
    message(FATAL_ERROR "${object} defines symbols that other objects may share: ${weak}")
  endif()
endforeach()
