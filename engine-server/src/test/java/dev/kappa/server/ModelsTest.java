package dev.kappa.server;

import static dev.kappa.server.testing.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.kappa.server.testing.ScriptedBackend;
import dev.kappa.server.testing.TestServer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class ModelsTest {

  private final TestServer server = new TestServer();

  @AfterEach
  void close() {
    server.close();
  }

  @Test
  void areListedUnderAllTheirNames() throws Exception {
    JsonNode list = json(server.get("/v1/models"));
    assertThat(list.get("object").asString()).isEqualTo("list");
    assertThat(list.get("data").valueStream().map(m -> m.get("id").asString()))
        .containsExactly("tiny", "alias/two");
    JsonNode model = list.get("data").get(0);
    assertThat(model.get("object").asString()).isEqualTo("model");
    assertThat(model.get("created").asLong()).isEqualTo(TestServer.CREATED);
    assertThat(model.get("owned_by").asString()).isEqualTo("kappa");
    assertThat(model.get("max_model_len").asInt()).isEqualTo(ScriptedBackend.CONTEXT);
  }

  @Test
  void areFoundByNameEvenWithASlash() throws Exception {
    assertThat(json(server.get("/v1/models/tiny")).get("id").asString()).isEqualTo("tiny");
    assertThat(json(server.get("/v1/models/alias/two")).get("id").asString())
        .isEqualTo("alias/two");
    assertThat(json(server.get("/v1/models/alias%2Ftwo")).get("id").asString())
        .isEqualTo("alias/two");
  }

  @Test
  void versionIsTold() throws Exception {
    assertThat(json(server.get("/version")).get("version").asString()).isNotBlank();
  }
}
