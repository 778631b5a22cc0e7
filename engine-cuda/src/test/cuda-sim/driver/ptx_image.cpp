#include "ptx_image.h"

#include <stdlib.h>
#include <string.h>

#include <algorithm>

namespace {

// Bytes of a parameter: ".param .u64 .ptr .align 1 name", ".param .align 8 .b8 name[16]".
size_t readSize(const std::string& parameter) {
  size_t bytes = 0;
  for (size_t dot = parameter.find('.'); dot != std::string::npos;
       dot = parameter.find('.', dot + 1)) {
    char kind = parameter[dot + 1], digit = parameter[dot + 2];
    bool type = strchr("usfb", kind) != nullptr && digit >= '0' && digit <= '9';
    if (type) bytes = strtoul(&parameter[dot + 2], nullptr, 10) / 8;
  }
  size_t bracket = parameter.find('[');
  return bracket == std::string::npos
             ? bytes
             : bytes * strtoul(&parameter[bracket + 1], nullptr, 10);
}

}  // namespace

bool isPtx(const char* image) {
  const char* version = strstr(image, ".version");
  return version != nullptr && strstr(version, ".target") != nullptr;
}

bool readEntry(const std::string& ptx, const std::string& name, std::vector<size_t>* sizes) {
  size_t start = ptx.find(".entry " + name + "(");
  if (start == std::string::npos) return false;
  size_t end = ptx.find(')', start);
  for (size_t at = ptx.find(".param", start); at < end; at = ptx.find(".param", at + 1)) {
    sizes->push_back(readSize(ptx.substr(at, std::min(end, ptx.find(',', at)) - at)));
  }
  return true;
}

size_t readMaxThreads(const std::string& ptx, const std::string& name, size_t otherwise) {
  size_t entry = ptx.find(".entry " + name + "(");
  if (entry == std::string::npos) return otherwise;
  size_t end = ptx.find_first_of("{;", ptx.find(')', entry));
  size_t bound = ptx.find(".maxntid", entry);
  if (bound == std::string::npos || bound >= end) return otherwise;
  size_t threads = 1;
  const char* at = ptx.c_str() + bound + strlen(".maxntid");
  for (;;) {
    char* after;
    threads *= strtoul(at, &after, 10);
    if (*after != ',') return threads;
    at = after + 1;
  }
}
