import * as tf from "@tensorflow/tfjs";

/**
 * Runs synchronous `body` with tfjs on this backend and puts back the one before. tfjs's backend is one for the whole process, so
 * nothing may wait in between. The backend must be initialised already ({@link initialiseBackend}): then switching takes no time either.
 */
export function withBackend<T>(name: string, body: () => T): T {
  // Before anybody has chosen, tfjs has none; plain JavaScript is what a caller of tfjs would expect to find.
  const before = (tf.getBackend() as string | undefined) || "cpu";
  if (before !== name) void tf.setBackend(name);
  try {
    return body();
  } finally {
    if (before !== name) void tf.setBackend(before);
  }
}

/**
 * Makes the backend of this name ready for {@link withBackend}; resolves to false where it is not registered or does not start.
 *
 * tfjs's own way to start a backend that takes time makes it the current one meanwhile, and whatever else runs then fails. So the
 * backend is started on the side and registered again as one that is there at once.
 */
export async function initialiseBackend(name: string): Promise<boolean> {
  const { registry } = tf.engine();
  if (name in registry) return true;
  const factory = tf.findBackendFactory(name);
  if (!factory) return false;
  const instance = await Promise.resolve()
    .then(factory)
    .catch(() => undefined);
  if (!instance) return false;
  if (!(name in registry)) {
    tf.removeBackend(name);
    tf.registerBackend(name, () => instance, 1);
    tf.findBackend(name);
    // tfjs's JS backend advertises its native sibling on the console at first use; Baton has its own list of devices.
    if (name === "cpu") (instance as { firstUse?: boolean }).firstUse = false;
  }
  return true;
}
