# cmake -DIN=file -DOUT=file.cc -DNAME=kName [-DNAMESPACE=lienthong::store] -P embed_text.cmake: the
# bytes of a file as `extern const std::string_view kName` of that namespace.
if(NOT NAMESPACE)
  set(NAMESPACE lienthong::store)
endif()
file(READ ${IN} hex HEX)
file(SIZE ${IN} size)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," hex "${hex}")
file(WRITE ${OUT} "#include <string_view>\n"
  "namespace ${NAMESPACE} {\n"
  "namespace {\nconstexpr char kBytes[] = {\n${hex}\n};\n}  // namespace\n"
  "extern const std::string_view ${NAME};\n"
  "const std::string_view ${NAME}(kBytes, ${size});\n}  // namespace ${NAMESPACE}\n")
