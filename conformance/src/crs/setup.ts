/**
 * What CRS's own test containers set besides crs-setup.conf (the project's tests/docker-compose.yml): everything is looked
 * at, nothing is blocked, and limits are low enough to be reached by tests.
 */
export function crsSetup(paranoia: number): string {
  const set = (id: number, ...assignments: readonly string[]): string =>
    `SecAction "id:${id},phase:1,pass,t:none,nolog,${assignments.map((text) => `setvar:tx.${text}`).join(",")}"`;
  return [
    "SecRuleEngine DetectionOnly",
    "SecRequestBodyAccess On",
    "SecResponseBodyAccess On",
    "SecResponseBodyMimeType text/plain text/html text/xml application/json",
    set(900_001, `blocking_paranoia_level=${paranoia}`, `detection_paranoia_level=${paranoia}`, "crs_validate_utf8_encoding=1"),
    set(900_002, "max_num_args=255", "arg_name_length=100", "arg_length=400", "total_arg_length=6400", "max_file_size=64100", "combined_file_sizes=65535"),
    "",
  ].join("\n");
}
