// Capture and launch of graphs. A graph runs its nodes one after another.
#include <set>

#include "context.h"
#include "control.h"
#include "results.h"
#include "streams.h"

namespace {

// A graph, or one made ready to launch: the same here.
struct Graphs {
  std::mutex lock;
  std::set<std::shared_ptr<Graph>> live;
};

Graphs& graphs() {
  static Graphs& all = *new Graphs();
  return all;
}

void* keep(const std::shared_ptr<Graph>& graph) {
  std::lock_guard<std::mutex> held(graphs().lock);
  graphs().live.insert(graph);
  return graph.get();
}

std::shared_ptr<Graph> find(void* handle) {
  std::lock_guard<std::mutex> held(graphs().lock);
  for (const auto& graph : graphs().live) {
    if (graph.get() == handle) return graph;
  }
  return nullptr;
}

int drop(void* handle) {
  std::shared_ptr<Graph> graph = find(handle);
  if (!graph) return INVALID_VALUE;
  std::lock_guard<std::mutex> held(graphs().lock);
  graphs().live.erase(graph);
  return SUCCESS;
}

}  // namespace

EXPORTED int cuStreamBeginCapture_v2(void* handle, int) {
  REQUIRE_CONTEXT;
  StreamPointer stream = findStream(handle);
  if (!stream) return INVALID_HANDLE;
  if (stream->id == 0) return STREAM_CAPTURE_UNSUPPORTED;
  std::lock_guard<std::mutex> held(captureLock());
  if (stream->capture) return INVALID_VALUE;
  stream->capture = std::make_shared<Graph>();
  stream->captureOrigin = true;
  return SUCCESS;
}

EXPORTED int cuStreamEndCapture(void* handle, void** graph) {
  REQUIRE_CONTEXT;
  *graph = nullptr;
  StreamPointer stream = findStream(handle);
  if (!stream) return INVALID_HANDLE;
  std::lock_guard<std::mutex> held(captureLock());
  if (!stream->capture) return INVALID_VALUE;
  if (!stream->captureOrigin) return STREAM_CAPTURE_UNMATCHED;
  std::shared_ptr<Graph> captured = stream->capture;
  stream->capture = nullptr;
  stream->captureOrigin = false;
  endJoinedCaptures(captured);
  if (captured->invalid != SUCCESS) return captured->invalid;
  *graph = keep(captured);
  return SUCCESS;
}

EXPORTED int cuStreamIsCapturing(void* handle, int* status) {
  REQUIRE_CONTEXT;
  StreamPointer stream = findStream(handle);
  if (!stream) return INVALID_HANDLE;
  std::lock_guard<std::mutex> held(captureLock());
  *status = !stream->capture ? 0 : stream->capture->invalid == SUCCESS ? 1 : 2;
  return SUCCESS;
}

EXPORTED int cuGraphInstantiateWithFlags(void** executable, void* handle, unsigned long long) {
  REQUIRE_CONTEXT;
  std::shared_ptr<Graph> graph = find(handle);
  if (!graph) return INVALID_VALUE;
  *executable = keep(std::make_shared<Graph>(*graph));
  return SUCCESS;
}

EXPORTED int cuGraphLaunch(void* executable, void* streamHandle) {
  REQUIRE_CONTEXT;
  std::shared_ptr<Graph> graph = find(executable);
  if (!graph) return INVALID_VALUE;
  return enqueue(findStream(streamHandle), [graph] {
    for (const Work& node : graph->nodes) {
      int result = node();
      if (result != SUCCESS) return result;
    }
    return (int)SUCCESS;
  });
}

EXPORTED int cuGraphDestroy(void* graph) {
  REQUIRE_CONTEXT;
  return drop(graph);
}

EXPORTED int cuGraphExecDestroy(void* executable) {
  REQUIRE_CONTEXT;
  return drop(executable);
}
