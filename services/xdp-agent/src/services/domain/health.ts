/** When a backend counts as up: so many successes in a row after it was down, so many failures after it was up. */
export interface HealthThresholds {
  readonly rise: number;
  readonly fall: number;
}

/** What is known of one backend. */
export interface Health {
  readonly up: boolean;
  /** Results in a row that speak against `up`. */
  readonly against: number;
}

/** A backend is taken for up until checks say otherwise: a restart of the agent must not empty a service. */
export const ASSUMED_UP: Health = { up: true, against: 0 };

/** The state after one more check. */
export function afterCheck(health: Health, succeeded: boolean, { rise, fall }: HealthThresholds): Health {
  if (succeeded === health.up) return health.against === 0 ? health : { up: health.up, against: 0 };
  const against = health.against + 1;
  return against >= (health.up ? fall : rise) ? { up: !health.up, against: 0 } : { up: health.up, against };
}
