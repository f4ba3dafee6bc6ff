# cmake -DIN=file -DOUT=file.cc -DNAME=kName -P embed_text.cmake: a text file as
# `extern const std::string_view lienthong::store::kName`.
file(READ ${IN} hex HEX)
file(SIZE ${IN} size)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," hex "${hex}")
file(WRITE ${OUT} "#include <string_view>\n"
  "namespace lienthong::store {\n"
  "namespace {\nconstexpr char kBytes[] = {\n${hex}\n};\n}  // namespace\n"
  "extern const std::string_view ${NAME};\n"
  "const std::string_view ${NAME}(kBytes, ${size});\n}  // namespace lienthong::store\n")
