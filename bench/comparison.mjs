// comparison.mjs: compares an answer with the expected one while it arrives, and does not keep it.

const SHOWN_BYTES = 300;

/** Compares one answer with `{ status, body, from }`; bytes before `from` may differ. */
export class Comparison {
  #expected;
  #length = 0;
  #equal = true;
  #shown = "";

  constructor(expected) {
    this.#expected = expected;
  }

  add(chunk) {
    const { body, from } = this.#expected;
    const end = this.#length + chunk.length;
    const begin = Math.min(Math.max(this.#length, from), end);
    this.#equal &&=
      end <= body.length && body.subarray(begin, end).equals(chunk.subarray(begin - this.#length));
    this.#shown ||= chunk.toString("utf8", 0, SHOWN_BYTES);
    this.#length = end;
  }

  /** Returns what is wrong with the answer that has ended, or undefined. */
  faultOf(status) {
    const { status: wanted, body } = this.#expected;
    const right = status === wanted && this.#equal && this.#length === body.length;
    return right ? undefined : `status ${status}, ${this.#length} bytes: ${this.#shown}`;
  }
}
