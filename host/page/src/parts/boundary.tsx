import { Component, type ComponentChildren } from "preact";
import { problemOf } from "../api/client";
import type { Problem } from "../api/types";
import { Button } from "./action";
import { ProblemNote } from "./problem";

interface State {
  problem: Problem | null;
}

/** Keeps what goes wrong in a view in its place, so that the rest of the page stays. */
export class Boundary extends Component<{ children: ComponentChildren }, State> {
  override state: State = { problem: null };

  static override getDerivedStateFromError(error: unknown): State {
    return { problem: problemOf(error) };
  }

  override render() {
    const { problem } = this.state;
    if (!problem) return <>{this.props.children}</>;
    return (
      <>
        <ProblemNote problem={problem} />
        <div class="buttons">
          <Button onClick={() => this.setState({ problem: null })}>Show it again</Button>
        </div>
      </>
    );
  }
}
