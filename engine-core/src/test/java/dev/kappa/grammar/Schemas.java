package dev.kappa.grammar;

import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Schemas with texts that satisfy them as they may be written, and texts that may not be. */
final class Schemas {

  record Sample(String name, String schema, List<String> good, List<String> bad) {
    @Override
    public String toString() {
      return name;
    }
  }

  private Schemas() {}

  private static Sample sample(String name, String schema, List<String> good, List<String> bad) {
    return new Sample(name, schema, good, bad);
  }

  static Stream<Sample> all() {
    return Stream.of(
        sample(
            "anything",
            "{}",
            List.of(
                "{}", "[]", "null", "-1.5e-3", "\"a\\u00e9\\ud83d\\ude00 é😀\"", "[1, {\"a\":[]}]"),
            List.of(
                "",
                "{",
                "[1,]",
                "01",
                "1.",
                "+1",
                "'a'",
                "\"\\ud83d\"",
                "\"\\ude00\"",
                "nul",
                "\"\n\"",
                "{\"a\" :1}",
                "[ \n1]",
                "{}{}",
                "\"\\x\"",
                "-",
                "1e",
                "tru")),
        sample("yes", "true", List.of("7", "{\"a\": {}}"), List.of("{a:1}")),
        sample(
            "object",
            "{\"type\":\"object\"}",
            List.of("{}", "{\"a\":1}", "{\n  \"a\": [1,\n  2],\n  \"b\": {}\n}", "\n{}", " {}"),
            List.of("[]", "1", "{\"a\"}", "{\"a\":1,}", "  {}", "{}\n")),
        sample(
            "person",
            """
            {"type":"object","title":"Person","description":"d","properties":{
              "name":{"type":"string","description":"who"},
              "age":{"type":"integer"},
              "mail":{"anyOf":[{"type":"string"},{"type":"null"}],"default":null}},
             "required":["name","mail"],"additionalProperties":false}
            """,
            List.of(
                "{\"name\":\"Ada\",\"age\":36,\"mail\":null}",
                "{\"name\": \"\", \"mail\": \"a\"}",
                "{\"name\":\"\",\"age\":0,\"mail\":\"x\"}"),
            List.of(
                "{\"name\":\"Ada\"}",
                "{\"mail\":null,\"name\":\"Ada\"}",
                "{\"name\":\"a\",\"age\":1.5,\"mail\":null}",
                "{\"name\":\"a\",\"age\":-0,\"mail\":null}",
                "{\"name\":\"a\",\"age\":9999999999999999,\"mail\":null}",
                "{\"name\":\"a\",\"mail\":null,\"x\":1}")),
        sample(
            "optional",
            """
            {"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"null"},
             "c":{"const":"é\\"\\n"}}}
            """,
            List.of(
                "{}",
                "{\"a\":true}",
                "{\"b\":null}",
                "{\"c\":\"é\\\"\\n\"}",
                "{\"a\":false, \"c\":\"é\\\"\\n\"}",
                "{\"a\":false,\"b\":null,\"c\":\"é\\\"\\n\"}"),
            List.of("{,\"b\":null}", "{\"b\":null,\"a\":true}", "{\"d\":1}", "{\"c\":\"e\"}")),
        sample(
            "map",
            "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"}}",
            List.of("{}", "{\"x\":1,\"y\": 2}"),
            List.of("{\"x\":\"1\"}")),
        sample(
            "named and others",
            """
            {"type":"object","properties":{"ab":{"type":"integer"},"a":{"type":"integer"},
             "é":{"type":"integer"}},"required":["ab"],"additionalProperties":{"type":"string"}}
            """,
            List.of(
                "{\"ab\":1}",
                "{\"ab\":1,\"abc\":\"x\",\"b\":\"\"}",
                "{\"ab\":1,\"\":\"x\",\"è\":\"\",\"日\":\"\"}",
                "{\"ab\":1,\"a\":2,\"é\":3,\"éé\":\"\"}"),
            List.of(
                "{\"ab\":1,\"ab\":\"x\"}",
                "{\"ab\":1,\"a\":\"x\"}",
                "{\"ab\":1,\"é\":\"x\"}",
                "{\"ab\":1,\"\\u0061\":\"x\"}",
                "{\"b\":\"\"}")),
        sample(
            "required only",
            "{\"type\":\"object\",\"required\":[\"k\"]}",
            List.of("{\"k\":[1]}"),
            List.of("{}")),
        sample(
            "array",
            "{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"minItems\":2,\"maxItems\":4}",
            List.of("[1,2]", "[0.5, -2e10,3,4]", "[\n 1,\n 2\n]"),
            List.of("[]", "[1]", "[1,2,3,4,5]", "[1,\"a\"]")),
        sample(
            "at least one",
            "{\"type\":\"array\",\"items\":{\"enum\":[1,\"a\",null,{\"b\":[2]}]},\"minItems\":1}",
            List.of("[1]", "[\"a\",null,{\"b\":[2]},1,1]"),
            List.of("[]", "[2]", "[{\"b\": [2]}]")),
        sample("none", "{\"type\":\"array\",\"maxItems\":0}", List.of("[]", "[ ]"), List.of("[1]")),
        sample(
            "tuple",
            """
            {"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false,
             "minItems":1}
            """,
            List.of("[\"a\"]", "[\"a\",1]"),
            List.of("[]", "[1]", "[\"a\",1,2]")),
        sample(
            "tuple and more",
            "{\"prefixItems\":[{\"type\":\"string\"}],\"items\":{\"type\":\"null\"}}",
            List.of("[]", "[\"a\"]", "[\"a\",null,null]"),
            List.of("[null]", "{}")),
        sample(
            "short string",
            "{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}",
            List.of("\"ab\"", "\"日本語\"", "\"😀\\ud83d\\ude00\\n\""),
            List.of("\"a\"", "\"abcd\"", "ab")),
        sample(
            "union of types",
            "{\"type\":[\"string\",\"integer\",\"null\"],\"maxLength\":1}",
            List.of("\"a\"", "12", "null"),
            List.of("\"ab\"", "1.5", "true")),
        sample(
            "enum of a type",
            "{\"type\":\"string\",\"enum\":[\"red\",\"reddish\",3,\"r\"]}",
            List.of("\"red\"", "\"reddish\"", "\"r\""),
            List.of("3", "\"re\"")),
        sample(
            "recursive",
            """
            {"$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},
              "next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},
              "required":["v","next"],"additionalProperties":false}},
             "$ref":"#/$defs/node"}
            """,
            List.of("{\"v\":1,\"next\":{\"v\":2,\"next\":null}}"),
            List.of("{\"v\":1,\"next\":{\"v\":2}}")),
        sample(
            "tree of itself",
            "{\"type\":\"object\",\"properties\":{\"c\":{\"type\":\"array\",\"items\":{\"$ref\":\"#\"}}}}",
            List.of("{}", "{\"c\":[{},{\"c\":[{}]}]}"),
            List.of("{\"c\":[1]}")),
        sample(
            "one reference wrapped",
            """
            {"definitions":{"a/b~c":{"type":"boolean"}},"properties":{"x":{"description":"d",
             "allOf":[{"$ref":"#/definitions/a~1b~0c"}]}},"required":["x"]}
            """,
            List.of("{\"x\":true}"),
            List.of("{}", "{\"x\":1}")),
        sample(
            "either object",
            """
            {"anyOf":[
              {"type":"object","properties":{"kind":{"const":"a"},"n":{"type":"integer"}},
               "required":["kind","n"],"additionalProperties":false},
              {"type":"object","properties":{"kind":{"const":"b"},"s":{"type":"string"}},
               "required":["kind","s"],"additionalProperties":false}]}
            """,
            List.of("{\"kind\":\"a\",\"n\":1}", "{\"kind\":\"b\",\"s\":\"1\"}"),
            List.of("{\"kind\":\"a\",\"s\":\"1\"}", "{\"kind\":\"c\"}")),
        sample(
            "integers in between",
            "{\"type\":\"integer\",\"minimum\":-120,\"exclusiveMaximum\":1050}",
            List.of("-120", "-99", "-1", "0", "9", "120", "1049"),
            List.of("-121", "-0", "1050", "01", "5.0", "1e2")),
        sample(
            "positive integers",
            "{\"type\":\"integer\",\"exclusiveMinimum\":0}",
            List.of("1", "10", "999999999999999"),
            List.of("0", "-1")),
        sample(
            "age",
            "{\"properties\":{\"age\":{\"type\":[\"integer\",\"null\"],\"minimum\":0,\"maximum\":130}},"
                + "\"required\":[\"age\"]}",
            List.of("{\"age\":0}", "{\"age\":99}", "{\"age\":130}", "{\"age\":null}"),
            List.of("{\"age\":131}", "{\"age\":1300}", "{\"age\":-1}")),
        sample(
            "multiples",
            "{\"type\":\"integer\",\"multipleOf\":7,\"minimum\":-20,\"maximum\":700}",
            List.of("-14", "0", "7", "35", "693", "700"),
            List.of("1", "-21", "70.0", "701", "707")),
        sample(
            "probability",
            "{\"type\":\"number\",\"minimum\":0,\"maximum\":1}",
            List.of("0", "0.5", "0.000001", "1", "1.000", "0.99999999999999"),
            List.of("-0.5", "1.01", "1.000001", "2", "1e-3", "-0")),
        sample(
            "open interval",
            "{\"exclusiveMinimum\":-1.25,\"exclusiveMaximum\":10.5}",
            List.of("-1.2499", "-1", "0", "10.499", "10", "9.99"),
            List.of("-1.25", "-1.250", "-1.3", "10.5", "10.50", "11", "100")),
        sample(
            "money",
            "{\"type\":\"number\",\"multipleOf\":0.01,\"minimum\":0.05}",
            List.of("0.05", "1", "12.5", "99.99", "1000000"),
            List.of("0.04", "0", "1.005")),
        sample(
            "pattern",
            "{\"type\":\"string\",\"pattern\":\"^[A-Z]{2,3}-(?:\\\\d+|x?)\\\"$\",\"minLength\":4}",
            List.of("\"AB-12\\\"\"", "\"ABC-x\\\"\"", "\"AB-\\\"\""),
            List.of("\"A-1\\\"\"", "\"AB-12\"", "\"AB-x1\\\"\"", "\"xAB-\\\"\"")),
        sample(
            "pattern found anywhere",
            "{\"pattern\":\"[^a-y\\\\s]b|\\\\u00e9$\"}",
            List.of("\"zb\"", "\"..zb..\"", "\"\\\\b\"", "\"café\""),
            List.of("\"ab\"", "\"b\"", "\"é.\"", "\" b\"", "1")),
        sample(
            "times",
            """
            {"properties":{"d":{"type":"string","format":"date"},
              "t":{"type":"string","format":"time"},"dt":{"type":"string","format":"date-time"},
              "p":{"type":"string","format":"duration"}}}
            """,
            List.of(
                "{\"d\":\"2024-02-29\"}",
                "{\"d\":\"2000-02-29\",\"t\":\"23:59:59Z\"}",
                "{\"dt\":\"1999-12-31T00:00:00.123+05:30\",\"p\":\"P1Y2M3DT4H5M6S\"}",
                "{\"p\":\"PT5M\"}",
                "{\"p\":\"P3W\"}"),
            List.of(
                "{\"d\":\"2023-02-29\"}",
                "{\"d\":\"1900-02-29\"}",
                "{\"d\":\"2024-04-31\"}",
                "{\"d\":\"2024-13-01\"}",
                "{\"t\":\"24:00:00Z\"}",
                "{\"t\":\"12:00:00\"}",
                "{\"p\":\"P\"}",
                "{\"p\":\"P1YT\"}")),
        sample(
            "addresses",
            """
            {"properties":{"u":{"type":"string","format":"uuid"},
              "4":{"type":"string","format":"ipv4"},
              "6":{"type":"string","format":"ipv6"},"h":{"type":"string","format":"hostname"},
              "x":{"type":"string","format":"of-our-own","maxLength":3}}}
            """,
            List.of(
                "{\"u\":\"123e4567-e89b-12d3-a456-426614174000\"}",
                "{\"4\":\"192.168.0.255\"}",
                "{\"6\":\"2001:db8::1\",\"h\":\"a-1.example\",\"x\":\"any\"}",
                "{\"6\":\"::\"}",
                "{\"6\":\"1:2:3:4:5:6:7:8\"}"),
            List.of(
                "{\"u\":\"123e4567e89b12d3a456426614174000\"}",
                "{\"4\":\"256.1.1.1\"}",
                "{\"4\":\"01.1.1.1\"}",
                "{\"6\":\"1::2::3\"}",
                "{\"6\":\"1:2:3:4:5:6:7\"}",
                "{\"h\":\"-a.org\"}",
                "{\"x\":\"four\"}")),
        sample(
            "one of kinds",
            """
            {"$defs":{"cat":{"type":"object","properties":{"kind":{"const":"cat"},
                "lives":{"type":"integer","minimum":0,"maximum":9}},"required":["kind","lives"]},
              "dog":{"type":"object","properties":{"kind":{"enum":["dog","wolf"]}},
                "required":["kind"]}},
             "discriminator":{"propertyName":"kind"},
             "oneOf":[{"$ref":"#/$defs/cat"},{"$ref":"#/$defs/dog"},{"type":["string","null"]},
              {"type":"integer"}]}
            """,
            List.of("{\"kind\":\"cat\",\"lives\":9}", "{\"kind\":\"wolf\"}", "\"x\"", "null", "3"),
            List.of("{\"kind\":\"cat\"}", "{\"kind\":\"cow\"}", "[]", "1.5")),
        sample(
            "one of closed",
            """
            {"oneOf":[
              {"type":"object","properties":{"a":{"type":"string"}},"required":["a"],
               "additionalProperties":false},
              {"type":"object","properties":{"b":{"type":"string"}},"required":["b"]}]}
            """,
            List.of("{\"a\":\"\"}", "{\"b\":\"\"}"),
            List.of("{}", "{\"a\":\"\",\"b\":\"\"}")),
        sample(
            "many properties",
            "{\"type\":\"object\",\"properties\":{"
                + String.join(
                    ",",
                    IntStream.range(0, 60)
                        .mapToObj(i -> "\"p" + i + "\":{\"type\":\"integer\"}")
                        .toList())
                + "},\"additionalProperties\":false}",
            List.of("{}", "{\"p3\":1,\"p7\":2,\"p59\":3}"),
            List.of("{\"p3\":1,\"p2\":2}", "{\"p60\":1}")));
  }
}
