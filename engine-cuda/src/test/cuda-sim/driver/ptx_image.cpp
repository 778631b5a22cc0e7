#include "ptx_image.h"

#include <stdlib.h>
#include <string.h>

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

// Of what lies between the parentheses.
std::vector<size_t> readSizes(const std::string& parameters) {
  std::vector<size_t> sizes;
  for (size_t at = parameters.find(".param"); at != std::string::npos;
       at = parameters.find(".param", at + 1)) {
    sizes.push_back(readSize(parameters.substr(at, parameters.find(',', at) - at)));
  }
  return sizes;
}

// Of what lies between the parameters and the body.
size_t readMaxThreads(const std::string& directives) {
  size_t bound = directives.find(".maxntid");
  if (bound == std::string::npos) return 0;
  size_t threads = 1;
  const char* at = directives.c_str() + bound + strlen(".maxntid");
  for (;;) {
    char* after;
    threads *= strtoul(at, &after, 10);
    if (*after != ',') return threads;
    at = after + 1;
  }
}

}  // namespace

bool isPtx(const char* image) {
  const char* version = strstr(image, ".version");
  return version != nullptr && strstr(version, ".target") != nullptr;
}

std::map<std::string, PtxEntry> readEntries(const char* ptx) {
  static const char ENTRY[] = ".entry ";
  std::map<std::string, PtxEntry> entries;
  for (const char* at = strstr(ptx, ENTRY); at != nullptr; at = strstr(at, ENTRY)) {
    at += strlen(ENTRY);
    const char* open = strchr(at, '(');
    const char* close = open == nullptr ? nullptr : strchr(open, ')');
    if (close == nullptr) break;
    PtxEntry& entry = entries[std::string(at, open)];
    entry.parameterSizes = readSizes(std::string(open, close));
    entry.maxThreads = readMaxThreads(std::string(close, strcspn(close, "{;")));
    at = close;
  }
  return entries;
}
