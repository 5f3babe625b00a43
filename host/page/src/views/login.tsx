import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Button } from "../parts/action";
import { Input } from "../parts/field";
import { ProblemNote } from "../parts/problem";
import { Bird } from "../shell/bird";
import { isLoggingIn, logIn, loginProblem } from "../state/session";

export function LoginView() {
  const token = useSignal("");
  useEffect(() => {
    document.title = "Log in · Godwit";
    document.querySelector("input")?.focus();
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    void logIn(token.value.trim());
  };
  return (
    <main class="login">
      <Bird />
      <h1>Godwit</h1>
      <p class="quiet">Stored documents, from one version to the next.</p>
      <form onSubmit={submit}>
        <Input
          label="Token"
          type="password"
          autocomplete="current-password"
          hint="The host has one for changes and one that may only read. It is kept for this tab only."
          value={token.value}
          isRequired
          onInput={(value) => {
            token.value = value;
          }}
        />
        <Button type="submit" kind="primary" isBusy={isLoggingIn.value}>
          Log in
        </Button>
        <ProblemNote problem={loginProblem.value} />
      </form>
    </main>
  );
}
