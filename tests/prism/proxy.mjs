// Stands before a server and writes a line for each request that it passes on: status, method, path and query.
// node proxy.mjs PORT TARGET_PORT LOG
import fs from "node:fs";
import http from "node:http";

const [port, target, log] = process.argv.slice(2);

http
  .createServer((request, response) => {
    const passed = http.request(
      { host: "127.0.0.1", port: target, method: request.method, path: request.url, headers: request.headers },
      (answer) => {
        fs.appendFileSync(log, `${answer.statusCode} ${request.method} ${request.url}\n`);
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      },
    );
    passed.on("error", () => response.destroy());
    request.pipe(passed);
  })
  .listen(Number(port), "127.0.0.1");
