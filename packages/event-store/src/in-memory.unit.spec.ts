import { InMemoryEventStore } from "./in-memory.js";
import { eventStoreContract } from "./testing/index.js";

eventStoreContract("InMemoryEventStore", () => Promise.resolve({ store: new InMemoryEventStore() }));
