// Imported first by every tool, and written in old JavaScript: on a Node that is too old it must get as far as its message.
var parts = process.versions.node.split(".").map(Number);
if (parts[0] < 20 || (parts[0] === 20 && parts[1] < 19)) {
  console.error("SecuXFlow needs Node 20.19 or newer, and this is " + process.version + ".");
  console.error("What to do: install Node 20, 22 or 24 from https://nodejs.org/ and try again.");
  process.exit(1);
}
