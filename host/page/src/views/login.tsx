import { useEffect, useState } from "preact/hooks";
import { useCell } from "../cell";
import { Button } from "../parts/action";
import { Input } from "../parts/field";
import { ProblemNote } from "../parts/problem";
import { Bird } from "../shell/bird";
import { isLoggingIn, isResuming, logIn, loginProblem } from "../state/session";

export function LoginView() {
  useEffect(() => {
    document.title = "Log in · Godwit";
  }, []);
  return (
    <main class="login">
      <Bird />
      <h1>Godwit</h1>
      <p class="quiet">Stored documents, from one version to the next.</p>
      {useCell(isResuming) ? <p role="status">Logging in …</p> : <LoginForm />}
    </main>
  );
}

function LoginForm() {
  const [token, setToken] = useState("");
  useEffect(() => document.querySelector("input")?.focus(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    void logIn(token.trim());
  };
  return (
    <form onSubmit={submit}>
      <Input
        label="Token"
        type="password"
        autocomplete="current-password"
        hint="The host has one for changes and one that may only read. It is kept for this tab only."
        value={token}
        isRequired
        onInput={setToken}
      />
      <Button type="submit" kind="primary" isBusy={useCell(isLoggingIn)}>
        Log in
      </Button>
      <ProblemNote problem={useCell(loginProblem)} />
    </form>
  );
}
