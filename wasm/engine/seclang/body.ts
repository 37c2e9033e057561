// A request's body, by its processor.

import { V_REQUEST_BODY } from "./ids";
import { BODY_JSON, BODY_MULTIPART, BODY_URLENCODED, BODY_XML, BODY_NONE } from "./layout";
import { parseJson } from "./json";
import { parseMultipart } from "./multipart";
import { parseParams } from "./params";
import { Transaction, setScalar } from "./transaction";
import { parseXml } from "./xml";

/** Enters what the body says into the variables. Its bytes stay with the transaction. */
export function parseBody(tx: Transaction): void {
  if (tx.bodyLen == 0) return;
  switch (tx.processor) {
    case BODY_URLENCODED:
      parseParams(tx, tx.body, tx.bodyLen, true);
      break;
    case BODY_MULTIPART:
      parseMultipart(tx, tx.body, tx.bodyLen);
      return;
    case BODY_JSON:
      parseJson(tx, tx.body, tx.bodyLen);
      return;
    case BODY_XML:
      parseXml(tx, tx.body, tx.bodyLen);
      if (!tx.forceBody) return;
      break;
    case BODY_NONE:
      if (!tx.forceBody) return;
      break;
    default:
      return;
  }
  setScalar(tx, V_REQUEST_BODY, tx.body, tx.bodyLen);
}
