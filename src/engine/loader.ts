// The part of AssemblyScript's loader that is used. dist/ has its code, without what the loader does to the globals when it is loaded.

export { instantiateSync } from "@assemblyscript/loader";
