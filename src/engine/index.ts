export { EngineError, tf } from "./tensorflow";
export { engineInfo, type EngineInfo } from "./info";
export { graphFunction, isRecording, type GraphFunction, type TensorFunction } from "./graph";
export { nativeOp, type Attribute } from "./native-op";
export { Random, type RandomState, type TensorOfRank } from "./random";
export {
  beginInterruptScope,
  interruptSignal,
  raiseInterrupt,
  yieldToEventLoop,
} from "./interrupt";
