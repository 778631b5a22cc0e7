package dev.kappa.device;

/**
 * What a device is.
 *
 * @param kind short kind, {@code "cpu"}, {@code "cuda"} or {@code "virtual"}
 * @param name what a person calls it, for example the processor's model name
 * @param numericsId names everything that decides the bits of results besides the weights: device
 *     kind and kernel version. Part of every KV block's key.
 * @param activationType element type of hidden states between kernels
 */
public record DeviceInfo(String kind, String name, String numericsId, DType activationType) {}
