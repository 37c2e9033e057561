import { z } from "zod";
import { Alert, AlertDetail, Suggestion } from "../alert/alert.js";
import { DetectionPart } from "../alert/rpc.js";
import { FilterRule } from "../policy/rule.js";
import { API_VERSION, Enforcement } from "./rest.js";

const head = <K extends string>(kind: K) => ({ apiVersion: z.literal(API_VERSION), kind: z.literal(kind) });

export const AlertList = z.object({ ...head("AlertList"), items: z.array(Alert), total: z.number().int() });
export type AlertList = z.infer<typeof AlertList>;
export const AlertShown = z.object({ ...head("Alert"), ...AlertDetail.shape });
export type AlertShown = z.infer<typeof AlertShown>;
export const DetectionList = z.object({ ...head("DetectionList"), ...DetectionPart.shape });
export type DetectionList = z.infer<typeof DetectionList>;
export const SuggestionShown = z.object({ ...head("Suggestion"), ...Suggestion.shape });
export type SuggestionShown = z.infer<typeof SuggestionShown>;
/** Answer of approve: the rule that now stands, where it is in force, and the alert it answers. */
export const AlertApproved = z.object({ ...head("AlertApproved"), alertId: z.number().int(), rule: FilterRule, enforcement: Enforcement, warnings: z.array(z.string()) });
export type AlertApproved = z.infer<typeof AlertApproved>;
