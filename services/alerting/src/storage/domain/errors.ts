/** ClickHouse did not answer, or could not do now what it can do later. Trying again is right. */
export class StorageUnavailable extends Error {
  override readonly name = "StorageUnavailable";
}

/** ClickHouse understood and will say no again: a row it cannot read, a statement it does not know. Trying again is useless. */
export class StorageRefused extends Error {
  override readonly name = "StorageRefused";
  constructor(
    message: string,
    readonly code: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The tables were made by a newer version of this service. */
export class SchemaTooNew extends Error {
  override readonly name = "SchemaTooNew";
  constructor(
    readonly found: number,
    readonly known: number,
  ) {
    super(
      `the ClickHouse tables are at schema version ${found}, this version of alerting knows ${known}: start the newer alerting service, or give this one another data directory or database`,
    );
  }
}

/**
 * ClickHouse error codes (src/Common/ErrorCodes.cpp) that say that data cannot be read as what the column is.
 * Everything else (no memory, too many parts, read-only, timeouts, network) may pass.
 */
const REFUSED_CODES = new Set([
  6 /* CANNOT_PARSE_TEXT */, 25 /* CANNOT_PARSE_ESCAPE_SEQUENCE */, 26 /* CANNOT_PARSE_QUOTED_STRING */,
  27 /* CANNOT_PARSE_INPUT_ASSERTION_FAILED */, 38 /* CANNOT_PARSE_DATE */, 41 /* CANNOT_PARSE_DATETIME */,
  53 /* TYPE_MISMATCH */, 69 /* ARGUMENT_OUT_OF_BOUND */, 70 /* CANNOT_CONVERT_TYPE */, 72 /* CANNOT_PARSE_NUMBER */,
  117 /* INCORRECT_DATA */, 131 /* TOO_LARGE_STRING_SIZE */, 321 /* VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE */,
  349 /* CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN */, 467 /* CANNOT_PARSE_BOOL */, 469 /* VIOLATED_CONSTRAINT */,
]);

/** Sorts an error of the client into the two kinds there are. */
export function storageError(error: unknown, what: string): StorageUnavailable | StorageRefused {
  const text = error instanceof Error ? error.message : String(error);
  const code = Number((error as { code?: unknown }).code);
  const message = `ClickHouse failed to ${what}: ${text.split("\n")[0] ?? ""}`;
  return REFUSED_CODES.has(code)
    ? new StorageRefused(message, code, { cause: error })
    : new StorageUnavailable(message, { cause: error });
}
