// The CDK asks CloudFormation every five seconds whether a stack is done, and no option changes that. It suits AWS;
// LocalStack has done a stack within one or two.
const HASTE_MS = 500;
const wait = globalThis.setTimeout;
const shorter = (then, delay, ...given) => wait(then, delay === 5000 ? HASTE_MS : delay, ...given);
globalThis.setTimeout = Object.defineProperties(shorter, Object.getOwnPropertyDescriptors(wait));
