// HTTP/1 of one connection, both directions, from reassembled bytes in any chunking to transactions.
//
//   httpCallbacks(onNew, onProgress, onBody)           once
//   const conn = httpNew(serverPort)                   0 when memory is short
//   httpFeed(conn, dir, ptr, len, streamOffset, now)   bytes in order; dir is TO_SERVER or TO_CLIENT
//   httpGap(conn, dir, len), httpEnd(conn, dir)        missing bytes; the direction has ended
//   httpFirst(conn) → tx.next …                        transactions, oldest first
//   httpTxFree(tx)                                     unlinks it (any tx with `done`, or any on teardown)
//   httpTunnelOffset(conn, dir)                        where another protocol starts, once httpFeed says TUNNEL
//   httpFree(conn)                                     frees what is left
//
// Buffers of rules: httpBuffer(tx, id, dir) gives an address (0: not there) and leaves the length in `httpBufferLen`.

export {
  httpCallbacks, httpNew, httpFree, httpFeed, httpGap, httpEnd, httpFirst, httpTxFree, httpState, httpTunnelOffset,
} from "./connection";
export {
  httpBuffer, httpBufferLen, httpHeaderCount, httpHeaderLine, httpFileData, httpFileName, httpFindHeader,
} from "./buffers";
export { setBodyLimits, setFieldLimits, setTransactionLimit, setDecodeLimits, setWant, setDecodeOptions } from "./config";
export * from "./types";
