// The "http" object of EVE.

import { httpBuffer, httpBufferLen } from "../http/buffers";
import {
  BUF_CONTENT_TYPE, BUF_HOST, BUF_LOCATION, BUF_METHOD, BUF_PROTOCOL, BUF_REFERER, BUF_URI_RAW, BUF_USER_AGENT, HttpTx, messageOf,
} from "../http/types";
import { findByte } from "../../sdk/assembly/bytes";
import { jsonBytes, jsonClose, jsonNumber, jsonObject, JsonWriter } from "./json";

/** Longest text of one field: long ones would push everything else out. */
const FIELD: u32 = 4096;

function field(out: JsonWriter, key: string, tx: usize, buffer: u32, dir: u32): void {
  const at = httpBuffer(tx, buffer, dir);
  if (at != 0 && httpBufferLen != 0) jsonBytes(out, key, at, min(httpBufferLen, FIELD));
}

/** Writes `"http":{…}`. */
export function eveHttp(at: usize, out: JsonWriter): void {
  const status = changetype<HttpTx>(at).status;
  jsonObject(out, "http");
  field(out, "hostname", at, BUF_HOST, 0);
  field(out, "url", at, BUF_URI_RAW, 0);
  field(out, "http_user_agent", at, BUF_USER_AGENT, 0);
  const type = httpBuffer(at, BUF_CONTENT_TYPE, 1);
  if (type != 0 && httpBufferLen != 0) {
    // Without parameters.
    const end = findByte(type, httpBufferLen, 59);
    jsonBytes(out, "http_content_type", type, end < 0 ? min(httpBufferLen, FIELD) : min<u32>(end, FIELD));
  }
  field(out, "http_refer", at, BUF_REFERER, 0);
  field(out, "http_method", at, BUF_METHOD, 0);
  field(out, "protocol", at, BUF_PROTOCOL, 0);
  if (status != 0) jsonNumber(out, "status", status);
  if (status >= 300 && status < 400) field(out, "redirect", at, BUF_LOCATION, 1);
  jsonNumber(out, "length", messageOf(at, 1).bodyBytes);
  jsonClose(out);
}
