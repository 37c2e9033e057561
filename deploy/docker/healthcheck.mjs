// Health of the service in this container, for Docker's HEALTHCHECK: slim images have no curl.
// Exits 0 when the service says it is ready, 1 when it does not or does not answer.
const port = process.env.SECUXFLOW_OPS_PORT;
try {
  const reply = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(4000) });
  const text = (await reply.text()).slice(0, 2000);
  process.stdout.write(`${text}\n`); // kept by Docker, see docker inspect
  process.exitCode = reply.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`no answer on port ${port}: ${error.message}\n`);
  process.exitCode = 1;
}
