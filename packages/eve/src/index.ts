export { communityId } from "./community-id.js";
export type { CommunityTuple } from "./community-id.js";
export { detectionEvent, detectionFields } from "./detection-event.js";
export type { StoredDetection } from "./detection-event.js";
export { eveEvent } from "./event.js";
export type { EventPacket, EveOptions } from "./event.js";
export type { Json, JsonObject } from "./module-fields.js";
