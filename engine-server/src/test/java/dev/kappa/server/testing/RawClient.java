package dev.kappa.server.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Speaks HTTP byte by byte, for what proper clients do not let one do. */
public final class RawClient implements AutoCloseable {

  private final Socket socket;
  private final InputStream in;

  /** A response with a content length, or an event stream without its chunk framing. */
  public record Response(int status, String head, String body) {}

  public RawClient(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(Math.toIntExact(Patience.LIMIT.toMillis()));
    in = new BufferedInputStream(socket.getInputStream());
  }

  public RawClient send(String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    socket.getOutputStream().flush();
    return this;
  }

  public RawClient post(String path, String json) throws IOException {
    return send(postText(path, json));
  }

  public static String postText(String path, String json) {
    return "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(path, json.getBytes(StandardCharsets.UTF_8).length, json);
  }

  /** Reads one response. */
  public Response receive() throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      head.append((char) readByte());
    }
    String text = head.toString();
    int status = Integer.parseInt(text.substring(9, 12));
    int length = header(text, "content-length");
    if (status == 100) {
      length = 0;
    }
    byte[] body = length < 0 ? readChunks() : in.readNBytes(length);
    return new Response(status, text, new String(body, StandardCharsets.UTF_8));
  }

  /** Waits until something has come, and leaves it to be received. */
  public void awaitAny() throws IOException {
    in.mark(1);
    readByte();
    in.reset();
  }

  /** Reads until that text has come. */
  public String receiveUntil(String end) throws IOException {
    StringBuilder text = new StringBuilder();
    while (text.indexOf(end) < 0) {
      text.append((char) readByte());
    }
    return text.toString();
  }

  /** Whether the server has closed the connection, after waiting for it. */
  public boolean isClosedByServer() throws IOException {
    return in.read() < 0;
  }

  private int readByte() throws IOException {
    int b = in.read();
    if (b < 0) {
      throw new IOException("the server closed the connection");
    }
    return b;
  }

  private byte[] readChunks() throws IOException {
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (true) {
      int size = Integer.parseInt(receiveUntil("\r\n").strip(), 16);
      body.write(in.readNBytes(size));
      receiveUntil("\r\n");
      if (size == 0) {
        return body.toByteArray();
      }
    }
  }

  private static int header(String head, String name) {
    for (String line : head.toLowerCase(Locale.ROOT).lines().toList()) {
      if (line.startsWith(name + ":")) {
        return Integer.parseInt(line.substring(name.length() + 1).strip());
      }
    }
    return -1;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  /** Leaves without a goodbye, as a crash does. */
  public void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }
}
