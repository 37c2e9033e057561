// Numbers of the buffers that appBuffer() gives; README.md says what Suricata calls them, and when they are complete.

export const BUF_FILE_DATA: u32 = 1;
export const BUF_FILE_NAME: u32 = 2;

export const BUF_DNS_QUERY: u32 = 10;
export const BUF_DNS_QUERY_NAME: u32 = 11;
export const BUF_DNS_ANSWER_NAME: u32 = 12;
export const BUF_DNS_RESPONSE_RRNAME: u32 = 13;

export const BUF_TLS_SNI: u32 = 20;
export const BUF_TLS_CERT_SUBJECT: u32 = 21;
export const BUF_TLS_CERT_ISSUER: u32 = 22;
export const BUF_TLS_CERT_SERIAL: u32 = 23;
export const BUF_TLS_CERT_FINGERPRINT: u32 = 24;
export const BUF_TLS_CERTS: u32 = 25;
export const BUF_TLS_SUBJECTALTNAME: u32 = 26;
export const BUF_TLS_ALPN: u32 = 27;
export const BUF_TLS_RANDOM: u32 = 28;
export const BUF_TLS_RANDOM_TIME: u32 = 29;
export const BUF_TLS_RANDOM_BYTES: u32 = 30;
export const BUF_TLS_VERSION: u32 = 31;
export const BUF_JA3_HASH: u32 = 32;
export const BUF_JA3_STRING: u32 = 33;
export const BUF_JA3S_HASH: u32 = 34;
export const BUF_JA3S_STRING: u32 = 35;
export const BUF_JA4_HASH: u32 = 36;

export const BUF_SMTP_HELO: u32 = 50;
export const BUF_SMTP_MAIL_FROM: u32 = 51;
export const BUF_SMTP_RCPT_TO: u32 = 52;
export const BUF_EMAIL_FROM: u32 = 53;
export const BUF_EMAIL_SUBJECT: u32 = 54;
export const BUF_EMAIL_TO: u32 = 55;
export const BUF_EMAIL_CC: u32 = 56;
export const BUF_EMAIL_DATE: u32 = 57;
export const BUF_EMAIL_MESSAGE_ID: u32 = 58;
export const BUF_EMAIL_X_MAILER: u32 = 59;
export const BUF_EMAIL_RECEIVED: u32 = 60;
export const BUF_EMAIL_URL: u32 = 61;

export const BUF_FTP_COMMAND: u32 = 70;
export const BUF_FTP_COMMAND_DATA: u32 = 71;
export const BUF_FTP_REPLY: u32 = 72;
export const BUF_FTP_COMPLETION_CODE: u32 = 73;

export const BUF_SSH_PROTO: u32 = 80;
export const BUF_SSH_SOFTWARE: u32 = 81;
export const BUF_SSH_HASSH: u32 = 82;
export const BUF_SSH_HASSH_STRING: u32 = 83;
export const BUF_SSH_HASSH_SERVER: u32 = 84;
export const BUF_SSH_HASSH_SERVER_STRING: u32 = 85;

export const BUF_SMB_NAMED_PIPE: u32 = 90;
export const BUF_SMB_SHARE: u32 = 91;
export const BUF_SMB_NTLMSSP_USER: u32 = 92;
export const BUF_SMB_NTLMSSP_DOMAIN: u32 = 93;
export const BUF_DCERPC_STUB_DATA: u32 = 94;
