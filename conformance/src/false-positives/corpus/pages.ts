import { browsers } from "./clients.js";
import { e, FORM, formOf, pick, request, token } from "./request.js";
import type { Client } from "./request.js";
import { cities, names, products, searches, sentences } from "./texts.js";

/** Requests of one kind, without numbers yet. */
export type Group = readonly Buffer[];
const browser = (i: number): Client => pick(browsers, i);
const uuid = (i: number): string => `3f2a${(i * 7919 + 4096).toString(16).padStart(6, "0").slice(-4)}-9c1b-4d2e-8f00-${(i * 104_729 + 1_000_003).toString(16).padStart(12, "0")}`;

const paths = [
  "/", "/index.html", "/robots.txt", "/sitemap.xml", "/favicon.ico", "/manifest.webmanifest", "/.well-known/security.txt", "/.well-known/apple-app-site-association", "/.well-known/openid-configuration", "/.well-known/change-password",
  "/css/app.3f2a1c.css?v=20260101", "/js/vendor~main.5d4f.chunk.js", "/fonts/inter-var.woff2?v=4.0", "/images/hero@2x.webp", "/img/logo%20(final).png", "/products/42-mens-t-shirt", "/products?category=shoes&size=42&sort=price_asc&page=2",
  "/c/men/shoes?color=black,white&price=50-100&in_stock=true", "/blog/2026/01/select-a-plan-that-fits", "/blog/how-to-drop-a-habit", "/wiki/Union_(set_theory)", "/wiki/SQL", "/wiki/C%2B%2B", "/wiki/AT%26T", "/tags/c%23", "/u/@jane.doe/posts", "/~smith/papers/2025/", "/docs/api/v2/index.html", "/docs/reference/select.html",
  "/en-GB/help/articles/1234-how-to-update-your-profile", "/login?next=%2Faccount%2Forders%3Fpage%3D2", "/redirect?to=https%3A%2F%2Fwww.example.org%2Fa%3Fb%3D1%26c%3D2", "/share?url=https%3A%2F%2Fwww.shop.example%2Fp%2F42&text=It%27s%20great%21", "/map?lat=52.5200&lon=13.4050&zoom=12", "/calendar?from=2026-01-01T00:00:00%2B01:00&to=2026-02-01T00:00:00%2B01:00", "/items?filter[status]=open&filter[owner]=me&sort=-created",
  "/items?ids[]=1&ids[]=2&ids[]=3", "/odata/Products?$filter=Price%20gt%2020%20and%20Stock%20lt%205&$top=10", "/odata/Customers?$select=Name,City&$orderby=Name%20desc&$expand=Orders", "/cart/add?sku=AB-123&qty=2", "/track?utm_source=news&utm_medium=email&utm_campaign=spring%20sale&utm_content=50%25+off", "/p?gclid=EAIaIQobChMI_8Sx3ZmD&fbclid=IwAR0abc-DEF_ghi", "/image?w=640&h=480&fit=crop&q=75&fm=webp", "/video/embed?autoplay=1&mute=1&start=30",
  "/print.php?id=17", "/index.php?option=com_content&view=article&id=17:about-us&catid=2", "/?p=123&preview=true", "/wp-content/uploads/2026/01/photo-1024x768.jpg", "/wp-json/wp/v2/posts?per_page=10&_fields=id,title,link", "/cgi-bin/search.cgi?q=tea", "/viewtopic.php?f=2&t=3456&start=15", "/app/orders;jsessionid=1A2B3C4D5E6F?status=open", "/_next/static/chunks/pages/%5Bslug%5D-1a2b3c.js", "/_next/data/build-1/en/products/42.json?slug=42",
  "/@vite/client", "/assets/index-Dk3_a9.js", "/socket.io/?EIO=4&transport=polling&t=Oa1b2c3&sid=abcDEF-123_", "/cdn-cgi/trace", "/.well-known/acme-challenge/abc-DEF_123", "/feed/?format=atom", "/calc?expr=3*(4%2B5)-1", "/math?q=x%5E2+%2B+3x+-+4+%3D+0", "/time?tz=Europe%2FBerlin", "/search?q=&page=1", "/status/200,404", "/v1.2.3/changelog", "/a/b-c_d.e~f/g", "/%E6%97%A5%E6%9C%AC/%E6%9D%B1%E4%BA%AC", "/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8/1", "/caf%C3%A9/men%C3%BC",
] as const;

const cookies = [
  (i: number) => `PHPSESSID=${token(26, i).toLowerCase().replace(/[^a-z0-9]/g, "a")}; lang=en`, (i: number) => `JSESSIONID=${token(32, i).toUpperCase().replace(/[^A-Z0-9]/g, "B")}.node1`, (i: number) => `laravel_session=${e(Buffer.from(JSON.stringify({ iv: token(16, i), value: token(60, i + 1), mac: token(40, i + 2), tag: "" })).toString("base64"))}; XSRF-TOKEN=${token(80, i)}%3D`,
  (i: number) => `connect.sid=s%3A${token(32, i)}.${token(43, i + 9)}; theme=dark`, (i: number) => `csrftoken=${token(32, i)}; sessionid=${token(32, i + 1)}`, (i: number) => `_shop_session=${token(120, i)}--${token(40, i + 3)}; cart=${e('{"items":[{"id":42,"qty":1}]}')}`, (i: number) => `.AspNetCore.Antiforgery.abc=CfDJ8${token(120, i)}; .AspNetCore.Cookies=CfDJ8${token(300, i)}`,
  (i: number) => `_ga=GA1.2.${i * 7}.17${i}00; _gid=GA1.2.1.2; _fbp=fb.1.1700000000${i}.123; OptanonConsent=isGpcEnabled=0&datestamp=Mon+Jan+05+2026+10%3A00%3A00+GMT%2B0100+(Central+European+Standard+Time)&version=202501.1.0&groups=C0001%3A1%2CC0002%3A0`, (i: number) => `wordpress_logged_in_ab12=jane%7C17700000${i}%7C${token(43, i)}%7C${token(64, i + 5)}; wp-settings-1=libraryContent%3Dbrowse%26editor%3Dtinymce`, (i: number) => `prefs=%7B%22name%22%3A%22${e(pick(names, i))}%22%2C%22n%22%3A${i}%7D; seen=1,2,3|4; ab=A:1;b=`.replace(";b=", ""),
  (i: number) => `next-auth.session-token=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..${token(16, i)}.${token(200, i)}.${token(22, i)}; next-auth.csrf-token=${token(64, i)}%7C${token(64, i + 1)}`, (i: number) => `CookieConsent={stamp:%27${token(40, i)}==%27%2Cnecessary:true%2Cpreferences:false%2Cstatistics:false%2Cmarketing:false%2Cmethod:%27explicit%27%2Cver:1%2Cutc:17000000${i}%2Cregion:%27de%27}`,
];

/** Pages as browsers fetch them: all paths, and all browsers, cookies and ways to come from elsewhere. */
export const pages = (): Group => [
  ...paths.map((path, i) => request(browser(i), "GET", path)),
  ...paths.map((path, i) => request(browser(i + 7), "GET", path, { Referer: `https://www.shop.example${pick(paths, i + 3)}`, Cookie: pick(cookies, i)(i) })),
  ...browsers.flatMap((client, i) => cookies.map((cookie, k) => request(client, "GET", pick(paths, i * 12 + k), { Cookie: cookie(i * 31 + k) }))),
  ...searches.map((text, i) => request(browser(i), "GET", pick(paths, i), { Referer: `https://www.google.com/search?q=${e(text).replaceAll("%20", "+")}&hl=en&sourceid=chrome` })),
];

/** Every search text as links and forms write it, and some in path and filters. */
export const searching = (): Group => [
  ...searches.map((text, i) => request(browser(i), "GET", `/search?q=${e(text).replaceAll("%20", "+")}&page=${(i % 5) + 1}`)),
  ...searches.map((text, i) => request(browser(i + 3), "GET", `/suggest?term=${e(text)}&limit=10&_=17000${i}`, { "X-Requested-With": "XMLHttpRequest", Accept: "application/json" })),
  ...searches.map((text, i) => request(browser(i + 5), "POST", "/search", FORM, formOf({ q: text, category: pick(["all", "books", "home & garden"], i), exact: "on" }))),
  ...searches.slice(0, 60).map((text, i) => request(browser(i), "GET", `/s/${e(text).replaceAll("%2F", "-")}?sort=price+asc`)),
];

/** Forms that people fill in. */
export const forms = (): Group => [
  ...names.map((name, i) => request(browser(i), "POST", "/account/register", FORM, formOf({ csrf: token(32, i), name, email: `user${i}+news@mail.example`, password: `Tr0ub4dor&${i}'#!`, password2: `Tr0ub4dor&${i}'#!`, terms: "1" }))),
  ...names.map((name, i) => { const [street, city, zip] = pick(cities, i); return request(browser(i), "POST", "/checkout/address", FORM, formOf({ "billing[name]": name, "billing[street]": street, "billing[city]": city, "billing[zip]": zip, "billing[country]": "GB", notes: pick(sentences, i) })); }),
  ...sentences.map((message, i) => request(browser(i), "POST", "/contact", FORM, formOf({ name: pick(names, i), email: "jane@mail.example", subject: pick(searches, i), message }))),
  ...sentences.map((text, i) => request(browser(i), "POST", "/reviews", FORM, formOf({ product: pick(products, i), rating: String((i % 5) + 1), title: pick(sentences, i + 11), text: `${text}\r\n\r\n${pick(sentences, i + 23)}` }))),
  ...sentences.map((text, i) => request(browser(i), "POST", "/forum/reply", FORM, formOf({ topic: String(i), body: `> ${pick(sentences, i + 5)}\r\n\r\n${text}\r\n\r\n- ${pick(searches, i)}\r\n- ${pick(searches, i + 1)}\r\n\r\n*${pick(names, i)}*`, submit: "Reply" }))),
  ...["hunter2", "correct horse battery staple", "p@$$w0rd!#%&", "';lkjhgf", "a'b\"c`d", "Pa55-word--", "x=1&y=2", "ünïcödé", "パスワード", "<*)))><", "(o_o)", "100%Secure;", "or1and2"].map((password, i) => request(browser(i), "POST", "/login", FORM, formOf({ username: pick(["admin", "root", "jane.doe@mail.example", "o'brien", "user-1"], i), password, remember: "true" }))),
  ...products.map((product, i) => request(browser(i), "POST", "/admin/products/save", FORM, formOf({ id: String(i), title: product, sku: `AB-${i}/C`, price: "19.99", description: `${product}: ${pick(sentences, i)}`, seo: product.toLowerCase().replace(/[^a-z0-9]+/g, "-") }))),
];

/** Downloads, caches, ranges, beacons, and what browsers send by themselves. */
export const fetching = (): Group => Array.from({ length: 40 }, (_, i) => i).flatMap((i) => [
  request(browser(i), "GET", `/downloads/report-${2000 + i}.pdf`, { Range: `bytes=${i * 1000}-${i * 1000 + 999}`, "If-Range": `"${token(12, i)}"` }),
  request(browser(i), "GET", `/static/${token(8, i)}.js`, { "If-None-Match": `W/"${token(10, i)}", "${token(10, i + 1)}"`, "If-Modified-Since": "Mon, 05 Jan 2026 10:00:00 GMT", "Cache-Control": "max-age=0" }),
  request(browser(i), "POST", "/collect?v=2&tid=G-ABC123&_p=17", { "Content-Type": "text/plain;charset=UTF-8", Origin: "https://www.shop.example", Accept: "*/*" }, `en=page_view&dl=${e(`https://www.shop.example${pick(paths, i)}`)}&dt=${e(pick(sentences, i))}&sr=1920x1080`),
  request(browser(i), "POST", "/beacon", { "Content-Type": "application/json", Accept: "*/*" }, JSON.stringify({ type: "vitals", id: uuid(i), url: pick(paths, i), lcp: i * 37.5, cls: 0.01, nav: { type: "navigate", conn: "4g" } })),
  request(browser(i), "GET", `/pixel.gif?e=click&x=${i}&y=${i * 3}&t=${e(pick(products, i))}&r=${e("https://www.google.com/")}`, { Accept: "image/avif,image/webp,*/*" }),
  request(browser(i), "OPTIONS", `/api/v1/items/${i}`, { Origin: "https://app.example", "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,content-type,x-csrf-token" }),
  request(browser(i), "HEAD", pick(paths, i)),
  request(browser(i), "POST", "/csp-report", { "Content-Type": "application/csp-report", Accept: "*/*" }, JSON.stringify({ "csp-report": { "document-uri": `https://www.shop.example${pick(paths, i)}`, "violated-directive": "script-src-elem", "original-policy": "default-src 'self'; report-uri /csp-report", "blocked-uri": "inline", "line-number": i } })),
]);
