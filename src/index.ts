/**
 * Score-based generative modelling through stochastic differential equations, as a small library.
 */
export * from "./engine";
export type { Step } from "./step";
export * from "./sde";
export * from "./models";
export * from "./losses";
export * from "./data";
export * from "./checkpoints";
export * from "./training";
export * from "./flow";
export * from "./samplers";
export * from "./guidance";
export * from "./metrics";
export * from "./figures";
export * from "./notebook";
