/** Words of each protocol, put into inputs whole. */
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const words = (...texts: string[]): Uint8Array[] => texts.map(bytes);

const http = words(
  "GET / HTTP/1.1\r\n", "POST /a?b=c HTTP/1.1\r\n", "HEAD / HTTP/1.0\r\n", "CONNECT a:443 HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 101 Switching\r\n", "HTTP/1.1 304 x\r\n", "\r\n\r\n", "\r\n", "\n", "\r", " ", "\t", "Host: a\r\n", "Content-Length: ", "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Content-Encoding: gzip\r\n", "Content-Encoding: deflate\r\n", "Content-Encoding: br\r\n",
  "Content-Encoding: lzma\r\n", "0\r\n\r\n", "5\r\nhello\r\n", "ffffffff\r\n", "7fffffffffffffff\r\n", "5;a=b\r\n", "\x1f\x8b\x08\0\0\0\0\0\0\x03", "\x78\x9c",
  "Content-Type: multipart/form-data; boundary=b\r\n", "--b\r\n", "--b--\r\n", "Content-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n",
  "Connection: keep-alive\r\n", "Connection: close\r\n", "Upgrade: h2c\r\n", "Expect: 100-continue\r\n", "Range: bytes=0-5\r\n", "Content-Range: bytes 0-5/9\r\n",
  "Cookie: a=b; c\r\n", "Authorization: Basic YTpi\r\n", "%00", "%2e%2e%2f", "%u0041", "%", "\xc0\xaf", "http://h:99999/", "[::1]", "\0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
);
const smtp = words(
  "EHLO a\r\n", "HELO a\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n", "DATA\r\n", "BDAT 5 LAST\r\n", "BDAT 5\r\n", "STARTTLS\r\n", "RSET\r\n", "QUIT\r\n", "AUTH LOGIN\r\n",
  "220 ready\r\n", "250-a\r\n250 b\r\n", "354 go\r\n", "500 no\r\n", "\r\n.\r\n", "\r\n..\r\n", "Subject: ", "From: a\r\n", "Content-Type: multipart/mixed; boundary=\"x\"\r\n\r\n",
  "--x\r\n", "--x--\r\n", "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: quoted-printable\r\n", "Content-Disposition: attachment; filename=\"f\"\r\n", "=3D",
  "=\r\n", "http://evil.test/", "Content-Type: message/rfc822\r\n\r\n", "\n", "\r",
);
const ftp = words("USER a\r\n", "PASS b\r\n", "PORT 10,0,0,1,4,1\r\n", "PASV\r\n", "EPSV\r\n", "EPRT |2|::1|99|\r\n", "RETR f\r\n", "STOR f\r\n", "QUIT\r\n", "220 x\r\n", "220-x\r\n220 y\r\n",
  "227 Entering (1,2,3,4,5,6)\r\n", "229 Entering (|||2121|)\r\n", "226 done\r\n", "AUTH TLS\r\n", "234 ok\r\n", "\r\n", "\n");
const ssh = words("SSH-2.0-", "SSH-1.99-a b\r\n", "\r\n", "\n", "\0\0\0\x0c\x0a\x14", ",", "curve25519-sha256", "\0\0\0\x0c\x0a\x15");
const tls = words("\x16\x03\x01", "\x16\x03\x03\0\x04", "\x14\x03\x03\0\x01\x01", "\x15\x03\x03\0\x02\x02\x28", "\x17\x03\x03", "\x01\0\0", "\x02\0\0", "\x0b\0\0", "\x0e\0\0\0", "\0\0", "\0\x10",
  "\x7f\x1c", "\x80\x2e\x01", "0\x82", "\x30\x80", "\x02\x01", "\x06\x03\x55\x04\x03", "\x13", "\x17\x0d", "\xa3\x82");
const dns = words("\x03www", "\0\0\x01\0\x01", "\xc0\x0c", "\xc0\x0d", "\xff", "\0\x29", "\0\x10\0\x01", "\0\x06\0\x01", "\0\x05\0\x01", "\x3f", "\0\x0f", "\0\x21", "\0\x1c");
const smb = words("\xfeSMB", "\xffSMB", "\xfdSMB", "\xfcSMB", "\0\0\0", "\x40\0", "NTLMSSP\0\x01\0\0\0", "NTLMSSP\0\x03\0\0\0", "\x05\0\x00\x03\x10\0\0\0", "\x05\0\x0b\x03", "\\\0P\0I\0P\0E\0\\\0",
  "S\0M\0B\0", "\x72\0\0\0\0", "\x32\0", "\x25\0", "\x2e\0", "\x2f\0", "\xa2\0", "NT LM 0.12\0");

/** By name of the target. */
export const WORDS: Readonly<Record<string, readonly Uint8Array[]>> = {
  http, smtp, ftp, ssh, tls, dns, smb, dcerpc: smb, detect: [...http, ...smtp, ...ftp, ...ssh, ...tls, ...dns, ...smb],
  frames: [...words("\x45\0", "\x60\0\0\0", "\x81\0\0\x05", "\x88\xa8", "\x08\0", "\x86\xdd", "\x88\x64", "\x88\x47", "\x08\x06", "\x65\x58", "\x20\0", "\x3a\0", "\x2c\0", "\x2f\0", "\x04\0", "\x29\0",
    "\x12\xb5", "\x0c\x55", "\x13\xc4"), ...http, ...tls],
};
