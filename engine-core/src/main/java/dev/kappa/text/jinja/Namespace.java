package dev.kappa.text.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The one value that templates can change: {@code namespace(...)}, whose attributes {@code set} can
 * assign from within loops.
 */
final class Namespace {

  private final Map<String, Object> attributes = new LinkedHashMap<>();

  Object get(String name) {
    Object value = attributes.get(name);
    return value == null ? Undefined.member(this, name) : value;
  }

  void set(String name, Object value) {
    attributes.put(name, value);
  }
}
