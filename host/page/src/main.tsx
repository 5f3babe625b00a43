import { render } from "preact";
import { App } from "./app";
import { followFragment } from "./routes";
import { resumeSession } from "./state/session";
import "./style/index.css";

const place = document.getElementById("page");
if (!place) throw new Error("the page has no place");
// The page is there before a server answers, which may take long.
void resumeSession();
followFragment();
render(<App />, place);
