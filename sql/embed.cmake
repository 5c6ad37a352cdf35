# Writes OUT: a C table of every .sql file below ROOT, bytes as hexadecimal so that nothing needs quoting.
#
# In an SQL file, {{measures: TEMPLATE}} becomes TEMPLATE once for each KPI measure, separated by commas. {{measures N: TEMPLATE}}
# takes only the first N measures: migrations use it, because a released one must not change when a measure is added. The text
# stays on one line, so that the line numbers in PostgreSQL's errors are right. In TEMPLATE:
#   {column}   the measure's column in kpid.agent_kpi_5m
#   {type}     the type of that column
#   {public}   its name in the views of schema report
#   {scale}    the factor from the column to what the views show: " * 0.000001", or nothing for a count
#   {comment}  its comment, for use between single quotes
# {{ledger: TEMPLATE}} and {{ledger N: TEMPLATE}} do the same for the measures of the ledger alone.
set(DEFINITIONS ${CMAKE_CURRENT_LIST_DIR}/../include/kpid/core)
set(type_COUNT "integer")
set(type_MILLIONTHS "bigint")
set(type_MICROSECONDS "numeric(38, 0)") # 64 bits hold the sum of only 1,400 times of 210 years
set(scale_COUNT "")
set(scale_MILLIONTHS " * 0.000001")
set(scale_MICROSECONDS " * 0.000001")

file(STRINGS ${DEFINITIONS}/kpi_measures.def all_measures REGEX "^KPI_MEASURE")
file(STRINGS ${DEFINITIONS}/ledger_measures.def all_ledger REGEX "^LEDGER_MEASURE")

function(expand list n template out)
  set(all "")
  set(wanted ${all_${list}})
  if(NOT "${n}" STREQUAL "")
    list(SUBLIST wanted 0 ${n} wanted)
  endif()
  foreach(measure IN LISTS wanted)
    if(NOT measure MATCHES "^[A-Z]+_MEASURE\\([A-Z0-9_]+, \"([a-z0-9_]+)\", (COUNT|MILLIONTHS|MICROSECONDS), \"([^\"]*)\"\\)$")
      message(FATAL_ERROR "${DEFINITIONS}: cannot read ${measure}")
    endif()
    set(column "${CMAKE_MATCH_1}")
    set(unit "${CMAKE_MATCH_2}")
    string(REPLACE "'" "''" comment "${CMAKE_MATCH_3}")
    string(REGEX REPLACE "_us_sum$" "_seconds_sum" public "${column}")
    string(REGEX REPLACE "_micros_sum$" "_sum" public "${public}")
    set(one "${template}")
    string(REPLACE "{column}" "${column}" one "${one}")
    string(REPLACE "{type}" "${type_${unit}}" one "${one}")
    string(REPLACE "{public}" "${public}" one "${one}")
    string(REPLACE "{scale}" "${scale_${unit}}" one "${one}")
    string(REPLACE "{comment}" "${comment}" one "${one}")
    string(APPEND all "${one}, ")
  endforeach()
  string(REGEX REPLACE ", $" "" all "${all}")
  set(${out} "${all}" PARENT_SCOPE)
endfunction()

file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/*.sql)
list(SORT files)
set(text "#include \"kpid/port/sql_files.h\"\n\n")
set(table "")
set(i 0)
foreach(file ${files})
  file(READ ${ROOT}/${file} sql)
  while(sql MATCHES "{{(measures|ledger) ?([0-9]*): ([^\n]*)}}")
    set(place "${CMAKE_MATCH_0}")
    expand("${CMAKE_MATCH_1}" "${CMAKE_MATCH_2}" "${CMAKE_MATCH_3}" expanded)
    string(REPLACE "${place}" "${expanded}" sql "${sql}")
  endwhile()
  string(HEX "${sql}" hex)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," hex "${hex}")
  string(APPEND text "static const char file_${i}[] = {${hex}0};\n")
  string(APPEND table "\t{\"${file}\", file_${i}},\n")
  math(EXPR i "${i} + 1")
endforeach()
string(APPEND text "\nconst struct sql_file sql_files[] = {\n${table}\t{0, 0}};\n")
file(WRITE ${OUT} "${text}")
