import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface InputProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "number" | "password" | "search";
  hint?: string;
  min?: number;
  max?: number;
  placeholder?: string;
  autocomplete?: string;
  isRequired?: boolean;
}

export function Input(props: InputProps) {
  const { label, value, onInput, type = "text", hint } = props;
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        // Preact has a type of its own for each kind of input, and none for a choice of them.
        type={type as "text"}
        value={value}
        min={props.min}
        max={props.max}
        step={type === "number" ? 1 : undefined}
        placeholder={props.placeholder}
        autocomplete={props.autocomplete ?? "off"}
        autocapitalize="off"
        spellcheck={false}
        required={props.isRequired}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      {hint && (
        <small id={`${id}-hint`} class="quiet">
          {hint}
        </small>
      )}
    </div>
  );
}

interface SelectProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  options: [value: string, name: string][];
}

export function Select({ label, value, onChange, options }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([option, name]) => (
          <option key={option} value={option}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

interface CheckProps {
  isChecked: boolean;
  onChange: (isChecked: boolean) => void;
  children: ComponentChildren;
  label?: string;
}

export function Check({ isChecked, onChange, children, label }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={isChecked}
        aria-label={label}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {children}
    </label>
  );
}

interface ChoiceProps<T extends string> {
  legend: string;
  value: T;
  onChange: (value: T) => void;
  options: [value: T, name: string, what: string][];
}

/** One of several, each with what it means. */
export function Choice<T extends string>({ legend, value, onChange, options }: ChoiceProps<T>) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      {options.map(([option, title, what]) => (
        <label key={option}>
          <input type="radio" name={name} checked={option === value} onChange={() => onChange(option)} />
          <span>
            <b>{title}</b> <span class="quiet">{what}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
