import type { ItemName } from "../api/types";
import { Facts } from "../parts/facts";
import { Id } from "../parts/foreign";
import { Heading } from "../parts/heading";
import { BodyText } from "../parts/json";
import { useLoaded } from "../parts/loaded";
import { Loading } from "../parts/pages";
import { Panel } from "../parts/panel";
import { ProblemNote } from "../parts/problem";
import { href } from "../routes";
import { api } from "../state/session";

export function ItemView({ name }: { name: ItemName }) {
  const { value, problem } = useLoaded(`${name.collection}/${name.id}`, () => api().item(name));
  return (
    <>
      <Heading title="Item">
        <p class="lead">
          <a href={href("collections")}>Collections</a> /{" "}
          <a href={href("collections", name.collection)}>{name.collection}</a> / <Id text={name.id} />
        </p>
      </Heading>
      <ProblemNote problem={problem} />
      {value && (
        <Panel title="Body">
          <Facts facts={[["Version", value.version]]} />
          <BodyText text={value.text} label="Body of the item" />
        </Panel>
      )}
      {!value && !problem && <Loading />}
    </>
  );
}
