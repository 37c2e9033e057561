// What the tests of this room call.
import { imageOpen, imageSectionLength, imageVersion, sectionByTag } from "./image";

export { imageOpen, imageSectionLength, imageVersion, sectionByTag };

export function room(bytes: usize): usize {
  return heap.alloc(bytes);
}
