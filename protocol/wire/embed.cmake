# cmake -DIN=file -DOUT=file.cc -DNAME=kName -P embed.cmake: the bytes of a file as a C++ array.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(SIZE ${IN} size)
file(WRITE ${OUT} "#include <cstddef>\n#include <cstdint>\n"
  "namespace lienthong::wire {\n"
  "extern const std::uint8_t ${NAME}[];\nextern const std::size_t ${NAME}Size;\n"
  "const std::uint8_t ${NAME}[] = {\n${hex}\n};\n"
  "const std::size_t ${NAME}Size = ${size};\n}  // namespace lienthong::wire\n")
