// Asking the engine about images.
import { run } from "./run.mjs";

/** Label that says of what contents an image was built. */
export const STAMP_LABEL = "secuxflow.stamp";

/** @returns {Promise<string | undefined>} the stamp on an image; undefined when there is no such image, or no stamp on it */
export async function imageStamp(image) {
  const format = `{{ index .Config.Labels "${STAMP_LABEL}" }}`;
  try {
    const stamp = (await run("docker", ["image", "inspect", "--format", format, image])).trim();
    return stamp === "" || stamp === "<no value>" ? undefined : stamp;
  } catch (error) {
    if (/no such image/i.test(error.message)) return undefined;
    throw error;
  }
}
