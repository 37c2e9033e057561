/** Directives in the shapes that rule sets use. */
export const SECLANG: readonly string[] = [
  "SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|!REQUEST_COOKIES:/__utm/|XML:/* \"@rx (?i)<script[^>]*>\" \\\n    \"id:1001,phase:2,block,capture,t:none,t:utf8toUnicode,t:urlDecodeUni,t:htmlEntityDecode," +
    "msg:'XSS',logdata:'%{TX.0} in %{MATCHED_VAR_NAME}',tag:'attack-xss',severity:'CRITICAL',setvar:'tx.xss_score=+%{tx.critical_anomaly_score}'\"",
  "SecRule REQUEST_METHOD \"@within GET POST\" \"id:1002,phase:1,pass,nolog,chain\"\nSecRule &REQUEST_HEADERS:Host \"@eq 0\" \"t:none,setvar:tx.a=1,ctl:ruleRemoveTargetById=1001;ARGS:x\"",
  "SecAction \"id:1003,phase:1,nolog,pass,setvar:tx.critical_anomaly_score=5,initcol:global=global\"",
  "SecRule TX:PARANOIA \"@lt 2\" \"id:1004,phase:1,pass,nolog,skipAfter:END\"\nSecRule ARGS \"@detectSQLi\" \"id:1005,phase:2,deny,status:403,log\"\nSecMarker END",
  "SecRule REQUEST_URI \"@pm select union drop\" \"id:1006,phase:2,pass,t:lowercase,multiMatch\"\nSecRuleRemoveById 1006\nSecRuleUpdateTargetById 1001 \"!ARGS:password\"",
  "SecRule REQUEST_HEADERS:User-Agent \"!@validateByteRange 32-126\" \"id:1007,phase:1,block\"\nSecRule REMOTE_ADDR \"@ipMatch 192.0.2.0/24,::1\" \"id:1008,phase:1,pass,ctl:ruleEngine=Off\"",
  "SecRuleEngine On\nSecRequestBodyAccess On\nSecRequestBodyLimit 131072\nSecRule REQBODY_ERROR \"!@eq 0\" \"id:1009,phase:2,deny,msg:'%{reqbody_error_msg}'\"",
  "SecRule RESPONSE_BODY \"@contains stack trace\" \"id:1010,phase:4,block,t:none\"\nSecRule RESPONSE_STATUS \"@rx ^5\" \"id:1011,phase:3,pass\"",
  "SecRule FILES|MULTIPART_PART_HEADERS \"@endsWith .php\" \"id:1012,phase:2,block\"\nSecRule REQUEST_BODY \"@detectXSS\" \"id:1013,phase:2,block,t:jsDecode,t:cssDecode,t:removeNulls\"",
];
