#include "modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "context.h"
#include "control.h"
#include "kernel_abi.h"
#include "memory.h"
#include "ptx_image.h"
#include "results.h"
#include "streams.h"

namespace {

constexpr size_t SHARED_BYTES = 49152;  // without opting in to more
constexpr int SHARED_BYTES_OPTIN = 101376;  // of sm_86, the least since sm_80
constexpr int MAX_DYNAMIC_SHARED_ATTRIBUTE = 8;  // CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
constexpr unsigned MAX_BLOCK_THREADS = 1024;

struct Function {
  const KernelDescription* kernel;
  std::string name;
  size_t maxThreads;
  size_t dynamicSharedLimit = SHARED_BYTES;
};

struct Module {
  void* library;
  bool described;                           // by the PTX image that the library stands in for
  std::map<std::string, PtxEntry> entries;  // of that image
  std::map<std::string, std::unique_ptr<Function>> functions;
};

struct Modules {
  std::mutex lock;
  std::map<void*, std::unique_ptr<Module>> byHandle;
  std::map<void*, Function*> functions;
  std::string substitute;  // what PTX images are replaced with
};

Modules& modules() {
  static Modules& all = *[] {
    auto* made = new Modules();
    const char* path = getenv("KAPPA_SIM_KERNELS");
    if (path != nullptr) made->substitute = path;
    return made;
  }();
  return all;
}

// ptx: the image that the library stands in for, or null.
int open(void** handle, const char* path, const char* ptx) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    fprintf(stderr, "[simulated CUDA] %s\n", dlerror());
    return INVALID_IMAGE;
  }
  Modules& all = modules();
  std::lock_guard<std::mutex> held(all.lock);
  auto made = std::make_unique<Module>();
  made->library = library;
  made->described = ptx != nullptr;
  if (ptx != nullptr) made->entries = readEntries(ptx);
  *handle = made.get();
  all.byHandle[*handle] = std::move(made);
  counters().modules++;
  return SUCCESS;
}

int openElf(void** handle, const void* image) {
  const auto* header = (const Elf64_Ehdr*)image;
  size_t bytes = header->e_shoff + (size_t)header->e_shnum * header->e_shentsize;
  int file = memfd_create("kernels", 0);  // stays open: the loader tells libraries apart by inode
  if (file < 0 || write(file, image, bytes) != (ssize_t)bytes) return INVALID_IMAGE;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  return open(handle, path, nullptr);
}

// Whether the kernel built from the sources is the one that the image describes.
bool agrees(const std::vector<size_t>& sizes, const KernelDescription& kernel) {
  if (sizes.size() != kernel.parameterCount) return false;
  for (size_t i = 0; i < sizes.size(); i++) {
    if (sizes[i] != kernel.parameterSizes[i]) return false;
  }
  return true;
}

// The launch's arguments, copied as the driver does.
struct Arguments {
  std::vector<std::vector<char>> values;

  std::vector<void*> pointers() {
    std::vector<void*> result;
    for (auto& value : values) result.push_back(value.data());
    return result;
  }

  // The number of the first that the kernel could not use as an address; -1 if all are fine.
  int unusable(const KernelDescription& kernel) const {
    for (unsigned i = 0; i < kernel.parameterCount; i++) {
      uint64_t address;
      if (values[i].size() != sizeof address) continue;
      memcpy(&address, values[i].data(), sizeof address);
      bool lost = kernel.parameterIsPointer[i] && address != 0 && !isReachable(address);
      if (lost || wasFreed(address)) return (int)i;
    }
    return -1;
  }
};

int readPointers(const KernelDescription& kernel, void** parameters, Arguments* arguments) {
  for (unsigned i = 0; i < kernel.parameterCount; i++) {
    if (parameters[i] == nullptr) return INVALID_VALUE;
    const char* from = (const char*)parameters[i];
    arguments->values.emplace_back(from, from + kernel.parameterSizes[i]);
  }
  return SUCCESS;
}

size_t offsetAfter(const KernelDescription& kernel, unsigned parameter, size_t end) {
  size_t alignment = kernel.parameterAlignments[parameter];
  return (end + alignment - 1) / alignment * alignment;
}

// CU_LAUNCH_PARAM_BUFFER_POINTER (1), CU_LAUNCH_PARAM_BUFFER_SIZE (2), CU_LAUNCH_PARAM_END (0).
int readBuffer(const KernelDescription& kernel, void** extra, Arguments* arguments) {
  const char* buffer = nullptr;
  size_t bytes = 0;
  for (void** entry = extra; *entry != nullptr; entry += 2) {
    if (*entry == (void*)1) buffer = (const char*)entry[1];
    if (*entry == (void*)2) bytes = *(const size_t*)entry[1];
  }
  size_t end = 0;
  for (unsigned i = 0; i < kernel.parameterCount; i++) {
    size_t start = offsetAfter(kernel, i, end);
    end = start + kernel.parameterSizes[i];
    if (buffer == nullptr || end > bytes) return INVALID_VALUE;
    arguments->values.emplace_back(buffer + start, buffer + end);
  }
  return end == bytes ? SUCCESS : INVALID_VALUE;
}

bool dimensionsValid(const KernelLaunch& launch) {
  const unsigned* grid = launch.grid;
  const unsigned* block = launch.block;
  for (int i = 0; i < 3; i++) {
    if (grid[i] == 0 || block[i] == 0) return false;
  }
  return grid[0] <= 2147483647 && grid[1] <= 65535 && grid[2] <= 65535 && block[0] <= 1024 &&
         block[1] <= 1024 && block[2] <= 64 &&
         (size_t)block[0] * block[1] * block[2] <= MAX_BLOCK_THREADS;
}

Function* findFunction(void* handle) {
  std::lock_guard<std::mutex> held(modules().lock);
  auto at = modules().functions.find(handle);
  return at == modules().functions.end() ? nullptr : at->second;
}

int run(const KernelDescription& kernel, const std::string& name, const KernelLaunch& launch,
        Arguments& arguments) {
  int unusable = arguments.unusable(kernel);
  if (unusable >= 0) {
    fprintf(stderr, "[simulated CUDA] argument %d of %s points to no memory of the device\n",
            unusable, name.c_str());
    return ILLEGAL_ADDRESS;
  }
  int result = kernel.run(&launch, arguments.pointers().data());
  if (result != SUCCESS) fprintf(stderr, "[simulated CUDA] in kernel %s\n", name.c_str());
  if (result == SUCCESS && !guardsIntact()) {
    fprintf(stderr, "[simulated CUDA] after kernel %s\n", name.c_str());
    return ILLEGAL_ADDRESS;
  }
  return result;
}

}  // namespace

void forgetModules() {
  std::lock_guard<std::mutex> held(modules().lock);
  modules().functions.clear();
  modules().byHandle.clear();
  counters().modules = 0;
}

void kappaSimKernels(const char* path) {
  std::lock_guard<std::mutex> held(modules().lock);
  modules().substitute = path;
}

EXPORTED int cuModuleLoadData(void** handle, const void* image) {
  REQUIRE_CONTEXT;
  if (image == nullptr) return INVALID_VALUE;
  bool elf = memcmp(image, ELFMAG, SELFMAG) == 0;
  if (elf && ((const Elf64_Ehdr*)image)->e_machine == EM_X86_64) return openElf(handle, image);
  if (elf && ((const Elf64_Ehdr*)image)->e_machine != EM_CUDA) return INVALID_IMAGE;
  if (elf && !settings().machineCode) return NO_BINARY_FOR_GPU;
  if (!elf && !isPtx((const char*)image)) return INVALID_IMAGE;
  std::string substitute;
  {
    std::lock_guard<std::mutex> held(modules().lock);
    substitute = modules().substitute;
  }
  return substitute.empty() ? INVALID_IMAGE
                            : open(handle, substitute.c_str(), elf ? nullptr : (const char*)image);
}

EXPORTED int cuModuleLoadDataEx(void** handle, const void* image, unsigned, int*, void**) {
  return cuModuleLoadData(handle, image);
}

EXPORTED int cuModuleUnload(void* handle) {
  REQUIRE_CONTEXT;
  std::lock_guard<std::mutex> held(modules().lock);
  auto at = modules().byHandle.find(handle);
  if (at == modules().byHandle.end()) return INVALID_HANDLE;
  for (const auto& entry : at->second->functions) modules().functions.erase(entry.second.get());
  modules().byHandle.erase(at);  // the library stays: launches may still be waiting
  counters().modules--;
  return SUCCESS;
}

EXPORTED int cuModuleGetFunction(void** handle, void* moduleHandle, const char* name) {
  REQUIRE_CONTEXT;
  std::lock_guard<std::mutex> held(modules().lock);
  auto at = modules().byHandle.find(moduleHandle);
  if (at == modules().byHandle.end()) return INVALID_HANDLE;
  Module& module = *at->second;
  auto* kernel = (const KernelDescription*)dlsym(
      module.library, ("kernel_description_" + std::string(name)).c_str());
  if (kernel == nullptr || kernel->version != KERNEL_ABI_VERSION) return NOT_FOUND;
  size_t threads = MAX_BLOCK_THREADS;
  if (module.described) {
    auto entry = module.entries.find(name);
    if (entry == module.entries.end()) return NOT_FOUND;
    if (!agrees(entry->second.parameterSizes, *kernel)) {
      fprintf(stderr, "[simulated CUDA] the PTX image has other parameters for %s\n", name);
      return INVALID_IMAGE;
    }
    if (entry->second.maxThreads > 0) threads = entry->second.maxThreads;
  }
  auto& function = module.functions[name];
  if (!function) {
    function = std::make_unique<Function>(Function{kernel, name, threads});
  }
  modules().functions[function.get()] = function.get();
  *handle = function.get();
  return SUCCESS;
}

EXPORTED int cuFuncSetAttribute(void* handle, int attribute, int value) {
  REQUIRE_CONTEXT;
  Function* function = findFunction(handle);
  if (function == nullptr) return INVALID_HANDLE;
  if (attribute != MAX_DYNAMIC_SHARED_ATTRIBUTE) return SUCCESS;
  if (value < 0 || value > SHARED_BYTES_OPTIN) return INVALID_VALUE;
  function->dynamicSharedLimit = (size_t)value;
  return SUCCESS;
}

EXPORTED int cuFuncGetAttribute(int* value, int attribute, void* handle) {
  REQUIRE_CONTEXT;
  Function* function = findFunction(handle);
  if (function == nullptr) return INVALID_HANDLE;
  *value = attribute == 0                              ? (int)function->maxThreads
           : attribute == MAX_DYNAMIC_SHARED_ATTRIBUTE ? (int)function->dynamicSharedLimit
                                                       : 0;
  return SUCCESS;
}

// Lets callers check how they lay out arguments (CUDA 12.4 and later).
EXPORTED int cuFuncGetParamInfo(void* handle, size_t index, size_t* offset, size_t* bytes) {
  REQUIRE_CONTEXT;
  Function* function = findFunction(handle);
  if (function == nullptr) return INVALID_HANDLE;
  const KernelDescription& kernel = *function->kernel;
  if (index >= kernel.parameterCount) return INVALID_VALUE;
  size_t end = 0;
  for (unsigned i = 0; i <= index; i++) {
    *offset = offsetAfter(kernel, i, end);
    end = *offset + kernel.parameterSizes[i];
  }
  if (bytes != nullptr) *bytes = kernel.parameterSizes[index];
  return SUCCESS;
}

EXPORTED int cuFuncSetCacheConfig(void*, int) { return SUCCESS; }

EXPORTED int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* handle, int threads,
                                                         size_t) {
  REQUIRE_CONTEXT;
  if (findFunction(handle) == nullptr) return INVALID_HANDLE;
  if (threads <= 0) return INVALID_VALUE;
  *blocks = 2048 / threads;
  return SUCCESS;
}

EXPORTED int cuLaunchKernel(void* handle, unsigned gridX, unsigned gridY, unsigned gridZ,
                            unsigned blockX, unsigned blockY, unsigned blockZ,
                            unsigned dynamicSharedBytes, void* stream, void** parameters,
                            void** extra) {
  REQUIRE_CONTEXT;
  Function* function = findFunction(handle);
  if (function == nullptr) return INVALID_HANDLE;
  KernelLaunch launch{
      {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, dynamicSharedBytes, settings().reverse};
  if (!dimensionsValid(launch) || dynamicSharedBytes > function->dynamicSharedLimit ||
      (size_t)blockX * blockY * blockZ > function->maxThreads) {
    return INVALID_VALUE;
  }
  const KernelDescription& kernel = *function->kernel;
  auto arguments = std::make_shared<Arguments>();
  if (parameters != nullptr && extra != nullptr) return INVALID_VALUE;
  if (parameters == nullptr && extra == nullptr && kernel.parameterCount > 0) return INVALID_VALUE;
  int read = parameters != nullptr ? readPointers(kernel, parameters, arguments.get())
             : extra != nullptr    ? readBuffer(kernel, extra, arguments.get())
                                   : SUCCESS;
  if (read != SUCCESS) return read;
  counters().launches++;
  std::string name = function->name;
  const KernelDescription* described = &kernel;
  return enqueue(findStream(stream), [=] { return run(*described, name, launch, *arguments); });
}
