import {
  API_VERSION,
  invalidInput,
  ProblemError,
  RuleSpec,
  type AlertApproved,
  type ApproveRequest,
  type Suggestion,
} from "@secuxflow/contracts";
import type { z } from "zod";
import type { CommandContext, PolicyService } from "../../policy/application/policy-service.js";
import type { Alerting } from "./alerting.js";

type Request = z.output<typeof ApproveRequest>;

const TRIAGE_ATTEMPTS = 3;
const TRIAGE_PAUSE_MS = 150;

/** The suggested rule with what the administrator wants otherwise. @throws ProblemError invalid_input */
export function approvedRule({ rule, alertId }: Suggestion, request: Omit<Request, "options">): RuleSpec {
  const { ttlMs: suggestedTtl, ...rest } = rule;
  const ttlMs = request.ttlMs === undefined ? suggestedTtl : (request.ttlMs ?? undefined);
  const parsed = RuleSpec.safeParse({
    ...rest,
    alertId,
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(request.priority === undefined ? {} : { priority: request.priority }),
    ...(request.comment === undefined ? {} : { comment: request.comment }),
  });
  if (!parsed.success) throw invalidInput(parsed.error, `the rule for alert ${alertId}`);
  return parsed.data;
}

/** Turns the suggestion of an alert into a rule, and tells the alert so. Approving twice gives the same rule. */
export class ApproveAlert {
  constructor(
    private readonly alerting: Alerting,
    private readonly policy: Pick<PolicyService, "approve">,
  ) {}

  /** @throws ProblemError: not_found, alerting_unavailable, and what adding a rule throws */
  async approve(alertId: number, request: Request, context: Omit<CommandContext, "commandId">): Promise<AlertApproved> {
    const suggestion = await this.alerting.suggest(alertId);
    const spec = approvedRule(suggestion, request);
    const { rule, enforcement, warnings, existing } = await this.policy.approve(alertId, spec, context, request.options);
    const triageWarnings = await this.#triage(alertId, rule.id, context.actor);
    const other =
      existing && rule.alertId !== alertId ? `rule ${rule.id} already does this: alert ${alertId} is answered by it` : undefined;
    const again =
      existing && rule.alertId === alertId
        ? `alert ${alertId} was approved before: rule ${rule.id} stands as it was made then`
        : undefined;
    return {
      apiVersion: API_VERSION,
      kind: "AlertApproved",
      alertId,
      rule,
      enforcement,
      warnings: [...[other, again].filter((text) => text !== undefined), ...suggestion.warnings, ...warnings, ...triageWarnings],
    };
  }

  /** Marks the alert. The rule stands whatever becomes of this: what fails is a warning with the next step. */
  async #triage(id: number, ruleId: number, actor: string): Promise<string[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.alerting.triage({ id, state: "approved", actor, ruleId });
        return [];
      } catch (error) {
        const lasting =
          error instanceof ProblemError && error.code !== "alerting_unavailable" && error.code !== "storage_unavailable";
        if (lasting || attempt === TRIAGE_ATTEMPTS) {
          return [
            `the rule stands, but alert ${id} could not be marked as approved (${(error as Error).message}); say it again: secuxflow-cli alert approve ${id}`,
          ];
        }
        await new Promise((resolve) => setTimeout(resolve, TRIAGE_PAUSE_MS * attempt));
      }
    }
  }
}
