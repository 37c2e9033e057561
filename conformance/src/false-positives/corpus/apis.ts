import { browsers, programs } from "./clients.js";
import type { Group } from "./pages.js";
import { e, FORM, formOf, JSON_TYPE, multipart, noise, pick, request, token } from "./request.js";
import type { Client, Part } from "./request.js";
import { cities, names, products, searches, sentences } from "./texts.js";

const program = (i: number): Client => pick(programs, i);
const browser = (i: number): Client => pick(browsers, i);
const jwt = (i: number): string => `eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.${Buffer.from(JSON.stringify({ sub: `user-${i}`, iat: 1_770_000_000 + i, scope: "read write" })).toString("base64url")}.${token(342, i)}`;
const bearer = (i: number): Record<string, string> => ({ ...JSON_TYPE, Authorization: `Bearer ${jwt(i)}`, "X-Request-Id": `req-${token(16, i)}` });
const json = (value: unknown): string => JSON.stringify(value);
const address = (i: number) => { const [street, city, zip] = pick(cities, i); return { street, city, zip }; };

/** REST and JSON-RPC as apps and services speak it. */
export const rest = (): Group => [
  ...names.map((name, i) => request(program(i), "POST", "/api/v1/users", bearer(i), json({ name, email: `u${i}@mail.example`, address: address(i), tags: ["new", "don't call"], active: i % 2 === 0, score: i / 3, parent: null }))),
  ...names.map((name, i) => request(program(i), "PUT", `/api/v1/users/${i}`, bearer(i), json({ id: i, name, bio: pick(sentences, i), updatedAt: "2026-01-05T10:00:00.000Z" }))),
  ...sentences.map((text, i) => request(program(i), "POST", "/api/v2/comments", bearer(i), json({ postId: i, text, html: null, mentions: [{ name: pick(names, i), at: 3 }], meta: { lang: "en", ua: "app/7.2" } }))),
  ...sentences.map((text, i) => request(program(i), "PATCH", `/api/v2/notes/${token(12, i)}`, { ...bearer(i), "Content-Type": "application/json-patch+json" }, json([{ op: "replace", path: "/text", value: text }, { op: "test", path: "/rev", value: i }]))),
  ...searches.slice(0, 100).map((query, i) => request(program(i), "POST", "/api/search", bearer(i), json({ query, filters: { price: { min: 1, max: 100 }, brand: ["l'oréal", "h&m"] }, sort: [{ field: "price", order: "asc" }], page: { from: 0, size: 24 } }))),
  ...searches.slice(0, 60).map((query, i) => request(program(i), "POST", "/shop/_search", bearer(i), json({ query: { bool: { must: [{ match: { title: { query, operator: "and" } } }], filter: [{ range: { price: { gte: 1, lte: 99 } } }, { term: { "status.keyword": "active" } }] } }, aggs: { brands: { terms: { field: "brand", size: 10 } } }, size: 20 }))),
  ...products.map((title, i) => request(program(i), "POST", "/api/orders", bearer(i), json({ items: [{ title, sku: `AB-${i}`, qty: i + 1, price: 19.99 }], ship: address(i), coupon: "SAVE10%", gift: { to: pick(names, i), text: pick(sentences, i) } }))),
  ...Array.from({ length: 60 }, (_, i) => request(program(i), "GET", `/api/v1/orders?status=open,shipped&from=2026-01-${String((i % 28) + 1).padStart(2, "0")}&limit=50&offset=${i * 50}&fields=id,total,items(sku,qty)&sort=-created_at`, bearer(i))),
  ...Array.from({ length: 30 }, (_, i) => request(program(i), "DELETE", `/api/v1/items/${token(24, i)}`, bearer(i))),
  ...Array.from({ length: 30 }, (_, i) => request(program(i), "POST", "/rpc", JSON_TYPE, json([{ jsonrpc: "2.0", method: pick(["eth_blockNumber", "user.get", "system.listMethods", "textDocument/hover"], i), params: { name: pick(names, i), pos: [i, i + 1] }, id: i }]))),
  ...Array.from({ length: 30 }, (_, i) => request(program(i), "POST", "/webhooks/github", { ...JSON_TYPE, "X-GitHub-Event": "push", "X-Hub-Signature-256": `sha256=${noise(32, i).toString("hex")}` }, json({ ref: "refs/heads/main", commits: [{ id: noise(20, i).toString("hex"), message: `Fix #${i}: ${pick(sentences, i)}`, author: { name: pick(names, i) }, url: "https://github.example/a/b/commit/1" }], compare: `https://github.example/a/b/compare/${i}...main` }))),
  ...Array.from({ length: 30 }, (_, i) => request(program(i), "POST", "/v1/logs", { ...JSON_TYPE, traceparent: `00-${noise(16, i).toString("hex")}-${noise(8, i).toString("hex")}-01` }, json({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: "1770000000000000000", severityText: "INFO", body: { stringValue: `GET /index.html 200 ${i}ms` }, attributes: [{ key: "http.route", value: { stringValue: "/items/{id}" } }] }] }] }] }))),
  ...Array.from({ length: 20 }, (_, i) => request(program(i), "POST", "/v1/chat/completions", bearer(i), json({ model: "m-1", messages: [{ role: "system", content: "You are a helpful assistant." }, { role: "user", content: pick(sentences, i * 3) }], temperature: 0.7, stream: true, tools: [{ type: "function", function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } } }] }))),
];

const queries = [
  "query Me { me { id name email } }", "query Orders($first: Int!, $after: String) { orders(first: $first, after: $after) { edges { node { id total items { sku qty } } } pageInfo { hasNextPage endCursor } } }",
  "mutation AddToCart($in: CartInput!) { addToCart(input: $in) { cart { id lines { id } } userErrors { field message } } }", "query Search($q: String!) { search(query: $q, filter: {price: {gt: 10, lt: 100}}) { ... on Product { id title price } ... on Article { slug } } }",
  "subscription OnMessage($room: ID!) { messageAdded(room: $room) { id text author { name } } }", "fragment F on User { id name avatar(size: 64) } query U($id: ID!) { user(id: $id) { ...F friends(first: 5) { ...F } } }", "mutation Update($id: ID!, $name: String = \"none\") { updateUser(id: $id, patch: {name: $name}) { id updatedAt } }", "{ products(where: {and: [{stock: {_gt: 0}}, {or: [{color: {_eq: \"red\"}}, {size: {_in: [\"S\", \"M\"]}}]}]}, order_by: {price: asc}, limit: 10) { id title } }",
];

/** GraphQL over POST, GET and its own content type. */
export const graphql = (): Group => [
  ...queries.flatMap((query, i) => names.slice(i * 5, i * 5 + 12).map((name, k) => request(k % 2 === 0 ? browser(k) : program(k), "POST", "/graphql", { ...JSON_TYPE, Accept: "application/json" }, json({ operationName: null, query, variables: { q: pick(searches, i * 12 + k), name, id: String(k), in: { title: pick(products, k), note: pick(sentences, k + i) } } })))),
  ...queries.map((query, i) => request(browser(i), "GET", `/graphql?query=${e(query)}&variables=${e(json({ id: String(i), q: pick(searches, i) }))}`, { Accept: "application/json" })),
  ...queries.map((query, i) => request(program(i), "POST", "/graphql", { "Content-Type": "application/graphql" }, query)),
];

const xml = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** SOAP, XML-RPC, WebDAV, CalDAV, gRPC-web, SAML, feeds. */
export const documents = (): Group => [
  ...names.map((name, i) => request(program(i), "POST", "/soap/orders", { "Content-Type": "text/xml; charset=utf-8", SOAPAction: "\"urn:orders#place\"" }, `<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><o:place xmlns:o="urn:orders"><o:name>${xml(name)}</o:name><o:note>${xml(pick(sentences, i))}</o:note><o:qty>${i}</o:qty></o:place></soap:Body></soap:Envelope>`)),
  ...products.map((product, i) => request(program(i), "PUT", `/api/xml/products/${i}`, { "Content-Type": "application/xml" }, `<product id="${i}" lang="en"><title>${xml(product)}</title><price currency="EUR">19.99</price><desc><![CDATA[${pick(sentences, i)}]]></desc></product>`)),
  ...products.map((product, i) => request(program(i), "POST", "/xmlrpc", { "Content-Type": "text/xml" }, `<?xml version="1.0"?><methodCall><methodName>shop.find</methodName><params><param><value><string>${xml(product)}</string></value></param></params></methodCall>`)),
  ...Array.from({ length: 20 }, (_, i) => request({ agent: "Microsoft-WebDAV-MiniRedir/10.0.22631", accept: "*/*", more: { Connection: "Keep-Alive", translate: "f" } }, "PROPFIND", `/dav/Documents/Reports%20${i}/`, { Depth: "1", "Content-Type": "application/xml; charset=utf-8" }, '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:displayname/><D:getcontentlength/><D:getlastmodified/></D:prop></D:propfind>')),
  ...Array.from({ length: 10 }, (_, i) => request({ agent: "iOS/18.6 (22G86) dataaccessd/1.0", accept: "*/*", more: { Connection: "keep-alive" } }, "REPORT", `/caldav/jane/home-${i}/`, { Depth: "1", "Content-Type": "text/xml" }, '<?xml version="1.0" encoding="UTF-8"?><B:calendar-query xmlns:B="urn:ietf:params:xml:ns:caldav"><A:prop xmlns:A="DAV:"><A:getetag/></A:prop><B:filter><B:comp-filter name="VCALENDAR"/></B:filter></B:calendar-query>')),
  ...Array.from({ length: 20 }, (_, i) => request(browser(i), "POST", "/shop.v1.Catalog/List", { "Content-Type": "application/grpc-web-text", "X-Grpc-Web": "1", Accept: "application/grpc-web-text" }, Buffer.concat([Buffer.from([0, 0, 0, 0, 20]), noise(20, i)]).toString("base64"))),
  ...Array.from({ length: 20 }, (_, i) => request(browser(i), "POST", "/saml/acs", { ...FORM, Origin: "https://idp.example" }, formOf({ SAMLResponse: Buffer.from(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_${token(32, i)}" Version="2.0"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.example</saml:Issuer></samlp:Response>`).toString("base64"), RelayState: `https://www.shop.example/app?x=${i}` }))),
];

/** OAuth 2 and OpenID Connect, from the first redirect to the token. */
export const signIn = (): Group => Array.from({ length: 20 }, (_, i) => i).flatMap((i) => [
  request(browser(i), "GET", `/oauth/authorize?response_type=code&client_id=app-${i}&redirect_uri=${e(`https://app${i}.example/callback?x=1`)}&scope=openid%20profile%20email%20offline_access&state=${token(24, i)}&nonce=${token(20, i + 1)}&code_challenge=${token(43, i)}&code_challenge_method=S256&prompt=login%20consent`),
  request(browser(i), "GET", `/auth/callback?code=4/0A${token(60, i)}&state=${token(24, i)}&scope=email%20profile%20https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email%20openid&authuser=0&prompt=consent`),
  request(program(i), "POST", "/oauth/token", { ...FORM, Authorization: `Basic ${Buffer.from(`app-${i}:${token(20, i)}`).toString("base64")}` }, formOf({ grant_type: "authorization_code", code: token(40, i), redirect_uri: `https://app${i}.example/callback`, code_verifier: token(64, i) })),
  request(program(i), "POST", "/oauth/token", FORM, formOf({ grant_type: "refresh_token", refresh_token: jwt(i), client_id: `app-${i}` })),
  request(program(i), "POST", "/oauth/token", FORM, formOf({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: jwt(i + 50) })),
  request(program(i), "GET", "/userinfo", { Authorization: `Bearer ${jwt(i)}` }),
  request(browser(i), "GET", `/logout?id_token_hint=${jwt(i)}&post_logout_redirect_uri=${e("https://www.shop.example/bye")}`),
]);

const uploads: readonly (readonly [name: string, type: string, head: Buffer])[] = [
  ["photo.jpg", "image/jpeg", Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 0x10, 0x4a, 0x46, 0x49, 0x46, 0])], ["it's me (1).png", "image/png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xd, 0xa, 0x1a, 0xa])], ["Annual Report 2025 - final, v2.pdf", "application/pdf", Buffer.from("%PDF-1.7\n%\u00e2\u00e3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n", "latin1")], ["Über uns.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", Buffer.from("PK\u0003\u0004", "latin1")],
  ["Q3 & Q4 figures.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Buffer.from("PK\u0003\u0004", "latin1")], ["データ.csv", "text/csv", Buffer.from("id,name\n1,O'Brien\n")], ["archive.tar.gz", "application/gzip", Buffer.from([0x1f, 0x8b, 8, 0])], ["movie.mp4", "video/mp4", Buffer.from("\0\0\0 ftypisom", "latin1")], ["voice memo.m4a", "audio/x-m4a", Buffer.from("\0\0\0 ftypM4A ", "latin1")], ["notes.txt", "text/plain", Buffer.from("Buy milk; call O'Neill.\n")], ["logo.svg.png", "image/png", Buffer.from([0x89, 0x50, 0x4e, 0x47])], ["invoice_#17.eml", "message/rfc822", Buffer.from("From: a@mail.example\r\nSubject: Hi\r\n\r\nText\r\n")],
];

/** Forms with files, by browsers and by programs. */
export const files = (): Group => uploads.flatMap(([filename, type, head], u) => Array.from({ length: 9 }, (_, k) => {
  const i = u * 9 + k;
  const parts: Part[] = [{ name: "title", value: pick(sentences, i) }, { name: "owner", value: pick(names, i) }, { name: "file", filename, type, value: Buffer.concat([head, type.startsWith("text/") || type.startsWith("message/") ? Buffer.from(pick(sentences, i)) : noise(200 + 150 * k, i)]) }];
  const { headers, body } = multipart(parts, pick([`----WebKitFormBoundary${token(16, i).replace(/[-_]/g, "A")}`, `----geckoformboundary${noise(16, i).toString("hex")}`, `--------------------------${noise(12, i).toString("hex")}`], k));
  return k % 3 === 2 ? request(program(i), "POST", "/api/files", { ...headers, Authorization: `Bearer ${jwt(i)}` }, body) : request(browser(i), "POST", "/upload", headers, body);
}));
