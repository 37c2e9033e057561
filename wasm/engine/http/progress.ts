// Telling the engine: new transactions, and stages that a direction has reached.

import { TO_CLIENT } from "../core/tx";
import { settleDone } from "./state";
import { HttpTx } from "./types";

export type NewCallback = (tx: usize) => void;
export type ProgressCallback = (tx: usize, dir: u32) => void;
let onNew: NewCallback = (_tx: usize): void => {};
let onProgress: ProgressCallback = (_tx: usize, _dir: u32): void => {};

export function setOnNew(callback: NewCallback): void {
  onNew = callback;
}
export function setOnProgress(callback: ProgressCallback): void {
  onProgress = callback;
}

export function announce(tx: usize): void {
  onNew(tx);
}

/** Raises a direction's stage and tells the engine; a stage that is not higher is nothing. */
export function progress(tx: HttpTx, dir: u32, stage: u8): void {
  if (dir == TO_CLIENT) {
    if (stage <= tx.progressToClient) return;
    tx.progressToClient = stage;
  } else {
    if (stage <= tx.progressToServer) return;
    tx.progressToServer = stage;
  }
  settleDone(tx);
  onProgress(changetype<usize>(tx), dir);
}
