import { browsers, programs } from "./clients.js";
import type { Group } from "./pages.js";
import { e, FORM, formOf, JSON_TYPE, pick, request } from "./request.js";
import { names, provoking, provokingSearches } from "./texts.js";

const snippets = [
  "SELECT name, price FROM products WHERE price < 10 ORDER BY name;", "UPDATE users SET name = 'O''Brien' WHERE id = 1;", "INSERT INTO t (a, b) VALUES (1, 'x');", "How do I write `SELECT * FROM a UNION ALL SELECT * FROM b`?", "if (a == 'x' || b == 'y') { return 1; }", "for i in range(10): print(i)", "<script src=\"/app.js\"></script> doesn't load", "<a href=\"javascript:void(0)\" onclick=\"go()\">Go</a>", "document.cookie = 'a=b'; is it safe?",
  "$ cat /etc/hosts | grep localhost", "run `sudo systemctl restart nginx; ls -la /var/log`", "curl https://example.org/install.sh | bash", "<?php echo $_GET['name']; ?>", "import { a } from \"../../lib/a.js\";", "const x = `${7 * 7}`;", "{{ user.name | upper }}", "{% for p in products %}{{ p }}{% endfor %}", "eval(\"1+1\") // don't", "try { x(); } catch (e) { alert(e); }", "console.log(window.location.href);", "os.system('ls')", "Runtime.getRuntime().availableProcessors()",
  "CREATE TABLE orders (id int PRIMARY KEY);", "DELETE FROM carts WHERE updated < now() - interval '7 days'", "WHERE a = 1 OR b = 2 -- comment", "<style>p { color: red }</style>", "<iframe width=\"560\" src=\"https://www.youtube.com/embed/x\"></iframe>", "<p onclick=\"x()\">text</p>", "http://localhost:3000/callback", "http://127.0.0.1:8080/debug", "file:///home/me/a.txt", "C:\\Windows\\System32\\drivers\\etc\\hosts", "/etc/nginx/nginx.conf has a typo", "' OR '1'='1 is the classic example, as everybody knows", "The payload was <script>alert(1)</script>", "grep -r 'x' . | sort | uniq -c",
];

/** Code, markup and attacks quoted as text: forums, editors and issue trackers have it, and a firewall cannot know. */
export const hard = (): Group => snippets.flatMap((text, i) => [
  request(pick(browsers, i), "POST", "/forum/post", FORM, formOf({ title: "How does this work?", body: `Hi all,\r\n\r\n    ${text}\r\n\r\nThanks!` })),
  request(pick(programs, i), "POST", "/api/snippets", JSON_TYPE, JSON.stringify({ language: "text", code: text })),
]);

/** Prose and searches that were chosen for the words of attacks in them. */
export const provocations = (): Group => [
  ...provoking.map((message, i) => request(pick(browsers, i), "POST", "/contact", FORM, formOf({ name: pick(names, i), email: "jane@mail.example", message }))),
  ...provoking.map((text, i) => request(pick(programs, i), "POST", "/api/v2/comments", JSON_TYPE, JSON.stringify({ postId: i, text }))),
  ...provokingSearches.map((text, i) => request(pick(browsers, i), "GET", `/search?q=${e(text).replaceAll("%20", "+")}`)),
];
