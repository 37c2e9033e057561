export { eventStoreContract, sampleMessage, type ContractStore } from "./contract.js";
