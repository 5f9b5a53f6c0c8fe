/**
 * The trainable numbers of a network, in both forms in which they are needed.
 */
import { isRecording, tf, type Random } from "../engine";
import type { ParameterLayout } from "./layout";

/** One vector for whoever changes the numbers, and the tensors cut from it for the network's layers. */
export class NetworkWeights {
  private readonly vector: tf.Variable;
  /** The same numbers as tensors, cut anew when they are first asked for. */
  private readonly cut: readonly tf.Variable[];
  private isCurrent = true;

  constructor(
    readonly layout: ParameterLayout,
    random: Random,
  ) {
    this.vector = makeVariable(layout.initialVector(random));
    this.cut = layout.toBlocks(this.vector as unknown as tf.Tensor1D).map(makeVariable);
  }

  /** The tensors that the layers take; they stay the network's. */
  blocks(): readonly tf.Tensor[] {
    // A graph outlives these numbers: it has to cut the vector itself, in each of its runs.
    if (isRecording()) return this.layout.toBlocks(this.vector as unknown as tf.Tensor1D);
    if (!this.isCurrent) {
      tf.tidy(() => {
        const parts = this.layout.toBlocks(this.vector as unknown as tf.Tensor1D);
        this.cut.forEach((block, i) => block.assign(parts[i] as tf.Tensor));
      });
      this.isCurrent = true;
    }
    return this.cut;
  }

  /** A copy of all numbers, `[P]`. The caller owns it. */
  getVector(): tf.Tensor1D {
    return this.vector.clone() as tf.Tensor1D;
  }

  /** Sets all numbers at once. Takes a copy: the caller keeps what it gave. */
  setVector(vector: tf.Tensor1D): void {
    this.vector.assign(vector);
    this.isCurrent = false;
  }

  dispose(): void {
    tf.dispose([this.vector, ...this.cut]);
  }
}

/** A variable with these first values, which are freed. It is not of those that tfjs trains by itself. */
export function makeVariable(initial: tf.Tensor): tf.Variable {
  const variable = tf.variable(initial, false);
  initial.dispose();
  return variable;
}
