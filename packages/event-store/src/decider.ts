/**
 * One aggregate as pure functions (the decider pattern of Jérémie Chassaing): what may happen, and what it leads to.
 * Neither function does I/O, reads a clock or makes random ids: what they need of these is in the command.
 */
export interface Decider<Command, Event, State> {
  readonly initialState: State;
  /** The events that the command leads to; none when there is nothing to do. Throws a typed error to refuse the command. */
  decide(command: Command, state: State): readonly Event[];
  /** The state after one event. Never fails: what happened has happened. */
  evolve(state: State, event: Event): State;
}
